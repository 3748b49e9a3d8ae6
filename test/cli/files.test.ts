/** Files that travel with jobs, from command line to command line, through a real server, agent and processes. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { data, expectExit, json } from './command-line.ts';
import { place, startAgent, untilConnected, write, type Place } from './with-server.ts';

async function withAgent(): Promise<Place> {
  const here = await place();
  await here.register('red', '--nodes', '1', '--cores', '4');
  startAgent(here, 'red', ['--graph', join(here.folder, 'red.json')]);
  await untilConnected(here, 'red');
  return here;
}

const read = (...path: string[]): string => readFileSync(join(...path), 'utf8');

describe('files that travel with a job', () => {
  test('a program and its data go along, results come back with their modes; fetched once, and never over others', async () => {
    const { run, folder } = await withAgent();
    const example = join(data, 'files');
    const submitted = await run([
      'submit',
      '--stage-in',
      join(example, 'count.sh'),
      '--stage-in',
      join(example, 'texts'),
      '--stage-out',
      'counts/**',
      '--stage-out',
      'where',
      '--stage-out',
      'never-made',
      '--wait',
      '--json',
      '--',
      'sh',
      '-c',
      './count.sh; chmod +x counts/words; pwd > where; echo "$RAINBOW_FILES" >> where',
    ]);
    expectExit(submitted, 0);
    const { id } = json<{ id: number }>(submitted);
    const shown = json<{ files: unknown }>(await run(['job', 'show', String(id), '--json']));
    expect(shown.files).toMatchObject({
      stageIn: { files: 3 },
      stageOut: ['counts/**', 'where', 'never-made'],
      collected: [{ attempt: 1, files: 3, notes: ['nothing matches never-made'] }],
    });
    const text = (await run(['job', 'show', String(id)])).stdout;
    expect(text).toMatch(/files +3 go along .*; counts\/\*\*, where, never-made comes back/);
    expect(text).toMatch(/brought back +3 files, .* of attempt 1; not: nothing matches never-made/);
    expect((await run(['job', 'events', String(id)])).stdout).toContain('3 files brought back');

    const to = join(folder, 'back');
    const fetched = await run(['job', 'fetch', String(id), '--to', to]);
    expectExit(fetched, 0);
    expect(fetched.stderr).toContain('not brought back: nothing matches never-made');
    expect(read(to, 'counts', 'words')).toMatch(/18 texts\/more\/long.txt\n +4 texts\/short.txt\n +22 total/);
    expect(read(to, 'counts', 'longest', 'long.txt')).toBe(read(example, 'texts', 'more', 'long.txt'));
    const [where, files] = read(to, 'where').trim().split('\n');
    expect(where).toBe(files);
    await expect.poll(() => existsSync(where!)).toBe(false);
    expect(statSync(join(to, 'counts', 'words')).mode & 0o111).not.toBe(0);
    expect(statSync(join(to, 'where')).mode & 0o111).toBe(0);
    expect(readdirSync(to).sort()).toEqual(['counts', 'where']);

    // Again: nothing to do. Then something of mine is in the way.
    expect((await run(['job', 'fetch', String(id), '--to', to])).stdout).toContain('(3 were there already)');
    write(to, 'where', 'mine');
    const refused = await run(['job', 'fetch', String(id), '--to', to]);
    expectExit(refused, 1);
    expect(refused.stderr).toContain(join(to, 'where'));
    expect(read(to, 'where')).toBe('mine');
    expectExit(await run(['job', 'fetch', String(id), '--to', to, '--force']), 0);
    expect(read(to, 'where')).toContain(where);
    expect(readdirSync(to).sort()).toEqual(['counts', 'where']);
  });

  test('each task of an array has a folder of its own, here and there', async () => {
    const { run, folder } = await withAgent();
    const input = write(folder, 'input', 'shared');
    const script = 'cat input > result; echo " $RAINBOW_ARRAY_INDEX" >> result; test $RAINBOW_ARRAY_INDEX != 2';
    const submitted = await run([
      'submit',
      '--array',
      '0-2',
      '--stage-in',
      input,
      '--stage-out',
      'result',
      '--wait',
      '--json',
      '--',
      'sh',
      '-c',
      script,
    ]);
    expectExit(submitted, 1);
    const { id } = json<{ id: number }>(submitted);
    const to = join(folder, 'back');
    const fetched = await run(['job', 'fetch', String(id), '--to', to, '--json']);
    expectExit(fetched, 0);
    expect(fetched.stdout.trim().split('\n')).toHaveLength(3);
    expect([0, 1, 2].map((index) => read(to, String(index), 'result'))).toEqual([
      'shared 0\n',
      'shared 1\n',
      'shared 2\n',
    ]);
    expectExit(await run(['job', 'fetch', `${id}[1]`, '--to', join(folder, 'one')]), 0);
    expect(read(folder, 'one', 'result')).toBe('shared 1\n');
  });

  test('a job that failed, and one that was canceled, bring back what is there; a link is not followed', async () => {
    const { run, folder } = await withAgent();
    const failed = await run([
      'submit',
      '--stage-out',
      '*',
      '--wait',
      '--json',
      '--',
      'sh',
      '-c',
      'echo half > result; ln -s /etc/passwd stolen; mkfifo pipe; exit 3',
    ]);
    expectExit(failed, 1);
    const { id } = json<{ id: number }>(failed);
    const to = join(folder, 'failed');
    const fetched = await run(['job', 'fetch', String(id), '--to', to]);
    expectExit(fetched, 0);
    expect(readdirSync(to)).toEqual(['result']);
    expect(fetched.stderr).toContain('stolen is a symbolic link, and none is followed');
    expect(fetched.stderr).toContain('pipe is no plain file');

    const flag = join(folder, 'running');
    writeFileSync(flag, '');
    chmodSync(flag, 0o666);
    const running = json<{ id: number }>(
      await run([
        'submit',
        '--stage-out',
        'part',
        '--json',
        '--',
        'sh',
        '-c',
        `echo some > part; echo x > ${flag}; exec sleep 300`,
      ]),
    );
    await expect.poll(() => read(flag)).toBe('x\n');
    expectExit(await run(['job', 'cancel', String(running.id)]), 0);
    expectExit(await run(['job', 'wait', String(running.id)]), 1);
    expectExit(await run(['job', 'fetch', String(running.id), '--to', join(folder, 'canceled')]), 0);
    expect(read(folder, 'canceled', 'part')).toBe('some\n');
  });

  test('what is wrong with the files is said before anything is placed', async () => {
    const { run, folder } = await place().then(async (here) => {
      await here.register('red', '--nodes', '1', '--cores', '4');
      return here;
    });
    const fine = write(folder, 'fine', 'x');
    mkdirSync(join(folder, 'tree'));
    symlinkSync('/etc/passwd', join(folder, 'tree', 'out-of-it'));
    symlinkSync('nowhere', join(folder, 'tree', 'to-nothing'));
    mkdirSync(join(folder, 'other'));
    write(join(folder, 'other'), 'fine', 'another');
    write(folder, 'large', '');
    truncateSync(join(folder, 'large'), 300 * 2 ** 20);
    for (const [args, words] of [
      [
        ['--stage-in', fine, '--stage-in', join(folder, 'absent')],
        `${join(folder, 'absent')}: there is no such file or folder`,
      ],
      [['--stage-in', join(folder, 'tree')], 'out-of-it is a link that leads out of'],
      [['--stage-in', join(folder, 'tree')], 'to-nothing is a link to nothing'],
      [['--stage-in', fine, '--stage-in', join(folder, 'other', 'fine')], 'would both be fine'],
      [['--stage-in', '/dev/null'], '/dev/null is no plain file'],
      [['--stage-in', join(folder, 'large')], 'has 300 MiB; a file may have at most 256 MiB on this server'],
      [['--stage-out', '../up'], '"../up" has the part ".."'],
      [['--stage-out', '/etc/passwd'], '"/etc/passwd" is absolute'],
    ] as const) {
      const refused = await run(['submit', ...args, '--', 'true']);
      expect([refused.code, refused.stdout, refused.stderr]).toEqual([
        args[0] === '--stage-out' ? 2 : 1,
        '',
        expect.stringContaining(words) as string,
      ]);
    }
    expect((await run(['jobs', '--json'])).stdout).toBe('');
    const nothing = await run(['submit', '--json', '--', 'true']);
    const { id } = json<{ id: number }>(nothing);
    expect((await run(['job', 'fetch', String(id)])).stderr).toContain(
      'was not asked to bring files back: submit it with --stage-out',
    );
  });
});
