/** What people have already, on the command line: checked, shown, converted, submitted, and run by a real agent. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectExit, json, jsonLines, rainbow, root, temporaryFolder } from './command-line.ts';
import { place, startAgent, untilConnected, write } from './with-server.ts';

const batch = join(root, 'examples', 'batch');
const kubernetes = join(root, 'examples', 'kubernetes');
const simulation = join(batch, 'simulation.sh');
const sweep = join(batch, 'array.sh');

/** What Rainbow has no word for. */
const LOSSY = '#!/bin/sh\n#SBATCH --dependency=aftercorr:1\n';

describe('jobspec', () => {
  test('validate tells the forms apart, and what would be in the way', async () => {
    const lossy = write(temporaryFolder(), 'lossy.sh', LOSSY);
    const files = [
      simulation,
      sweep,
      lossy,
      join(batch, 'flux.sh'),
      join(kubernetes, 'pi.yaml'),
      join(root, 'examples/jobspecs/rfc25.yaml'),
    ];
    const outcome = await rainbow(['jobspec', 'validate', ...files]);
    expect(outcome.code).toBe(0);
    expect(outcome.stdout.split('\n').map((line) => line.replace(/^.*: valid/, 'valid'))).toEqual([
      'valid (sbatch)',
      'valid (sbatch)',
      'valid (sbatch; one thing would need --allow-lossy)',
      'valid (flux)',
      'valid (kubernetes)',
      'valid (rfc25)',
      '',
    ]);
    const [answer] = jsonLines(await rainbow(['jobspec', 'validate', sweep, '--json']));
    expect(answer).toMatchObject({ valid: true, form: 'sbatch', name: 'sweep', report: expect.any(Array) });
  });

  test('what is wrong is said with file, line and column', async () => {
    const folder = temporaryFolder();
    const file = (name: string, content: string | Uint8Array): string => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const files = [
      file('a.sh', '#!/bin/sh\n#SBATCH --nope\n'),
      file('b.sh', Buffer.from('#!/bin/sh\n#SBATCH -J \xff\n', 'latin1')),
      file('c.yaml', Buffer.from('version: 1\n# \xe9\n', 'latin1')),
      join(folder, 'missing.sh'),
    ];
    const outcome = await rainbow(['jobspec', 'validate', ...files]);
    expect(outcome.code).toBe(1);
    const lines = outcome.stdout.trim().split('\n');
    expect(lines[0]).toBe(`${files[0]}: not valid: line 2, column 9: unknown option "--nope"`);
    expect(lines[1]).toContain('not valid: line 2, column 12: the byte 0xff is not UTF-8');
    expect(lines[2]).toContain('not valid: line 2, column 3: the byte 0xe9 is not UTF-8');
    expect(lines[3]).toContain('there is no such file');

    const stdin = await rainbow(['jobspec', 'show', '-'], { stdin: Buffer.from('#!/bin/sh\n\xc3', 'latin1') });
    expect(stdin).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('standard input: line 2, column 1'),
    });
  });

  test('show: the report on standard error, the jobspec on standard output', async () => {
    const outcome = await rainbow(['jobspec', 'show', simulation]);
    expect(outcome.stdout).toContain('2 node\n    4 slot "task"\n      4 core\n');
    expect(outcome.stdout).toContain('1 in all: the script simulation.sh (17 lines, by /bin/bash)');
    expect(outcome.stderr).toContain(`${simulation}:4:9: kept: --nodes=2 → 2 nodes\n`);
    expect(outcome.stderr).toContain('kept for Slurm and Flux: --output=simulation-%j.out → ');
    expect(json(await rainbow(['jobspec', 'show', simulation, '--json']))).toMatchObject({
      name: 'simulation',
      form: 'sbatch',
      report: expect.arrayContaining([expect.objectContaining({ line: 4, column: 9, outcome: 'kept' })]),
    });
  });

  test('convert, there and back', async () => {
    const folder = temporaryFolder();
    const [yaml, script] = [join(folder, 'job.yaml'), join(folder, 'job.sh')];
    expectExit(await rainbow(['jobspec', 'convert', sweep, '--to', 'rfc14', '-o', yaml]), 0);
    expectExit(await rainbow(['jobspec', 'convert', yaml, '--to', 'sbatch', '-o', script]), 0);
    expect(readFileSync(script, 'utf8')).toBe(readFileSync(sweep, 'utf8'));
    expect(statSync(script).mode & 0o111).not.toBe(0);
  });

  test('what is lost is refused, unless it is allowed', async () => {
    const refused = await rainbow(['jobspec', 'convert', simulation, '--to', 'flux']);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/dropped: memory \(.*\)\n/);
    expect(refused.stderr).toContain('Leave that out, or say --allow-lossy.');
    const allowed = await rainbow(['jobspec', 'convert', simulation, '--to', 'flux', '--allow-lossy']);
    expect(allowed.code).toBe(0);
    expect(allowed.stdout).toMatch(/^flux batch --nodes=2 --nslots=8 --cores-per-slot=4 /);
    const document = json(await rainbow(['jobspec', 'convert', simulation, '--to', 'flux', '--allow-lossy', '--json']));
    expect(document).toMatchObject({
      form: 'sbatch',
      to: 'flux',
      jobs: [{ text: allowed.stdout, report: expect.any(Array) }],
    });
  });

  test('Kubernetes needs an image', async () => {
    const file = join(batch, 'one-program.sh');
    const without = await rainbow(['jobspec', 'convert', file, '--to', 'kubernetes']);
    expect(without).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('--image') });
    const { stdout, code } = await rainbow(['jobspec', 'convert', file, '--to', 'kubernetes', '--image', 'debian:12']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/parallelism: 4\n +completions: 4\n/);
  });

  test('a script with directives of two systems: the caller says which', async () => {
    const stdin = '#!/bin/sh\n# flux: -n2\n#SBATCH -n 3\n';
    expect((await rainbow(['jobspec', 'show', '-'], { stdin })).stderr).toContain('--from sbatch or --from flux');
    expect((await rainbow(['jobspec', 'show', '-', '--from', 'sbatch'], { stdin })).stdout).toContain('3 slot');
  });
});

describe('submit', () => {
  test.each([
    [['submit', '--batch', simulation, '--kubernetes', 'x'], 'give one'],
    [['submit', '--batch', simulation, '--command', 'x'], '--command'],
    [['submit', '--kubernetes', 'x', '--nodes', '2'], '--tasks'],
    [['submit', '--kubernetes', 'x', '--', 'y'], '--kubernetes'],
    [['submit', '--from', 'flux', '--', 'y'], '--batch'],
  ])('%j is called wrongly', async (args, said) => {
    const outcome = await rainbow(args);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toContain(said);
  });

  test('a script that is not there is said before anything is asked of a server', async () => {
    const outcome = await rainbow(['submit', '--batch', '/no/such/job.sh', '--host', 'localhost:1']);
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toContain('cannot read /no/such/job.sh: there is no such file');
  });

  test('a lossy one is refused before anything is asked of a server', async () => {
    const lossy = write(temporaryFolder(), 'lossy.sh', LOSSY);
    const outcome = await rainbow(['submit', '--batch', lossy, '--host', 'localhost:1']);
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toContain(
      'lossy.sh is not submitted, because something of it would be lost, or not be done:',
    );
    expect(outcome.stderr).toContain('line 2: --dependency=aftercorr:1');
  });

  test('scripts run: by their interpreter, with arguments and variables, their status is the job’s', async () => {
    const at = await place();
    await at.register('red', '--nodes', '2', '--cores', '8', '--memory', '64');
    startAgent(at, 'red', ['--graph', join(at.folder, 'red.json')]);
    await untilConnected(at, 'red');
    const script = write(
      at.folder,
      'my-job.sh',
      `#!/bin/bash
#SBATCH --ntasks=2 -c 2 --mem=1G
#SBATCH --time=5 --export=GREETING='hello'
[[ $# == 2 ]] || exit 9
echo "$GREETING $1 from \${0##*/}, "'it'"'"'s bash'
exit 7
`,
    );
    const wait = ['--wait', '--propagate-exit', '--json'];
    const outcome = await at.run(['submit', '--batch', script, '--cores', '1', ...wait, '--', 'the world', 'x']);
    expectExit(outcome, 7, outcome.stderr);
    const job = json<{ id: number }>(outcome);
    expect(job).toMatchObject({
      name: 'my-job.sh',
      state: 'failed',
      exitCode: 7,
      translation: {
        form: 'sbatch',
        report: expect.arrayContaining([expect.objectContaining({ outcome: 'overridden' })]),
      },
    });
    expect(outcome.stderr).toMatch(/my-job\.sh:2:20: overridden: -c 2 \(the command line says --cores 1\)/);
    expect((await at.run(['job', 'logs', String(job.id)])).stdout).toBe("hello the world from my-job.sh, it's bash\n");

    const flux = await at.run(['submit', '--batch', join(batch, 'flux.sh'), '--dry-run', '--json']);
    expect(json(flux)).toMatchObject({ translation: { form: 'flux' }, candidates: [{ cluster: 'red' }] });

    const each = await at.run(['submit', '--batch', join(batch, 'one-program.sh'), '--wait', '--json']);
    expectExit(each, 0, each.stderr);
    const { id } = json<{ id: number }>(each);
    expect((await at.run(['job', 'logs', String(id)])).stdout.trim().split('\n')).toHaveLength(4);

    const python = await at.run(['submit', '--batch', join(batch, 'gpu.py'), '--dry-run']);
    expect(python.code).toBe(1);
    expect(python.stdout).toContain('does not fit');
  });

  test('every Job of a file is a job of its own', async () => {
    const at = await place();
    await at.register('red', '--nodes', '2', '--cores', '8', '--memory', '64');
    const file = write(
      at.folder,
      'jobs.yaml',
      ['a', 'b']
        .map(
          (name) =>
            `apiVersion: batch/v1\nkind: Job\nmetadata: {name: ${name}}\nspec: {template: {spec: {containers: [{image: x, command: [hostname]}]}}}\n`,
        )
        .join('---\n'),
    );
    const args = ['submit', '--kubernetes', file, '--idempotency-key', 'k', '--json'];
    const first = jsonLines(await at.run(args));
    expect(first).toMatchObject([
      { id: 1, name: 'a', created: true },
      { id: 2, name: 'b', created: true },
    ]);
    expect(jsonLines(await at.run(args))).toMatchObject([
      { id: 1, created: false },
      { id: 2, created: false },
    ]);
    const indexed = await at.run(['submit', '--kubernetes', join(kubernetes, 'indexed.yaml'), '--json']);
    expect(indexed.code).toBe(0);
    expect(jsonLines(indexed)).toMatchObject([{ id: 3, array: { tasks: 12, mostAtOnce: 3 } }]);
  });
});
