import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { generateGraph } from '../../../core/graph/generate.ts';
import { readGraph } from '../../../core/graph/read.ts';
import { realSystem } from '../../../system/real.ts';
import { silentLog } from '../../log.ts';
import type { ReachedHook } from '../../sentinels.ts';
import { runnerConformance } from '../conformance.ts';
import { jobspecOf } from '../../testing/jobspec.ts';
import type { NativeJob, Order, Runner } from '../runner.ts';
import { filesOf } from './files.ts';
import { parseClaim } from './native.ts';
import { remainsOf, signalQuietly } from './remains.ts';
import { createProcessRunner } from './runner.ts';
import { resolveJobUser } from './user.ts';
import { until } from '../../../system/testing/until.ts';

const dirs: string[] = [];
async function room(): Promise<{ stateDir: string; scratch: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'rainbow-runner-'));
  dirs.push(dir);
  // As root, jobs run as somebody else: he is to reach it.
  await chmod(dir, 0o755);
  const scratch = join(dir, 'scratch');
  await mkdir(scratch);
  await chmod(scratch, 0o777);
  return { stateDir: join(dir, 'state'), scratch };
}

async function openRunner(
  stateDir: string,
  cores: number,
  more: { keepFiles?: boolean; reached?: ReachedHook; warn?: (text: string) => void } = {},
): Promise<Runner> {
  await mkdir(stateDir, { recursive: true });
  return createProcessRunner(
    {
      stateDir,
      cluster: 'red',
      graph: readGraph(generateGraph({ name: 'red', nodes: 1, coresPerNode: cores })),
      subsystems: [],
      user: await resolveJobUser(null),
      grace: 1,
      keepFiles: more.keepFiles ?? false,
      environment: { ...process.env, RAINBOW_SECRET: 'hidden' },
      log: { ...silentLog, warn: (text) => more.warn?.(text) },
      ...(more.reached === undefined ? {} : { reached: more.reached }),
    },
    realSystem,
  );
}

runnerConformance({
  name: 'process',
  async create(cores) {
    const { stateDir, scratch } = await room();
    return {
      scratch,
      open: (reached) => openRunner(stateDir, cores, reached === undefined ? {} : { reached }),
      async vanish(native) {
        const run = join(stateDir, 'jobs', native.nativeId, 'run');
        const shim = parseClaim(await readFile(join(run, 'claim'), 'utf8'))!.pid;
        for (const file of await readdir(run)) await rm(join(run, file), { recursive: true });
        for (const pid of [shim, ...((await remainsOf(run)) ?? [])]) signalQuietly(pid, 'SIGKILL');
        await until('it is gone', async () => (await remainsOf(run))?.length === 0);
      },
      dispose: async () => {
        for (const dir of dirs.splice(0))
          await rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
      },
    };
  },
});

describe('the process runner', () => {
  const open: Runner[] = [];
  afterEach(async () => {
    for (const runner of open.splice(0)) {
      for (const native of await runner.find()) await runner.stop(native, { code: 'user', message: '' });
      await until('all ended', async () => (await runner.find()).every((native) => native.status.state === 'ended'));
      await runner.close();
    }
    for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });

  async function started(cores: number, more: { keepFiles?: boolean } = {}) {
    const where = await room();
    const runner = await openRunner(where.stateDir, cores, more);
    open.push(runner);
    const order = (jobId: string, script: string, less: Partial<Order> & { cores?: number } = {}): Order => ({
      jobId,
      epoch: 1,
      name: '',
      owner: '',
      jobspec: jobspecOf(script, less.cores ?? 1),
      walltime: 60,
      priority: 0,
      ...less,
    });
    const reaches = (jobId: string, state: string): Promise<NativeJob> =>
      until(`${jobId} ${state}`, async () =>
        (await runner.find()).find((native) => native.jobId === jobId && native.status.state === state),
      );
    return { ...where, runner, order, reaches };
  }

  test('the highest priority starts first, then the first come; nothing overtakes the head', async () => {
    const { runner, order, reaches, scratch } = await started(4);
    const say = (jobId: string): string => `echo ${jobId} >> ${scratch}/log`;
    await runner.submit(order('1', `while [ ! -e ${scratch}/go ]; do sleep 0.05; done`, { cores: 3 }));
    await reaches('1', 'running');
    // 2 is at the head of its priority and needs everything; 3 would fit at once, and must wait behind it.
    await runner.submit(order('2', say('2'), { cores: 4 }));
    await runner.submit(order('3', say('3'), { cores: 4 }));
    await runner.submit(order('4', say('4'), { cores: 4, priority: 5 }));
    await runner.submit(order('5', say('5')));
    await writeFile(join(scratch, 'go'), '');
    await reaches('5', 'ended');
    expect(await readFile(join(scratch, 'log'), 'utf8')).toBe('4\n2\n3\n5\n');
  });

  test('tasks see their job, never the agent’s secrets, and run in a directory of their own', async () => {
    const { runner, order, reaches } = await started(2);
    await runner.submit(order('1', 'env; pwd; id -u'));
    await reaches('1', 'ended');
    const { pieces } = await runner.output({ jobId: '1', epoch: 1 }, [], 1 << 20);
    const said = Buffer.from(pieces.find((piece) => piece.stream === 'stdout')!.data).toString();
    expect(said).toContain('RAINBOW_JOB_ID=1\n');
    expect(said).toContain('RAINBOW_CLUSTER=red\n');
    expect(said).not.toContain('hidden');
    expect(said).toMatch(/jobs\/1\.1\/run\/scratch\n/);
    expect(said.trim().split('\n').at(-1)).not.toBe('0');
  });

  test('a job whose shim is killed fails, what was left of it is ended, and its resources are free again', async () => {
    const { runner, order, reaches, stateDir } = await started(1);
    await runner.submit(order('1', 'sleep 300'));
    await reaches('1', 'running');
    const run = join(stateDir, 'jobs', '1.1', 'run');
    process.kill(parseClaim(await readFile(join(run, 'claim'), 'utf8'))!.pid, 'SIGKILL');
    const { status } = await reaches('1', 'ended');
    expect(status.end).toMatchObject({ outcome: 'failed', reason: { code: 'native' } });
    expect(await remainsOf(run)).toEqual([]);
    await runner.submit(order('2', 'exit 0'));
    await reaches('2', 'ended');
  });

  test('a job that removes its claim first of all runs once, though its agent died as it was started', async () => {
    const { stateDir, scratch } = await room();
    const log = join(scratch, 'log');
    // It never gets further than the start of the shim, as one that was killed there.
    const reached = (sentinel: string): Promise<void> =>
      sentinel === 'shimStarted' ? new Promise(() => {}) : Promise.resolve();
    const dead = await openRunner(stateDir, 1, { reached });
    const script = `rm -f "$RAINBOW_JOB_DIR"/claim*; echo started >> ${log}; while [ ! -e ${scratch}/go ]; do sleep 0.05; done`;
    await dead.submit({
      jobId: '1',
      epoch: 1,
      name: '',
      owner: '',
      jobspec: jobspecOf(script, 1),
      walltime: 60,
      priority: 0,
    });
    const { claim } = filesOf(join(stateDir, 'jobs'), '1.1');
    await until('its shim has claimed it, or it began without asking', () => existsSync(claim) || existsSync(log));
    // Time enough to begin, and to remove it, were there nothing to wait for.
    for (let looks = 0; looks < 15 && !existsSync(log); looks++) await pause(20);
    const again = await openRunner(stateDir, 1);
    open.push(again);
    await until('it runs', () => existsSync(log));
    await writeFile(join(scratch, 'go'), '');
    await until('it has ended', async () => (await again.find()).every(({ status }) => status.state === 'ended'));
    expect(await readFile(log, 'utf8')).toBe('started\n');
  });

  test('an agent that starts leaves alone what has run, however much there is to read', async () => {
    const { runner, order, stateDir, scratch } = await started(8);
    const ids = Array.from({ length: 24 }, (_, index) => String(index + 1));
    for (const id of ids) await runner.submit(order(id, `echo ${id} >> ${scratch}/log`));
    const allEnded = async (): Promise<boolean> =>
      (await runner.find()).every(({ status }) => status.state === 'ended');
    await until('all have ended', allEnded);
    await runner.close();
    const prepared: string[] = [];
    const reached: ReachedHook = (sentinel, { jobId }) => void (sentinel === 'startPrepared' && prepared.push(jobId));
    const again = await openRunner(stateDir, 8, { reached });
    open.push(again);
    // One more goes behind whatever was thought to wait.
    await again.submit(order('99', 'true'));
    await until('it has ended', async () => (await again.find()).every(({ status }) => status.state === 'ended'));
    expect(prepared).toEqual(['99']);
  });

  test('after a restart of the machine a job that ran has failed, and is not started again', async () => {
    const { runner, order, reaches, stateDir, scratch } = await started(1);
    await runner.submit(order('1', `echo started >> ${scratch}/log; exec sleep 300`));
    await reaches('1', 'running');
    await until('it has begun', () => existsSync(join(scratch, 'log')));
    await runner.submit(order('2', 'exit 0'));
    await runner.stop({ jobId: '1', epoch: 1 }, { code: 'user', message: '' });
    await reaches('1', 'ended');
    await runner.close();
    open.splice(0);
    // As a power cut would leave it: another boot, no end; once with its claim, once without.
    const dir = join(stateDir, 'jobs', '1.1');
    const other = (text: string): string =>
      text.replaceAll(/boot [^\n]*|"boot":"[^"]*"/g, (found) =>
        found.startsWith('boot ') ? 'boot another' : '"boot":"another"',
      );
    for (const file of ['run/end', 'stop', 'claimed.json']) await rm(join(dir, file));
    for (const file of ['start.json', 'run/claim']) {
      const path = join(dir, file);
      const text = other(await readFile(path, 'utf8'));
      await writeFile(path, text);
    }
    const again = await openRunner(stateDir, 1);
    open.push(again);
    const found = (await again.find()).find((native) => native.jobId === '1')!;
    expect(found.status).toMatchObject({
      state: 'ended',
      end: { outcome: 'failed', reason: { code: 'node_failure' } },
    });
    await again.close();
    await rm(join(dir, 'end.json'));
    await rm(join(dir, 'run', 'claim'));
    const third = await openRunner(stateDir, 1);
    open.splice(0, 1, third);
    const unclaimed = (await third.find()).find((native) => native.jobId === '1')!;
    expect(unclaimed.status.end).toMatchObject({ reason: { code: 'node_failure' } });
    expect(await readFile(join(scratch, 'log'), 'utf8')).toBe('started\n');
  });

  test('a disk that was full between a stop and the end: the job that waited ends, and never runs here', async () => {
    const { runner, order, reaches, stateDir, scratch } = await started(1);
    await runner.submit(order('1', `while [ ! -e ${scratch}/go ]; do sleep 0.05; done`));
    await reaches('1', 'running');
    await runner.submit(order('2', `echo ran >> ${scratch}/log`));
    // No end can be written.
    const inTheWay = join(stateDir, 'jobs', '2.1', 'end.json.new');
    await mkdir(inTheWay);
    const reason = { code: 'moved', message: 'another starts it sooner' } as const;
    await expect(runner.withdraw!({ jobId: '2', epoch: 1 }, reason)).rejects.toThrow(/directory/);
    await rm(inTheWay, { recursive: true });
    expect((await reaches('2', 'ended')).status).toMatchObject({
      startedAt: null,
      end: { outcome: 'canceled', reason },
    });
    await writeFile(join(scratch, 'go'), '');
    await reaches('1', 'ended');
    expect(existsSync(join(scratch, 'log'))).toBe(false);
  });

  test('what cannot be looked at as its agent starts keeps what it takes, holds up no other, and is found again', async () => {
    const { runner, order, stateDir, scratch } = await started(2);
    const waits = `echo began >> ${scratch}/log; while [ ! -e ${scratch}/go ]; do sleep 0.05; done`;
    await runner.submit(order('1', waits));
    await until('it has begun', () => existsSync(join(scratch, 'log')));
    await runner.close();
    // Read as a file, it is an error that is no absence.
    const inTheWay = join(stateDir, 'jobs', '1.1', 'end.json');
    await mkdir(inTheWay);
    const said: string[] = [];
    const again = await openRunner(stateDir, 2, { warn: (text) => said.push(text) });
    open.splice(0, 1, again);
    const stateOf = async (jobId: string): Promise<string | undefined> =>
      (await again.find()).find((native) => native.jobId === jobId)?.status.state;
    expect((await again.busy()).includes).toEqual([{ jobId: '1', epoch: 1 }]);
    expect(await again.withdraw!({ jobId: '1', epoch: 1 }, { code: 'moved', message: '' })).toBe(false);
    await again.submit(order('2', `echo other >> ${scratch}/log`));
    await until('another has run', async () => (await stateOf('2')) === 'ended');
    await again.submit(order('3', `[ -e ${scratch}/go ]`, { cores: 2 }));
    expect([await stateOf('1'), await stateOf('3')]).toEqual(['accepted', 'accepted']);
    await rm(inTheWay, { recursive: true });
    await until('it is seen', async () => (await stateOf('1')) === 'running');
    await writeFile(join(scratch, 'go'), '');
    await until('both have ended', async () => (await stateOf('1')) === 'ended' && (await stateOf('3')) === 'ended');
    for (const { status } of await again.find()) expect(status.end).toMatchObject({ outcome: 'completed' });
    expect(await readFile(join(scratch, 'log'), 'utf8')).toBe('began\nother\n');
    expect(said).toEqual([expect.stringContaining('job 1.1')]);
  });

  test('files that a job put in place of its output are not followed', async () => {
    const { runner, order, reaches, stateDir } = await started(1);
    const run = join(stateDir, 'jobs', '1.1', 'run');
    await runner.submit(order('1', 'cd .. && rm out.0 err.0 && ln -s /etc/passwd out.0 && mkfifo err.0'));
    await reaches('1', 'ended');
    expect((await readdir(run)).toSorted()).toContain('out.0');
    expect(await runner.output({ jobId: '1', epoch: 1 }, [], 1 << 20)).toMatchObject({ pieces: [], complete: true });
  });

  test('files of a forgotten job are gone, or kept apart where that was asked for', async () => {
    const plain = await started(1);
    await plain.runner.submit(plain.order('1', 'mkdir sub; chmod 500 sub; exit 0'));
    await plain.reaches('1', 'ended');
    await plain.runner.forget({ jobId: '1', epoch: 1 });
    expect(await readdir(join(plain.stateDir, 'jobs'))).toEqual([]);
    const keeping = await started(1, { keepFiles: true });
    await keeping.runner.submit(keeping.order('1', 'echo kept'));
    await keeping.reaches('1', 'ended');
    await keeping.runner.forget({ jobId: '1', epoch: 1 });
    expect(await readFile(join(keeping.stateDir, 'kept', '1.1', 'run', 'out.0'), 'utf8')).toBe('kept\n');
    expect(await keeping.runner.find()).toEqual([]);
  });

  test.runIf(process.getuid?.() === 0)(
    'what only root could remove of a job’s directory stays; the job is forgotten all the same',
    async () => {
      const { runner, order, reaches, stateDir } = await started(1);
      await runner.submit(order('1', 'exit 0'));
      await reaches('1', 'ended');
      const roots = join(stateDir, 'jobs', '1.1', 'run', 'roots');
      const left = join(stateDir, 'jobs', '.gone-1.1', 'run', 'roots');
      await mkdir(join(roots, 'file'), { recursive: true });
      await runner.forget({ jobId: '1', epoch: 1 });
      expect(await readdir(left)).toEqual(['file']);
      await runner.close();
      open.splice(0, 1, await openRunner(stateDir, 1));
      expect(await open[0]!.find()).toEqual([]);
    },
  );

  test('an unfinished order of a killed agent is no job', async () => {
    const { stateDir } = await room();
    await mkdir(join(stateDir, 'jobs', '.new-9.1'), { recursive: true });
    await writeFile(join(stateDir, 'jobs', '.new-9.1', 'order.json'), '{');
    await mkdir(join(stateDir, 'jobs', '8.1'));
    const runner = await openRunner(stateDir, 1);
    open.push(runner);
    expect(await runner.find()).toEqual([]);
  });
});
