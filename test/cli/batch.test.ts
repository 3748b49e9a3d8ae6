/** Scripts and Jobs of other systems, from `submit --batch` and `--kubernetes` to what they did: arrays, order, retries. */
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectExit, json } from './command-line.ts';
import { NOBODY_AT_RED, place, startAgent, untilConnected, write, type Place } from './with-server.ts';

async function withAgent(): Promise<Place & { readonly open: string }> {
  const here = await place();
  await here.register('red', '--nodes', '1', '--cores', '4');
  startAgent(here, 'red', ['--graph', join(here.folder, 'red.json'), '--containers', 'none']);
  await untilConnected(here, 'red');
  // Where jobs write, whoever runs them.
  const open = join(here.folder, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  return { ...here, open };
}

const lines = (...path: string[]): string[] =>
  readFileSync(join(...path), 'utf8')
    .trim()
    .split('\n');
const idOf = (outcome: { stdout: string; stderr: string; code: number }): string =>
  String(json<{ id: number }>(outcome).id);

describe('what a script asks for beside its resources is done', () => {
  test('sbatch: an array runs each task once; what depends on it comes after it, what depends on a failure never', async () => {
    const { run, folder, open } = await withAgent();
    const sweep = write(
      folder,
      'sweep.sh',
      `#!/bin/sh\n#SBATCH --array=3-7:2%2 --time=5 --nice=4\necho "$SLURM_ARRAY_TASK_ID of $SLURM_ARRAY_TASK_COUNT" >> ${open}/log\n`,
    );
    const array = idOf(await run(['submit', '--batch', sweep, '--json']));
    const after = write(
      folder,
      'after.sh',
      `#!/bin/sh\n#SBATCH -d afterok:${array} -t 5\necho after >> ${open}/log\nexit 3\n`,
    );
    const second = idOf(await run(['submit', '--batch', after, '--json']));
    const never = write(
      folder,
      'never.sh',
      `#!/bin/sh\n#SBATCH --dependency=afterok:${second}\necho never >> ${open}/log\n`,
    );
    const third = idOf(await run(['submit', '--batch', never, '--json']));
    expectExit(await run(['job', 'wait', array]), 0);
    expectExit(await run(['job', 'wait', second]), 1);
    expectExit(await run(['job', 'wait', third]), 1);
    const log = lines(open, 'log');
    expect(log.slice(0, 3).sort()).toEqual(['3 of 3', '5 of 3', '7 of 3']);
    expect(log.slice(3)).toEqual(['after']);
    expect((await run(['job', 'show', third])).stdout).toMatch(/state +canceled/);
    expect(json<{ priority: number }>(await run(['job', 'show', array, '--json'])).priority).toBe(-4);
  });

  test('sbatch: singletons of one name run one after the other; what waits for a start comes after it', async () => {
    const { run, folder, open } = await withAgent();
    const nightly = write(
      folder,
      'nightly.sh',
      `#!/bin/sh\n#SBATCH -J nightly -d singleton -t 5\necho begins >> ${open}/log\nsleep 0.2\necho ends >> ${open}/log\n`,
    );
    const row = [];
    for (let n = 0; n < 3; n++) row.push(idOf(await run(['submit', '--batch', nightly, '--json'])));
    const probe = write(
      folder,
      'probe.sh',
      `#!/bin/sh\n#SBATCH -d after:${row[2]} -t 5\ncp ${open}/log ${open}/then\n`,
    );
    expectExit(await run(['submit', '--batch', probe, '--wait']), 0);
    for (const id of row) expectExit(await run(['job', 'wait', id]), 0);
    expect(lines(open, 'log')).toEqual(['begins', 'ends', 'begins', 'ends', 'begins', 'ends']);
    expect(lines(open, 'then').slice(0, 4)).toEqual(['begins', 'ends', 'begins', 'ends']);
  });

  test('Flux: --cc is an array, --dependency waits', async () => {
    const { run, folder, open } = await withAgent();
    const flux = write(folder, 'cc.sh', `#!/bin/sh\n# flux: -n1 --cc=0-2 -t 5m\necho $FLUX_JOB_CC >> ${open}/log\n`);
    const refused = await run(['submit', '--batch', flux, '--json']);
    // Of flux submit alone.
    expectExit(refused, 1);
    const script = write(
      folder,
      'job.sh',
      `#!/bin/sh\n# flux: -n1 -t 5m --begin-time=+1s\necho first >> ${open}/log\n`,
    );
    const first = idOf(await run(['submit', '--batch', script, '--json']));
    const next = write(
      folder,
      'next.sh',
      `#!/bin/sh\n# flux: -n1 --dependency=afterany:${first}\necho second >> ${open}/log\n`,
    );
    expectExit(await run(['submit', '--batch', next, '--wait']), 0);
    expect(lines(open, 'log')).toEqual(['first', 'second']);
  });

  test('Kubernetes: an Indexed Job is an array whose tasks are tried again, each for itself', async () => {
    const { run, folder, open } = await withAgent();
    const command = `echo $1 $JOB_COMPLETION_INDEX >> ${open}/log; test -e ${open}/tried$JOB_COMPLETION_INDEX || { touch ${open}/tried$JOB_COMPLETION_INDEX; exit 1; }`;
    const job = write(
      folder,
      'job.yaml',
      JSON.stringify({
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: 'indexed' },
        spec: {
          completions: 2,
          parallelism: 2,
          completionMode: 'Indexed',
          backoffLimitPerIndex: 1,
          activeDeadlineSeconds: 60,
          template: {
            spec: {
              restartPolicy: 'Never',
              containers: [
                {
                  name: 'a',
                  image: 'debian',
                  command: ['sh', '-c', command],
                  args: ['sh', 'of $(JOB_COMPLETION_INDEX)'],
                },
              ],
            },
          },
        },
      }),
    );
    const id = idOf(await run(['submit', '--kubernetes', job, '--allow-lossy', '--json']));
    await expect
      .poll(() => (existsSync(join(open, 'log')) ? lines(open, 'log').sort() : []))
      .toEqual(['of 0 0', 'of 1 1']);
    // Each waits its turn, ten seconds, to be tried again.
    for (const task of [`${id}[0]`, `${id}[1]`]) {
      const shown = (): Promise<{ reason: { code: string }; retry: { limit: number } }> =>
        run(['job', 'show', task, '--json']).then(json<{ reason: { code: string }; retry: { limit: number } }>);
      await expect.poll(async () => (await shown()).reason.code).toBe('retry');
      expect((await shown()).retry.limit).toBe(1);
    }
  });

  test('what only Slurm can do is refused where there is none, and says so; or waits for one', async () => {
    const { run, folder, open } = await withAgent();
    const script = write(
      folder,
      'job.sh',
      `#!/bin/sh\n#SBATCH --licenses=matlab:2 --mail-type=END\necho ran >> ${open}/log\n`,
    );
    const submitted = await run(['submit', '--batch', script, '--json']);
    expectExit(submitted, 1);
    expect(submitted.stderr).toContain('job.sh:2:9: narrowed: --licenses=matlab:2 → asked of clusters of Slurm');
    const { state, reason } = json<{ state: string; reason: { message: string } }>(submitted);
    expect(state).toBe('rejected');
    expect(reason.message).toContain('--licenses=matlab:2 of sbatch (no licence is reserved). Allow that with');
    const waits = await run(['submit', '--batch', script, '--wait-for-cluster', '--json']);
    expect(json(waits)).toMatchObject({ state: 'pending', reason: { code: 'waiting_for_cluster' } });
    expect(existsSync(join(open, 'log'))).toBe(false);
  });
});

describe('files that a script names', () => {
  test('--input is read, from what goes along', async () => {
    const { run, folder, open } = await withAgent();
    const input = write(folder, 'in.dat', 'from a file');
    const script = write(folder, 'job.sh', `#!/bin/sh\n#SBATCH -i in.dat -t 1\ncat >> ${open}/log\n`);
    expectExit(await run(['submit', '--batch', script, '--stage-in', input, '--wait']), 0);
    expect(lines(open, 'log')).toEqual(['from a file']);
  });

  test('what is not there is said with its line; where files go along, before anything is submitted', async () => {
    const { run, folder } = await place().then(async (here) => {
      await here.register('red', '--nodes', '1', '--cores', '4');
      return here;
    });
    const input = write(folder, 'in.dat', '');
    const script = write(folder, 'job.sh', '#!/bin/sh\n#SBATCH -t 1\n#SBATCH --input=other.dat\ncat\n');
    const refused = await run(['submit', '--batch', script, '--stage-in', input]);
    expect([refused.code, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toContain(
      `${script}:3:9: --input=other.dat: other.dat is not among the files that go along`,
    );
    for (const command of [['./train.sh'], ['python3', 'train.py', '-v']]) {
      const missing = await run(['submit', '--stage-in', input, '--', ...command]);
      expect([missing.code, missing.stderr]).toEqual([
        1,
        expect.stringContaining('is not among the files that go along') as string,
      ]);
    }
    expect((await run(['jobs', '--json'])).stdout).toBe('');
    // Without files of its own it may be on the cluster.
    const said = await run(['submit', '--batch', script, '--json']);
    expectExit(said, 0);
    expect(said.stderr).toContain(
      `${script}:3:9: --input=other.dat: there is no other.dat here; the cluster must have it where the job begins`,
    );
    expect((await run(['submit', '--json', '--', 'python3', '-c', 'pass'])).stderr).toBe(NOBODY_AT_RED);
  });

  test('what is here and does not go along is said, as is a program that goes along and is not what is started', async () => {
    const { run, folder } = await place().then(async (here) => {
      await here.register('red', '--nodes', '1', '--cores', '4');
      return here;
    });
    write(folder, 'count.sh', '#!/bin/sh\n');
    const there = relative(process.cwd(), join(folder, 'count.sh'));
    const said = await run(['submit', '--json', '--', there]);
    expectExit(said, 0);
    expect(said.stderr).toBe(
      `${there}: ${there} is here and does not go along; the cluster must have it where the job begins, or --stage-in ${there} sends it along\n${NOBODY_AT_RED}`,
    );
    // Where it begins is said, and it is for who says it to know what is there.
    expect((await run(['submit', '--json', '--cwd', folder, '--', there])).stderr).toBe(NOBODY_AT_RED);
    const bare = await run(['submit', '--json', '--stage-in', join(folder, 'count.sh'), '--', 'count.sh']);
    expectExit(bare, 0);
    expect(bare.stderr).toContain('./count.sh means the file that goes along');
    const right = await run(['submit', '--json', '--stage-in', join(folder, 'count.sh'), '--', './count.sh']);
    expect([right.code, right.stderr]).toEqual([0, NOBODY_AT_RED]);
  });
});
