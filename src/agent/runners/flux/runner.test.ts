/** The flux runner with a real Flux: what every runner must do, and what only a batch system does. */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fluxMissing, startFlux, type FluxLab } from '../../../../test/lab/flux.ts';
import { skipWithout } from '../../../../test/needs.ts';
import { carry } from '../../../core/translate/carrier.ts';
import { NO_CONTEXT } from '../../../core/translate/context.ts';
import { withoutLifecycle } from '../../../core/translate/lifecycle.ts';
import { readSbatch } from '../../../core/translate/slurm/read.ts';
import { realSystem } from '../../../system/real.ts';
import { createQueueBidder } from '../../bid/queue-bidder.ts';
import { silentLog } from '../../log.ts';
import type { ReachedHook } from '../../sentinels.ts';
import { runnerConformance } from '../conformance.ts';
import { jobspecOf } from '../../testing/jobspec.ts';
import { resolveJobUser } from '../process/user.ts';
import type { NativeJob, Order, Runner } from '../runner.ts';
import { fluxCommands } from './commands.ts';
import { isFeasible } from './queue.ts';
import { createFluxRunner } from './runner.ts';
import { fluxJobOf, nativeJobspec } from './submit.ts';
import { until } from '../../../system/testing/until.ts';

const away = skipWithout('flux', fluxMissing());
let lab: FluxLab;
let realms = 0;

async function open(spool: string, realm: string, reached?: ReachedHook): Promise<Runner> {
  return createFluxRunner(
    {
      spool,
      cluster: 'blue',
      realm,
      user: await resolveJobUser(null),
      keepFiles: false,
      environment: { ...lab.environment(), RAINBOW_SECRET: 'hidden' },
      log: silentLog,
      ...(reached === undefined ? {} : { reached }),
      pace: { least: 50, most: 400 },
    },
    realSystem,
  );
}

async function room(): Promise<{ dir: string; scratch: string; spool: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'rainbow-flux-'));
  await chmod(dir, 0o755);
  const scratch = join(dir, 'scratch');
  await mkdir(scratch);
  await chmod(scratch, 0o777);
  return { dir, scratch, spool: join(dir, 'spool') };
}

describe.skipIf(away)('with a real Flux', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    lab = await startFlux({ cores: 4 });
  }, 60_000);
  afterAll(async () => lab?.wipe());

  runnerConformance({
    name: 'flux',
    async create() {
      const { dir, scratch, spool } = await room();
      const realm = (++realms).toString(16).padStart(8, '0');
      return {
        scratch,
        open: (reached) => open(spool, realm, reached),
        async vanish({ nativeId }) {
          await lab.flux('cancel', nativeId);
          await lab.flux('job', 'wait-event', nativeId, 'clean');
          await lab.flux('job', 'purge', '--force', nativeId);
        },
        dispose: () => rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }),
      };
    },
  });

  describe('what only a batch system does', () => {
    let here: Awaited<ReturnType<typeof room>>;
    let realm: string;
    let runner: Runner;
    beforeEach(async () => {
      here = await room();
      realm = (++realms).toString(16).padStart(8, '0');
      runner = await open(here.spool, realm);
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
      (await runner.output({ jobId, epoch: 1 }, [], 1 << 20)).pieces.map(({ data }) => Buffer.from(data).toString());

    test('the native job carries its key, its name and its urgency; its environment has no secret', async () => {
      await runner.submit({ ...order('1', 'env; exec sleep 60', { user: { mine: 1 } }), priority: 3 });
      const { nativeId } = await reaches('1', 'running');
      const spec = JSON.parse(await lab.flux('job', 'info', '--original', nativeId, 'jobspec')) as {
        attributes: { system: { job: { name: string } }; user: object };
      };
      expect(spec.attributes.user).toMatchObject({ mine: 1, rainbow: { id: '1', epoch: 1, realm, cluster: 'blue' } });
      expect(spec.attributes.system.job.name).toMatch(new RegExp(`^a_job\\.rainbow-1\\.1-${realm}-[0-9a-f]{12}$`));
      const listed = JSON.parse((await lab.flux('job', 'list-ids', nativeId)).trim()) as { urgency: number };
      expect(listed.urgency).toBe(19);
      const [said] = await until('output', async () => {
        const found = await text('1');
        return found.length > 0 && found;
      });
      expect(said).toContain('RAINBOW_JOB_ID=1');
      expect(said).not.toContain('hidden');
    });

    test('a script has a Flux instance of its own inside its resources', async () => {
      const script = '#!/bin/sh\nflux resource info\nflux run -n2 sh -c "echo task"\nexit 4\n';
      const spec = JSON.parse(jobspecOf('', 2)) as { tasks: object[] };
      spec.tasks = [{ command: carry({ script, name: 'job.sh', args: [] }), slot: 'task', count: { total: 1 } }];
      await runner.submit({ ...order('1', ''), jobspec: JSON.stringify(spec) });
      expect((await reaches('1', 'ended')).status.end).toMatchObject({ outcome: 'failed', exitCode: 4 });
      expect((await text('1')).join('')).toContain('1 Nodes, 2 Cores, 0 GPUs\ntask\ntask\n');
    });

    test('output that goes to a file of the user is read there', async () => {
      const shell = { options: { output: { stdout: { type: 'file', path: `${here.scratch}/{{name}}.txt` } } } };
      await runner.submit(order('1', 'echo hello', { system: { duration: 60, shell } }));
      await reaches('1', 'ended');
      expect(await readFile(join(here.scratch, 'a job.txt'), 'utf8')).toBe('hello\n');
      expect(await text('1')).toEqual(['hello\n']);
    });

    test('a task of an array of Rainbow’s has a file of its own, by the array’s own numbers; a script knows them', async () => {
      const script = `#!/bin/sh\n#SBATCH -a 0-1 -o ${here.scratch}/%x_%A_%3a.txt\necho "$SLURM_ARRAY_JOB_ID $SLURM_ARRAY_TASK_ID $FLUX_JOB_CC $RAINBOW_TASK_RANK"\n`;
      const jobspec = withoutLifecycle(readSbatch(script, NO_CONTEXT).jobspec);
      await runner.submit({ ...order('1', ''), jobspec, array: { id: '41', index: 1, count: 2, least: 0, most: 1 } });
      await reaches('1', 'ended');
      const written = await readFile(join(here.scratch, 'a job_41_001.txt'), 'utf8');
      expect(written).toBe('41 1 1 0\n');
      expect(await text('1')).toEqual([written]);
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

    test('what others run is taken, why a job waits is told, and a cancel of somebody else’s is seen', async () => {
      const foreign = (await lab.flux('submit', '-n1', '-c3', 'sleep', '60')).trim();
      try {
        await until('it runs', async () => (await runner.busy()).vertices.length === 3);
        expect((await runner.busy()).includes).toEqual([]);
        await runner.submit(order('1', 'true', { rainbow: { flux: { urgency: 0 } } }));
        await until('it says why', async () =>
          (await runner.find()).some(({ status }) => status.waitsFor === 'Flux: it is held (urgency 0)'),
        );
        await runner.submit(order('2', 'true', {}, 2));
        const { nativeId } = (await runner.find()).find(({ jobId }) => jobId === '2')!;
        await lab.flux('cancel', '-m', 'go away', nativeId);
        expect((await reaches('2', 'ended')).status.end).toMatchObject({
          outcome: 'canceled',
          exitCode: null,
          reason: { code: 'native', message: 'somebody canceled it in Flux: go away' },
        });
      } finally {
        await lab.flux('cancel', foreign);
      }
    });

    test('a submission whose answer was lost is found; a second one of the same key never runs', async () => {
      const given = order('1', `echo started >> ${here.scratch}/log; exec sleep 60`);
      const nativeId = await runner.submit(given);
      await reaches('1', 'running');
      await runner.close();
      const spec = (await lab.flux('job', 'info', '--original', nativeId, 'jobspec')).replaceAll(
        /(rainbow-1\.1-[0-9a-f]{8}-)[0-9a-f]{12}/g,
        '$1ffffffffffff',
      );
      const file = join(here.dir, 'again.json');
      await writeFile(file, spec);
      const second = (await lab.flux('job', 'submit', '-u', '0', file)).trim();
      // As an agent has it that was killed before it wrote the id down.
      const noted = join(here.spool, '1.1', 'native.json');
      const native = JSON.parse(await readFile(noted, 'utf8')) as object;
      await writeFile(noted, JSON.stringify({ ...native, chosen: null, isReleased: false }));
      runner = await open(here.spool, realm);
      const found = await reaches('1', 'running');
      expect([nativeId, second]).toContain(found.nativeId);
      const other = found.nativeId === nativeId ? second : nativeId;
      await until('the other ended', async () => (await lab.flux('job', 'list-ids', other)).includes('"state": 64'));
      expect(await readFile(join(here.scratch, 'log'), 'utf8')).toBe('started\n');
    });

    test('a state directory that was lost: native jobs are adopted, and stopped', async () => {
      await runner.submit(order('1', 'echo begun; exec sleep 60'));
      const before = await reaches('1', 'running');
      // Its own files are in what will be lost: it is to have begun.
      await until('it has begun', async () => (await text('1')).length > 0);
      await runner.close();
      await rm(here.spool, { recursive: true, force: true });
      runner = await open(here.spool, realm);
      const found = await reaches('1', 'running');
      expect(found).toMatchObject({ nativeId: before.nativeId, order: null });
      await runner.stop(found, { code: 'user', message: 'enough' });
      expect((await reaches('1', 'ended')).status.end).toMatchObject({ outcome: 'canceled', reason: { code: 'user' } });
    });

    test('the feasibility service says yes and never', async () => {
      const flux = fluxCommands(lab.environment(), await resolveJobUser(null), realSystem);
      const jobspec = (cores: number): string => {
        const given = order('1', 'true', {}, cores);
        const where = { cluster: 'blue', runDir: here.scratch, environment: {} };
        return nativeJobspec(fluxJobOf(given), given, { jobId: '1', epoch: 1, realm, nonce: '0'.repeat(12) }, where);
      };
      expect(await isFeasible(flux, jobspec(4))).toBe('');
      expect(await isFeasible(flux, jobspec(5))).toContain('it can never run');
    });
  });

  test.each([
    ['plans: what is gone before anybody’s turn passes by', 'conservative', 0, 10],
    ['does not plan: first come, first served', 'fcfs', 1000, 1300],
  ])('a bid where the queue policy %s', async (_, policy, least, most) => {
    const here = await room();
    const other = lab;
    lab = await startFlux({ cores: 4, config: `[sched-fluxion-qmanager]\nqueue-policy = "${policy}"\n` });
    const runner = await open(here.spool, 'dddddddd');
    try {
      const submit = (jobId: string, cores: number): Promise<string> => {
        const spec = JSON.parse(jobspecOf('exec sleep 300', cores)) as { attributes: object };
        const jobspec = JSON.stringify({ ...spec, attributes: { system: { duration: 600 } } });
        return runner.submit({ jobId, epoch: 1, name: '', owner: 'ada', jobspec, walltime: 600, priority: 0 });
      };
      await submit('1', 2);
      await until('it runs', async () => (await runner.find())[0]?.status.state === 'running');
      await submit('2', 4);
      const bidder = createQueueBidder({ runner, tariff: null, coming: () => [], system: realSystem })!;
      const found = await until('what waits is seen', async () => {
        const bid = await bidder.bid({ shape: 'x', jobspec: jobspecOf('true', 1), walltime: 120, priority: 0 });
        const wait = bid.kind === 'yes' ? bid.estimate.startP50 : Infinity;
        return wait >= least && wait <= most && { wait };
      });
      expect(found.wait).toBeLessThanOrEqual(most);
      bidder.close();
    } finally {
      await runner.close();
      await lab.wipe();
      lab = other;
      await rm(here.dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    }
  });

  describe('an instance that goes', () => {
    let here: Awaited<ReturnType<typeof room>>;
    let mine: FluxLab;
    let other: FluxLab;
    beforeEach(async () => {
      here = await room();
      other = lab;
      mine = await startFlux({ nodes: 2, cores: 2 });
      lab = mine;
    });
    afterEach(async () => {
      lab = other;
      await mine.wipe();
      await rm(here.dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    });
    const order = (jobId: string, script: string): Order => {
      const jobspec = jobspecOf(script, 2);
      return { jobId, epoch: 1, name: '', owner: 'ada', jobspec, walltime: 60, priority: 0 };
    };
    /** A task may outlive its broker, as on a node that is cut off: so it looks after itself. */
    const sleeps = (): string => `while [ -d ${here.scratch} ]; do sleep 0.1; done`;
    const endsOf = async (runner: Runner, jobId: string): Promise<NativeJob> =>
      until(`${jobId} ended`, async () =>
        (await runner.find()).find((native) => native.jobId === jobId && native.status.state === 'ended'),
      );

    test('started again with what it had, it knows how its jobs ended', async () => {
      const runner = await open(here.spool, 'aaaaaaaa');
      await runner.submit(order('1', 'exit 3'));
      await endsOf(runner, '1');
      await runner.submit(order('2', sleeps()));
      await until('it runs', async () => (await runner.find()).some(({ status }) => status.state === 'running'));
      await mine.stop();
      await mine.start();
      // Its instance canceled it when it was told to stop.
      expect((await endsOf(runner, '2')).status.end).toMatchObject({ outcome: 'canceled', reason: { code: 'native' } });
      await runner.close();
    });

    test('while it is away nothing ends; where another answers in its place its jobs have, and none runs again', async () => {
      const runner = await open(here.spool, 'bbbbbbbb');
      await runner.submit(order('1', `echo started >> ${here.scratch}/log; ${sleeps()}`));
      await until('it runs', async () => (await readFile(join(here.scratch, 'log'), 'utf8').catch(() => '')) !== '');
      await until('it is seen', async () => (await runner.find())[0]?.status.state === 'running');
      await mine.crash();
      expect((await runner.find())[0]!.status.state).toBe('running');
      await mine.forget();
      await mine.start();
      expect((await endsOf(runner, '1')).status.end).toMatchObject({
        outcome: 'failed',
        reason: { code: 'node_failure', message: expect.stringContaining('another one answers') as string },
      });
      expect(await readFile(join(here.scratch, 'log'), 'utf8')).toBe('started\n');
      await runner.close();
    });

    test('a node that is lost fails its job, and is taken', async () => {
      const runner = await open(here.spool, 'cccccccc');
      await runner.submit(order('1', sleeps()));
      const running = await until('it runs', async () =>
        (await runner.find()).find(({ status }) => status.state === 'running'),
      );
      const [, rank] = /"ranks": "(\d)"/.exec(await lab.flux('job', 'list-ids', running.nativeId))!;
      // The first broker is the instance itself.
      if (rank === '1') process.kill(await mine.broker(1), 'SIGKILL');
      else await runner.submit(order('2', sleeps()));
      if (rank !== '1') {
        await until('the second runs', async () =>
          (await runner.find()).every(({ status }) => status.state === 'running'),
        );
        process.kill(await mine.broker(1), 'SIGKILL');
      }
      const ended = await endsOf(runner, rank === '1' ? '1' : '2');
      expect(ended.status.end).toMatchObject({ outcome: 'failed', reason: { code: 'node_failure' } });
      await until('its node is taken', async () => (await runner.busy()).vertices.includes('node/node1'));
      await runner.close();
    });
  });
});
