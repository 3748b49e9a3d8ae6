/** The slurm runner with a real Slurm: what every runner must do, and what only a batch system does. */
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { skipWithout } from '../../../../test/needs.ts';
import { slurmMissing, startLab, type Lab } from '../../../../test/lab/slurm.ts';
import { NO_CONTEXT } from '../../../core/translate/context.ts';
import { withoutLifecycle } from '../../../core/translate/lifecycle.ts';
import { readSbatch } from '../../../core/translate/slurm/read.ts';
import { realSystem } from '../../../system/real.ts';
import { createQueueBidder } from '../../bid/queue-bidder.ts';
import { silentLog } from '../../log.ts';
import type { ReachedHook } from '../../sentinels.ts';
import { runnerConformance } from '../conformance.ts';
import { jobspecOf } from '../../testing/jobspec.ts';
import type { NativeJob, Order, Runner } from '../runner.ts';
import { createSlurmRunner } from './runner.ts';
import { slurmUsers } from './users.ts';
import { until } from '../../../system/testing/until.ts';

const away = skipWithout('slurm', slurmMissing());
const IS_SOAK = process.env['RAINBOW_SOAK'] !== undefined;
const BIDS = 40;
let lab: Lab;
let realms = 0;

async function open(
  cluster: string,
  spool: string,
  realm: string,
  reached?: ReachedHook,
  map: string | null = null,
): Promise<Runner> {
  return createSlurmRunner(
    {
      spool,
      cluster,
      realm,
      users: await slurmUsers(null, map),
      keepFiles: false,
      environment: { ...lab.environment(cluster), RAINBOW_SECRET: 'hidden' },
      log: silentLog,
      ...(reached === undefined ? {} : { reached }),
      pace: { least: 100, most: 400 },
    },
    realSystem,
  );
}

async function room(): Promise<{ dir: string; scratch: string; spool: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'rainbow-slurm-'));
  await chmod(dir, 0o755);
  const scratch = join(dir, 'scratch');
  await mkdir(scratch);
  await chmod(scratch, 0o777);
  return { dir, scratch, spool: join(dir, 'spool') };
}

describe.skipIf(away)('with a real Slurm', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    lab = await startLab(['red:1'], { SLURM_LAB_CORES: '4', SLURM_LAB_PREEMPT: 'CANCEL' });
  });
  afterAll(async () => lab?.wipe());

  runnerConformance({
    name: 'slurm',
    // Its limits are whole minutes; a job that began is waited for for one before it counts as gone.
    isSlow: { timeLimit: true, vanishing: true },
    async create() {
      const { dir, scratch, spool } = await room();
      const realm = (++realms).toString(16).padStart(8, '0');
      return {
        scratch,
        open: (reached) => open('red', spool, realm, reached),
        vanish: async () => lab.forget('red'),
        dispose: () => rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }),
      };
    },
  });

  describe('what only a batch system does', () => {
    let here: Awaited<ReturnType<typeof room>>;
    let runner: Runner;
    beforeEach(async () => {
      here = await room();
      runner = await open('red', here.spool, (++realms).toString(16).padStart(8, '0'));
    });
    afterEach(async () => {
      for (const native of await runner.find()) await runner.stop(native, { code: 'user', message: '' });
      await until('all ended', async () => (await runner.find()).every(({ status }) => status.state === 'ended'));
      await runner.close();
      await rm(here.dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    });

    const order = (jobId: string, script: string, more: object = {}, cores = 1): Order => {
      const spec = JSON.parse(jobspecOf(script, cores)) as { attributes: { system: object } };
      const attributes = { ...spec.attributes, ...more };
      const jobspec = JSON.stringify({ ...spec, attributes });
      return { jobId, epoch: 1, name: 'a job', owner: 'ada', jobspec, walltime: 60, priority: 0 };
    };
    const reaches = (jobId: string, state: string): Promise<NativeJob> =>
      until(`${jobId} ${state}`, async () =>
        (await runner.find()).find((native) => native.jobId === jobId && native.status.state === state),
      );
    const text = async (jobId: string): Promise<string[]> =>
      (await runner.output({ jobId, epoch: 1 }, [], 1 << 20)).pieces.map(
        ({ task, data }) => `${task} ${Buffer.from(data).toString().trim()}`,
      );

    test('an array is one job: it ends when all of it has, and each task has its own output', async () => {
      await runner.submit(
        order('1', 'echo $SLURM_ARRAY_TASK_ID; exit $SLURM_ARRAY_TASK_ID', { rainbow: { array: { indices: '0-2' } } }),
      );
      const { status } = await reaches('1', 'ended');
      expect(status.end).toMatchObject({ outcome: 'failed', exitCode: 2 });
      expect(await text('1')).toEqual(['0 0', '1 1', '2 2']);
    });

    test('a job that leaves with 0 as somebody cancels it in Slurm is canceled', async () => {
      const started = join(here.scratch, 'started');
      const given = order('1', `trap 'exit 0' TERM; : > ${started}; while :; do sleep 0.05; done`);
      const nativeId = await runner.submit(given);
      await until('it runs', () => existsSync(started));
      await lab.slurm('red', 'scancel', nativeId);
      expect((await reaches('1', 'ended')).status.end).toMatchObject({
        outcome: 'canceled',
        reason: { code: 'native' },
        exitCode: 0,
      });
    });

    test('output that goes to a file of the user is read there', async () => {
      const shell = { options: { output: { stdout: { type: 'file', path: `${here.scratch}/mine.txt` } } } };
      await runner.submit(order('1', 'echo hello', { system: { duration: 60, shell } }));
      await reaches('1', 'ended');
      expect(await readFile(join(here.scratch, 'mine.txt'), 'utf8')).toBe('hello\n');
      expect(await text('1')).toEqual(['0 hello']);
    });

    test('of an array of Rainbow’s each task has a file of its own, by the array’s own numbers; a script knows them', async () => {
      const script = `#!/bin/sh\n#SBATCH -a 0-1 -o ${here.scratch}/%x_%A_%3a.txt\necho "$SLURM_ARRAY_JOB_ID $SLURM_ARRAY_TASK_ID $SLURM_JOB_NAME $RAINBOW_TASK_RANK"\n`;
      const jobspec = withoutLifecycle(readSbatch(script, NO_CONTEXT).jobspec);
      const tasks = [0, 1].map((index): Order => {
        const array = { id: '41', index, count: 2, least: 0, most: 1 };
        return { ...order(String(index + 1), ''), jobspec, array };
      });
      for (const each of tasks) await runner.submit(each);
      for (const [index, { jobId }] of tasks.entries()) {
        await reaches(jobId, 'ended');
        const written = await readFile(join(here.scratch, `a job_41_00${index}.txt`), 'utf8');
        expect(written).toBe(`41 ${index} a job 0\n`);
        expect(await text(jobId)).toEqual([`0 ${written.trim()}`]);
      }
    });

    test('each task knows its rank', async () => {
      const spec = JSON.parse(jobspecOf('echo rank $RAINBOW_TASK_RANK', 1)) as { resources: object[] };
      const resources = spec.resources.map((slot) => ({ ...slot, count: 2 }));
      for (const [jobId, jobspec] of [
        ['1', JSON.stringify({ ...spec, resources })],
        ['2', JSON.stringify(spec)],
      ] as const) {
        await runner.submit({ ...order(jobId, ''), jobspec });
        expect((await reaches(jobId, 'ended')).status.end).toMatchObject({ outcome: 'completed' });
      }
      const lines = async (jobId: string): Promise<string[]> =>
        (await text(jobId))
          .join('\n')
          .match(/rank.*/g)
          ?.toSorted() ?? [];
      expect(await lines('1')).toEqual(['rank 0', 'rank 1']);
      expect(await lines('2')).toEqual(['rank 0']);
    });

    test('why a job waits is told, and what others run is taken, too', async () => {
      const foreign = (
        await lab.slurm('red', 'sbatch', '--parsable', '--uid=nobody', '-n1', '-c3', '-o/dev/null', '--wrap=sleep 60')
      ).trim();
      try {
        await until('it runs', async () => (await runner.busy()).vertices.length === 3);
        expect((await runner.busy()).includes).toEqual([]);
        await runner.submit(order('1', 'true', {}, 2));
        const native = await until('it says why', async () =>
          (await runner.find()).find(({ status }) => (status.waitsFor ?? '') !== ''),
        );
        expect(native.status).toMatchObject({
          state: 'accepted',
          waitsFor: expect.stringContaining('Slurm: ') as string,
        });
      } finally {
        await lab.slurm('red', 'scancel', foreign);
      }
      await reaches('1', 'ended');
    });

    test('a bid is what Slurm itself plans: by --test-only while nothing waits, by its backfill for the like that waits', async () => {
      const bidder = createQueueBidder({ runner, tariff: null, coming: () => [], system: realSystem })!;
      const p90 = async (cores: number, walltime: number): Promise<number> => {
        const { jobspec } = order('9', 'true', { system: { duration: walltime } }, cores);
        const bid = await bidder.bid({ shape: `${cores} ${walltime}`, jobspec, walltime, priority: 0 });
        if (bid.kind === 'no') throw new Error(bid.reason.message);
        return Date.now() / 1000 + bid.estimate.startP90;
      };
      const idOf = async (): Promise<number> =>
        Number(
          (await lab.slurm('red', 'sbatch', '--parsable', '--uid=nobody', '-H', '-o/dev/null', '--wrap=true')).trim(),
        );
      await runner.submit(order('1', 'exec sleep 60', { system: { duration: 600 } }, 4));
      await reaches('1', 'running');
      const [before, since] = [await idOf(), performance.now()];
      const first = await until('it is seen as taken', async () => {
        const found = await p90(4, 60);
        return found > Date.now() / 1000 + 300 && found;
      });
      // The same question does not cost another id.
      for (let i = 0; i < 5; i++) await p90(4, 60);
      const remembered = 30_000;
      expect((await idOf()) - before).toBeLessThanOrEqual(2 + (performance.now() - since) / remembered);
      await runner.submit(order('2', 'true', { system: { duration: 60 } }, 4));
      const planned = await until('backfill has planned it', async () => {
        const said = await lab.slurm('red', 'squeue', '-h', '--start', '-o', '%S %j');
        const found = /^(\S+T\S+) rainbow-2\.1-/m.exec(said);
        return found !== null && Date.parse(`${found[1]}Z`) / 1000;
      });
      expect(Math.abs(first - planned)).toBeLessThan(62);
      // One like it stands behind it; one that is gone before its turn passes by.
      await until('the next one is behind', async () => (await p90(4, 60)) >= planned + 58);
      bidder.close();
      await lab.slurm('red', 'scancel', '--user=nobody', '--state=PENDING');
    });

    test('a job that asks for no time gets what its partition gives', async () => {
      const limit = "squeue -h -j $SLURM_JOB_ID -o 'limit %l'";
      await runner.submit({ ...order('1', limit, { system: { queue: 'debug' } }), walltime: 3600 });
      await reaches('1', 'ended');
      expect(await text('1')).toEqual(['0 limit 5:00']);
    });

    test('one that may be given less is given what its partition lets it have, and bid for so', async () => {
      const least = { system: { queue: 'debug', duration: 3600 }, rainbow: { slurm: { 'time-min': '2' } } };
      const of = order('1', "squeue -h -j $SLURM_JOB_ID -o '%l'", least);
      const bidder = createQueueBidder({ runner, tariff: null, coming: () => [], system: realSystem })!;
      const bid = await bidder.bid({ shape: 'least', jobspec: of.jobspec, walltime: 3600, priority: 0 });
      expect(bid.kind === 'yes' && Math.round(bid.estimate.end - bid.estimate.startP50)).toBe(600);
      bidder.close();
      await runner.submit(of);
      await reaches('1', 'ended');
      // Its backfill may cut it down further.
      expect(['0 10:00', '0 2:00']).toContain((await text('1')).join());
    });

    test('what a partition will never take is a no', async () => {
      const bidder = createQueueBidder({ runner, tariff: null, coming: () => [], system: realSystem })!;
      const why = async (system: object, walltime: number): Promise<string> => {
        const { jobspec } = order('9', 'true', { system });
        const bid = await bidder.bid({ shape: JSON.stringify(system), jobspec, walltime, priority: 0 });
        return bid.kind === 'no' ? `${bid.reason.code} ${bid.reason.message}` : bid.kind;
      };
      expect(await why({ duration: 60, queue: 'debug' }, 60)).toBe('yes');
      expect(await why({ queue: 'debug' }, 3600)).toBe('yes');
      expect(await why({ duration: 3600, queue: 'debug' }, 3600)).toContain(
        'never_fits partition debug lets a job run for 10',
      );
      expect(await why({ duration: 60, queue: 'nope' }, 60)).toContain('never_fits there is no partition nope');
      bidder.close();
    });

    // How good forecasts are depends on how busy the machine is: that is looked at where time is taken for it.
    test.runIf(IS_SOAK)(
      `bids of ${BIDS} jobs against what happened: most start by their P90`,
      { timeout: 600_000 },
      async () => {
        const bidder = createQueueBidder({ runner, tariff: null, coming: () => [], system: realSystem })!;
        const said: { p50: number; p90: number }[] = [];
        for (let i = 0; i < BIDS; i++) {
          const cores = 1 + (i % 4);
          const system = { duration: 60 };
          const given = order(String(i + 1), `exec sleep ${1 + ((i * 7) % 11)}`, { system }, cores);
          const bid = await bidder.bid({ shape: `${cores}`, jobspec: given.jobspec, walltime: 60, priority: 0 });
          if (bid.kind === 'no') throw new Error(bid.reason.message);
          const now = Date.now();
          said.push({ p50: now + bid.estimate.startP50 * 1000, p90: now + bid.estimate.startP90 * 1000 });
          await runner.submit(given);
          await new Promise((resolve) => setTimeout(resolve, 2_500));
        }
        const ends = await until('all ended', async () => {
          const all = await runner.find();
          return all.every(({ status }) => status.state === 'ended') && all;
        });
        const late = said.map(({ p50, p90 }, i) => {
          const { startedAt } = ends.find(({ jobId }) => jobId === String(i + 1))!.status;
          return { p50: (startedAt! - p50) / 1000, p90: (startedAt! - p90) / 1000 };
        });
        // A scheduler looks now and then.
        const by = (of: 'p50' | 'p90'): number => late.filter((each) => each[of] <= 5).length / late.length;
        const errors = late.map(({ p50 }) => Math.round(p50)).join(' ');
        expect(by('p90'), `by their P50 ${by('p50')}; seconds late ${errors}`).toBeGreaterThanOrEqual(0.75);
        bidder.close();
      },
    );

    test(
      'preempted, canceled by somebody else, failed with its node, started again: each is told apart',
      { timeout: 240_000 },
      async () => {
        const slow = `echo started >> ${here.scratch}/log; exec sleep 300`;
        const endOf = async (jobId: string): Promise<unknown> => (await reaches(jobId, 'ended')).status.end;
        // A partition of a higher tier takes all of the cluster.
        await runner.submit(order('1', slow));
        await reaches('1', 'running');
        const other = await lab.slurm(
          'red',
          'sbatch',
          '--parsable',
          '-pdebug',
          '--uid=nobody',
          '-n1',
          '-c4',
          '-o/dev/null',
          '--wrap=sleep 60',
        );
        expect(await endOf('1')).toMatchObject({ outcome: 'failed', reason: { code: 'preempted' } });
        // Waiting, and canceled by an administrator.
        await runner.submit(order('2', slow));
        const { nativeId } = await until('it waits', async () =>
          (await runner.find()).find(({ status }) => (status.waitsFor ?? '').startsWith('Slurm: ')),
        );
        await lab.slurm('red', 'scancel', nativeId);
        expect(await endOf('2')).toMatchObject({ outcome: 'canceled', reason: { code: 'native' }, exitCode: null });
        await lab.slurm('red', 'scancel', other.trim());
        // It may be started again, and is.
        const again = { rainbow: { slurm: { requeue: true } } };
        const tries = async (): Promise<number> =>
          (await readFile(join(here.scratch, 'tries'), 'utf8').catch(() => '')).split('\n').length - 1;
        await runner.submit(
          order('3', `echo try >> ${here.scratch}/tries; mkdir ${here.scratch}/first && exec sleep 300; exit 0`, again),
        );
        const running = await reaches('3', 'running');
        await until('its first run sleeps', () => existsSync(join(here.scratch, 'first')));
        await lab.slurm('red', 'scontrol', 'requeue', running.nativeId);
        // Slurm lets a job that was requeued wait for two minutes, from when its first run is cleared away. Started again in
        // that very second, its node takes it for the run that was killed.
        await until('its first run is cleared away', async () =>
          (await lab.slurm('red', 'squeue', '-h', '-j', running.nativeId, '-o', '%T')).includes('PENDING'),
        );
        const clearedAt = Date.now();
        await until('it is started again', async () => {
          if (Date.now() < clearedAt + 2000) return false;
          await lab.slurm('red', 'scontrol', 'update', `JobId=${running.nativeId}`, 'StartTime=now').catch(() => '');
          return existsSync(join(here.spool, '3.1', 'run', 'end.0.1'));
        });
        expect(await endOf('3')).toMatchObject({
          outcome: 'completed',
          reason: { message: 'Slurm had started it 2 times' },
        });
        expect(await tries()).toBe(2);
        await runner.submit(order('4', slow));
        await reaches('4', 'running');
        await lab.slurm('red', 'scontrol', 'update', 'NodeName=red-c1', 'State=DOWN', 'Reason=test');
        expect(await endOf('4')).toMatchObject({ outcome: 'failed', reason: { code: 'node_failure' } });
        await until('it serves again', async () =>
          (await lab.slurm('red', 'sinfo', '-h', '-o', '%T')).includes('idle'),
        );
      },
    );

    test('mapped: each owner’s job is his user’s; one whose line is gone from the mapping is followed to its end', async () => {
      await runner.close();
      const map = join(here.dir, 'map');
      const realm = (++realms).toString(16).padStart(8, '0');
      const mapped = async (lines: string): Promise<Runner> => {
        await writeFile(map, lines, { mode: 0o644 });
        return open('red', here.spool, realm, undefined, map);
      };
      runner = await mapped('ada nobody\nbob daemon\n');
      const { scratch } = here;
      const script = `while [ ! -e ${scratch}/go ]; do sleep 0.05; done; id -un`;
      await runner.submit(order('1', script, {}, 4));
      await reaches('1', 'running');
      await runner.submit({ ...order('2', 'id -un; exit 3', {}, 4), owner: 'bob' });
      const stranger = runner.submit({ ...order('3', 'true'), owner: 'eve' });
      await expect(stranger).rejects.toMatchObject({ code: 'failed_precondition' });
      await runner.close();
      runner = await mapped('ada nobody\n');
      // Slurm is asked for those whose jobs are there, whoever is in the mapping now.
      await until('why it waits is known', async () =>
        (await runner.find()).some(({ jobId, status }) => jobId === '2' && status.waitsFor !== undefined),
      );
      await writeFile(join(scratch, 'go'), '');
      expect((await reaches('2', 'ended')).status.end).toMatchObject({ exitCode: 3 });
      expect([await text('1'), await text('2')]).toEqual([['0 nobody'], ['0 daemon']]);
    });

    test('a job that Slurm forgets is known by what its wrapper wrote', async () => {
      await runner.submit(order('1', 'exit 4'));
      await until('it has written its end', async () => existsSync(join(here.spool, '1.1', 'run', 'end.0.0')));
      await runner.close();
      // As after MinJobAge: another realm sees none of these records, and the spool alone says how it ended.
      const native = JSON.parse(await readFile(join(here.spool, '1.1', 'native.json'), 'utf8')) as { name: string }[];
      expect(native).toHaveLength(1);
      runner = await open('red', here.spool, 'ffffffff');
      expect((await reaches('1', 'ended')).status.end).toMatchObject({ outcome: 'failed', exitCode: 4 });
    });
  });
});
