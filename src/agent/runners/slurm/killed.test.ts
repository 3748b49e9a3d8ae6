/**
 * A real Slurm whose commands are killed, slow, or complain in words that nobody knows: what was told as ended does not
 * run, what runs is told, and nothing runs twice. A script stands before the command; files tell it when to go on.
 */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { slurmMissing, startLab, type Lab } from '../../../../test/lab/slurm.ts';
import { skipWithout } from '../../../../test/needs.ts';
import { JobState } from '../../../gen/rainbow/v1/job_pb.js';
import { realSystem } from '../../../system/real.ts';
import { until } from '../../../system/testing/until.ts';
import { silentLog } from '../../log.ts';
import type { ReachedHook } from '../../sentinels.ts';
import { jobspecOf } from '../../testing/jobspec.ts';
import { openAgentRig, type AgentRig, type Here } from '../../testing/rig.ts';
import type { NativeJob, Order, Runner } from '../runner.ts';
import { realmOf } from '../runners.ts';
import { createSlurmRunner } from './runner.ts';
import { slurmUsers } from './users.ts';

const away = skipWithout('slurm', slurmMissing());
const KEY = { jobId: '1', epoch: 1 };
let lab: Lab;
let dir: string;
let realm = 0;

/** `$REAL` is the command itself, `$FIRST` is true the first time. */
async function inFrontOf(program: string, script: string): Promise<void> {
  const real = `"$(PATH=\${PATH#*:} command -v ${program})"`;
  const once = join(dir, `${program}.once`);
  const text = `#!/bin/sh\nREAL=${real}\nif [ -e ${once} ]; then FIRST=false; else FIRST=true; : >${once}; fi\n${script}\n`;
  await writeFile(join(dir, 'bin', program), text, { mode: 0o755 });
}
/** Waits for the file `gate`, with what it was given. */
const slowly = (): string =>
  `cat >${dir}/script; while [ -d ${dir} ] && [ ! -e ${dir}/gate ]; do sleep 0.1; done; exec "$REAL" "$@" <${dir}/script`;
const openGate = (): Promise<void> => writeFile(join(dir, 'gate'), '');
const environment = (): Record<string, string | undefined> => ({
  PATH: `${join(dir, 'bin')}:${process.env['PATH']}`,
  SLURM_CONF: lab.conf('red'),
});

describe.skipIf(away)('Slurm, its commands killed or slow', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    lab = await startLab(['red:1']);
  }, 90_000);
  afterAll(async () => lab?.wipe(), 60_000);
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'rainbow-slurm-'));
    await chmod(dir, 0o777);
    await mkdir(join(dir, 'bin'));
    realm++;
  });
  afterEach(() => rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));

  describe('the runner', () => {
    const runners: Runner[] = [];
    afterEach(async () => {
      await openGate();
      for (const runner of runners.splice(0)) {
        for (const native of await runner.find()) await runner.stop(native, { code: 'user', message: '' });
        await until('all ended', async () => (await runner.find()).every(({ status }) => status.state === 'ended'));
        await runner.close();
      }
    });

    async function open(map: string | null = null, reached?: ReachedHook): Promise<Runner> {
      const runner = await createSlurmRunner(
        {
          spool: join(dir, 'spool'),
          cluster: 'red',
          realm: realm.toString(16).padStart(8, '0'),
          users: await slurmUsers(null, map),
          keepFiles: false,
          environment: environment(),
          log: silentLog,
          ...(reached === undefined ? {} : { reached }),
          pace: { least: 100, most: 400 },
        },
        realSystem,
      );
      runners.push(runner);
      return runner;
    }
    const order = (script: string): Order => {
      const jobspec = jobspecOf(script, 1);
      return { ...KEY, name: 'a job', owner: 'ada', jobspec, walltime: 60, priority: 0 };
    };
    const ended = (runner: Runner): Promise<NativeJob> =>
      until('it has ended', async () => (await runner.find()).find(({ status }) => status.state === 'ended'));
    const inSlurm = async (): Promise<string[]> =>
      (await lab.slurm('red', 'squeue', '-h', '-a', '-t', 'all', '-o', '%j'))
        .split('\n')
        .filter((name) => name.startsWith(`rainbow-1.1-${realm.toString(16).padStart(8, '0')}-`));
    const inSpool = async (): Promise<string[]> =>
      (await readdir(join(dir, 'spool'))).filter((name) => /^\d/.test(name));

    test.each(['kill -INT $$', 'exit 137'])('sbatch is ended when Slurm has the job (%s): it is found', async (end) => {
      await inFrontOf('sbatch', `$FIRST || exec "$REAL" "$@"\n"$REAL" "$@" >/dev/null\n${end}`);
      const runner = await open();
      const mine = order(`echo ran >>${dir}/log`);
      await expect(runner.submit(mine)).rejects.toMatchObject({ code: 'unavailable' });
      expect(await runner.submit(mine)).toMatch(/^\d+$/);
      expect((await ended(runner)).status.end).toMatchObject({ outcome: 'completed' });
      expect(await readFile(join(dir, 'log'), 'utf8')).toBe('ran\n');
      expect(await inSlurm()).toHaveLength(1);
    });

    test('sbatch is ended before Slurm has the job: it is asked for again', async () => {
      await inFrontOf('sbatch', '$FIRST && kill -KILL $$\nexec "$REAL" "$@"');
      const runner = await open();
      await expect(runner.submit(order('true'))).rejects.toMatchObject({ code: 'unavailable' });
      expect(await runner.arrived!(KEY)).toBe(false);
      expect(await runner.submit(order('true'))).toMatch(/^\d+$/);
      expect(await inSlurm()).toHaveLength(1);
    });

    test('sbatch complains in words that nobody knows when Slurm has the job: it is found', async () => {
      await inFrontOf('sbatch', '"$REAL" "$@" >/dev/null\necho "sbatch: error: the moon is full" >&2\nexit 1');
      const runner = await open();
      expect(await runner.submit(order('true'))).toMatch(/^\d+$/);
      expect(await inSlurm()).toHaveLength(1);
    });

    test('such words, and nothing comes of it: it is refused, after one try, and nothing of it is left', async () => {
      await inFrontOf('sbatch', '$FIRST || : >>"$0.again"\necho "sbatch: error: the moon is full" >&2\nexit 1');
      const runner = await open();
      await expect(runner.submit(order('true'))).rejects.toMatchObject({
        code: 'failed_precondition',
        message: 'sbatch: the moon is full',
      });
      expect(await readdir(join(dir, 'bin'))).toEqual(['sbatch']);
      expect(await inSpool()).toEqual([]);
    });

    test('scontrol is ended while it is asked whether the job fits: that refuses nothing', async () => {
      await inFrontOf('scontrol', `[ -e ${dir}/die ] && kill -TERM $$\nexec "$REAL" "$@"`);
      const runner = await open();
      await writeFile(join(dir, 'die'), '');
      await expect(runner.submit(order('true'))).rejects.toMatchObject({ code: 'unavailable' });
    });

    describe('an agent dies while its sbatch is under way', () => {
      beforeEach(async () => {
        await inFrontOf('sbatch', slowly());
        const started = Promise.withResolvers<void>();
        const first = await open(null, (point) => {
          if (point === 'sbatchStarted') started.resolve();
          // It never learns of the answer.
          return point === 'sbatchAnswered' ? new Promise<never>(() => undefined) : undefined;
        });
        runners.pop();
        void first.submit(order(`echo ran >>${dir}/log; exec sleep 60`)).catch(() => undefined);
        await started.promise;
        await first.close();
      });

      test('the next one, which may not submit for its owner, refuses nothing before that is known', async () => {
        const map = join(dir, 'map');
        await writeFile(map, 'bob nobody\n', { mode: 0o600 });
        const runner = await open(map);
        await expect(runner.submit(order('true'))).rejects.toMatchObject({ code: 'unavailable' });
        await expect(runner.arrived!(KEY)).rejects.toMatchObject({ code: 'unavailable' });
        await openGate();
        const id = await until('it has arrived', () => runner.submit(order('true')).catch(() => false as const));
        expect(id).toMatch(/^\d+$/);
        expect(await runner.arrived!(KEY)).toBe(true);
      });

      test('stopped by the next one, it is stopped when it arrives', async () => {
        const runner = await open();
        await runner.stop(KEY, { code: 'user', message: '' });
        await openGate();
        expect((await ended(runner)).status.end).toMatchObject({ outcome: 'canceled', reason: { code: 'user' } });
        expect(await runner.arrived!(KEY)).toBe(true);
        await runner.forget(KEY);
        expect(await inSpool()).toEqual([]);
      });
    });

    test('one that never came is forgotten', async () => {
      await inFrontOf('sbatch', 'kill -KILL $$');
      const runner = await open();
      await expect(runner.submit(order('true'))).rejects.toMatchObject({ code: 'unavailable' });
      expect(await inSpool()).toEqual(['1.1']);
      expect(await runner.arrived!(KEY)).toBe(false);
      await runner.forget(KEY);
      expect(await inSpool()).toEqual([]);
    });
  });

  describe('agents', () => {
    let rig: AgentRig;
    beforeAll(async () => {
      rig = await openAgentRig();
    });
    afterEach(async () => {
      await openGate();
      await rig.endAgents();
    });
    afterAll(async () => rig?.close());

    /** An agent was killed while its sbatch was under way. */
    async function onItsWay(): Promise<{ red: Here; id: string }> {
      await inFrontOf('sbatch', slowly());
      const red = await rig.cluster('red', { runner: 'slurm', environment: environment() });
      const dying = rig.agentProcess(red, 'sbatchStarted');
      const id = await rig.submit(red, 'exec sleep 600');
      expect(await dying.ended).toBe('SIGKILL');
      return { red, id };
    }
    const alive = async ({ name, options: { secret } }: Here): Promise<string[]> =>
      (await lab.slurm('red', 'squeue', '-h', '-a', '-o', '%j'))
        .split('\n')
        .filter((each) => each.includes(`-${realmOf(name, secret)}-`));

    test('a job that is canceled meanwhile is told so when it is true', async () => {
      const { red, id } = await onItsWay();
      await rig.client.jobs.cancel({ id });
      const agent = rig.agent(red);
      await until('the agent says that it is not known', () => agent.said.join('\n').includes('not known yet'));
      expect((await rig.job(id)).state).not.toBe(JobState.CANCELED);
      await openGate();
      expect((await rig.ended(id)).state).toBe(JobState.CANCELED);
      expect(await alive(red)).toEqual([]);
    });

    test('a cluster that is deleted meanwhile is left when that is ended, too', async () => {
      const { red } = await onItsWay();
      await rig.client.clusters.delete({ name: red.name, secret: red.options.secret });
      const agent = rig.agent(red);
      await until('the agent says that it is not known', () => agent.said.join('\n').includes('not known yet'));
      await openGate();
      expect(String(await agent.done)).toContain('was deleted: 1 job stopped;');
      expect(await alive(red)).toEqual([]);
    });
  });
});
