/**
 * The agent's protocol under a simulated clock: a cluster and a server in memory, crashes at every sentinel. Long,
 * because every case tells one life from its beginning to its end on the same rig.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { RainbowError } from '../core/errors.ts';
import { simulatedSystem, type SimulatedSystem } from '../system/simulated.ts';
import { serveCluster } from './serve-cluster.ts';
import { newEntry } from './holding.ts';
import { memoryJournal, type Journal } from './journal.ts';
import { silentLog, type Log } from './log.ts';
import { keyText, type JobKey, type Order } from './runners/runner.ts';
import { noHook, PROCESS_SENTINELS, SENTINELS, type ReachedHook } from './sentinels.ts';
import { nativeCluster, type NativeCluster } from './testing/native-cluster.ts';
import { scriptedServer, type ScriptedServer } from './testing/scripted-server.ts';

const order = (jobId: string, epoch = 1): Order => ({
  jobId,
  epoch,
  name: '',
  owner: '',
  jobspec: '',
  walltime: 60,
  priority: 0,
});

interface World {
  readonly system: SimulatedSystem;
  readonly cluster: NativeCluster;
  readonly server: ScriptedServer;
  readonly journal: Journal;
}

interface RunningAgent {
  readonly done: Promise<unknown>;
  stop(): Promise<void>;
  /** As kill -9: nothing of it happens any more. */
  kill(): Promise<void>;
}

const agents: RunningAgent[] = [];
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.kill();
});

function world(): World {
  const system = simulatedSystem();
  return { system, cluster: nativeCluster(system), server: scriptedServer(), journal: memoryJournal() };
}

function startAgent(where: World, more: { reached?: ReachedHook; maxJobs?: number; log?: Log } = {}): RunningAgent {
  const { system, cluster, server, journal } = where;
  const ending = new AbortController();
  const runner = cluster.open();
  let dead = false;
  const never = new Promise<never>(() => undefined);
  /** A dead process does nothing: every port of it hangs. */
  const mortal = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => (dead ? never : (value as (...given: unknown[]) => unknown).apply(target, args));
      },
    });
  const done = serveCluster(
    {
      identity: { cluster: 'red', secret: 'secret', runner: 'memory', version: '1', maxJobs: more.maxJobs ?? 10 },
      journal: mortal(journal),
      runner: mortal(runner),
      uplink: server,
      log: more.log ?? silentLog,
      reached: more.reached ?? noHook,
    },
    system,
    ending.signal,
  ).catch((error: unknown) => error);
  const agent: RunningAgent = {
    done,
    async stop() {
      ending.abort();
      await done;
      await runner.close();
    },
    async kill() {
      dead = true;
      await runner.close();
      server.drop();
      ending.abort();
      await system.settle();
    },
  };
  agents.push(agent);
  return agent;
}

async function isOver(done: Promise<unknown>, system: SimulatedSystem): Promise<boolean> {
  let over = false;
  void done.then(() => (over = true));
  await system.settle();
  return over;
}

const held = async (journal: Journal): Promise<string[]> =>
  (await journal.entries()).map((entry) => keyText(entry.order));

describe('one job', () => {
  test('is journaled, submitted, followed, reported to its end, and forgotten once that is acknowledged', async () => {
    const { system, cluster, server, journal } = world();
    startAgent({ system, cluster, server, journal });
    await system.settle();
    expect(server.hellos).toMatchObject([{ cluster: 'red', secret: 'secret', holds: [], capacity: 10 }]);
    server.say({ kind: 'start', order: order('7') });
    await system.until(() => cluster.jobs.has('7.1'), 'submitted');
    await system.settle();
    expect(await held(journal)).toEqual(['7.1']);
    cluster.run('7.1');
    cluster.write('7.1', 'hello');
    await system.settle();
    cluster.end('7.1', { outcome: 'failed', exitCode: 3 });
    await system.until(() => server.ends.has('7.1'), 'its end');
    await system.settle();
    expect(server.reports('7.1').map((report) => report.state)).toEqual(['received', 'accepted', 'running', 'failed']);
    expect(server.reports('7.1').at(-1)).toMatchObject({ nativeId: 'native-7.1', exitCode: 3, signal: null });
    const kinds = server.heard.map((message) => message.kind);
    expect(kinds.lastIndexOf('output'), 'output before the end').toBeLessThan(kinds.lastIndexOf('report'));
    expect(await held(journal)).toEqual([]);
    expect(cluster.jobs.size).toBe(0);
  });

  test('its reports are said again, with every Hello and after a while, until they are acknowledged', async () => {
    const { system, cluster, server, journal } = world();
    server.acknowledge = false;
    startAgent({ system, cluster, server, journal });
    await system.settle();
    server.say({ kind: 'start', order: order('7') });
    await system.until(() => cluster.jobs.has('7.1'), 'submitted');
    cluster.end('7.1', {});
    await system.settle();
    const said = server.reports('7.1').length;
    await system.until(() => server.reports('7.1').length > said, 'said again');
    server.drop();
    await system.until(() => server.hellos.length === 2, 'connected again');
    expect(server.hellos[1]!.holds).toMatchObject([{ jobId: '7', epoch: 1, state: 'completed' }]);
    expect(server.hellos[1]!.instanceId).toBe(server.hellos[0]!.instanceId);
    server.say({ kind: 'reportAck', key: order('7'), state: 'running' });
    await system.settle();
    expect(await held(journal)).toEqual(['7.1']);
    server.say({ kind: 'reportAck', key: order('7'), state: 'completed' });
    await system.settle();
    expect(await held(journal)).toEqual([]);
  });

  test('why it waits is said when it changes, not with every look, and the last word is always said', async () => {
    const { system, cluster, server, journal } = world();
    startAgent({ system, cluster, server, journal });
    await system.settle();
    server.say({ kind: 'start', order: order('7') });
    await system.until(() => cluster.jobs.has('7.1'), 'submitted');
    await system.settle();
    const said = (): string[] =>
      server.reports('7.1').flatMap(({ state, reason }) => (state === 'accepted' ? [reason.message] : []));
    cluster.waits('7.1', 'Slurm: Resources');
    await system.settle();
    expect(said()).toEqual(['', 'Slurm: Resources']);
    for (let look = 0; look < 40; look++) {
      cluster.waits('7.1', look % 2 === 0 ? 'Slurm: Priority' : 'Slurm: Resources');
      await system.advance(1_000);
    }
    cluster.waits('7.1', 'Slurm: ReqNodeNotAvail');
    await system.advance(60_000);
    expect(said().length).toBeLessThanOrEqual(5);
    expect(said().at(-1)).toBe('Slurm: ReqNodeNotAvail');
    // A start is no reason: it is said at once.
    cluster.waits('7.1', 'Slurm: Resources');
    cluster.run('7.1');
    await system.settle();
    expect(server.reports('7.1').at(-1)).toMatchObject({ state: 'running' });
    const count = server.reports('7.1').length;
    await system.advance(60_000);
    expect(server.reports('7.1')).toHaveLength(count);
  });

  test('a Start that comes twice runs once', async () => {
    const { system, cluster, server, journal } = world();
    startAgent({ system, cluster, server, journal });
    await system.settle();
    for (let i = 0; i < 3; i++) server.say({ kind: 'start', order: order('7') });
    await system.until(() => cluster.jobs.has('7.1'), 'submitted');
    server.say({ kind: 'start', order: order('7') });
    await system.settle();
    expect(cluster.submitted).toEqual(new Map([['7.1', 1]]));
  });

  test('refused by this cluster it goes back; wrong for any cluster it fails; tried again while the cluster cannot', async () => {
    const { system, cluster, server, journal } = world();
    startAgent({ system, cluster, server, journal });
    await system.settle();
    cluster.refusal = new RainbowError('failed_precondition', 'does not fit');
    server.say({ kind: 'start', order: order('1') });
    await system.until(() => server.ends.has('1.1'), 'told');
    expect(server.ends.get('1.1')).toMatchObject({
      state: 'pending',
      reason: { code: 'refused', message: 'does not fit' },
    });
    cluster.refusal = new RainbowError('invalid_input', 'no command');
    server.say({ kind: 'start', order: order('2') });
    await system.until(() => server.ends.has('2.1'), 'told');
    expect(server.ends.get('2.1')).toMatchObject({ state: 'failed', reason: { code: 'cannot_start' } });
    cluster.refusal = new RainbowError('unavailable', 'the scheduler is down');
    server.say({ kind: 'start', order: order('3') });
    await system.advance(60_000);
    expect(server.reports('3.1').at(-1)!.state).toBe('received');
    cluster.refusal = null;
    await system.until(() => cluster.jobs.has('3.1'), 'submitted after all');
    expect(cluster.submitted.get('3.1')).toBe(1);
  });
});

describe('epochs', () => {
  test('a newer epoch is submitted only when the older native job has ended', async () => {
    const { system, cluster, server, journal } = world();
    startAgent({ system, cluster, server, journal });
    await system.settle();
    server.say({ kind: 'start', order: order('7', 1) });
    await system.until(() => cluster.jobs.has('7.1'), 'submitted');
    cluster.run('7.1');
    cluster.deaf = true;
    server.say({ kind: 'start', order: order('7', 2) });
    await system.until(() => cluster.stopped.length > 0, 'the older one is stopped');
    await system.advance(10_000);
    expect(cluster.jobs.has('7.2')).toBe(false);
    cluster.end('7.1', { outcome: 'canceled' });
    await system.until(() => cluster.jobs.has('7.2'), 'the newer one');
    await system.settle();
    expect(await held(journal)).toEqual(['7.2']);
    expect(cluster.jobs.has('7.1')).toBe(false);
  });

  test('of two epochs that wait to be submitted only the newer one ever is', async () => {
    const { system, cluster, server, journal } = world();
    await journal.put(newEntry(order('7', 1), 'received'));
    await journal.put(newEntry(order('7', 2), 'received'));
    startAgent({ system, cluster, server, journal });
    await system.advance(5000);
    expect([...cluster.submitted.keys()]).toEqual(['7.2']);
    expect(await held(journal)).toEqual(['7.2']);
  });

  test('an older epoch than what is held is refused', async () => {
    const { system, cluster, server, journal } = world();
    startAgent({ system, cluster, server, journal });
    await system.settle();
    server.say({ kind: 'start', order: order('7', 2) });
    await system.until(() => cluster.jobs.has('7.2'), 'submitted');
    server.say({ kind: 'start', order: order('7', 1) });
    await system.advance(5000);
    expect([...cluster.submitted.keys()]).toEqual(['7.2']);
    expect(await held(journal)).toEqual(['7.2']);
  });

  test('a native job of an older epoch that nobody remembers is stopped first', async () => {
    const { system, cluster, server, journal } = world();
    const before = cluster.open();
    await before.submit(order('7', 1));
    cluster.deaf = true;
    startAgent({ system, cluster, server, journal });
    await system.settle();
    expect(server.hellos[0]!.holds).toMatchObject([{ jobId: '7', epoch: 1, state: 'accepted' }]);
    server.say({ kind: 'start', order: order('7', 2) });
    await system.advance(1000);
    expect(cluster.stopped[0]).toMatchObject({ key: '7.1' });
    expect(cluster.submitted.has('7.2')).toBe(false);
    cluster.end('7.1', { outcome: 'canceled' });
    await system.until(() => cluster.submitted.has('7.2'), 'submitted');
  });
});

describe('stop', () => {
  test('of a running job is confirmed with its end; of one that has ended, with that end', async () => {
    const { system, cluster, server, journal } = world();
    startAgent({ system, cluster, server, journal });
    await system.settle();
    server.say({ kind: 'start', order: order('7') });
    await system.until(() => cluster.jobs.has('7.1'), 'submitted');
    cluster.run('7.1');
    server.say({ kind: 'stop', key: order('7'), reason: { code: 'user', message: 'enough' } });
    await system.until(() => server.ends.has('7.1'), 'ended');
    expect(server.ends.get('7.1')).toMatchObject({ state: 'canceled', reason: { code: 'user', message: 'enough' } });
    server.say({ kind: 'start', order: order('8') });
    await system.until(() => cluster.jobs.has('8.1'), 'submitted');
    server.acknowledge = false;
    cluster.end('8.1', { exitCode: 0 });
    await system.settle();
    server.say({ kind: 'stop', key: order('8'), reason: { code: 'user', message: '' } });
    await system.settle();
    expect(server.reports('8.1').at(-1)).toMatchObject({ state: 'completed' });
  });

  test('that comes with the Start, before anything native exists: it is never submitted', async () => {
    const { system, cluster, server, journal } = world();
    startAgent({ system, cluster, server, journal });
    await system.settle();
    server.say({ kind: 'start', order: order('7') });
    server.say({ kind: 'stop', key: order('7'), reason: { code: 'user', message: '' } });
    await system.until(() => server.ends.has('7.1'), 'told');
    expect(server.ends.get('7.1')).toMatchObject({ state: 'canceled' });
    expect(cluster.submitted.size).toBe(0);
    await system.settle();
    expect(await held(journal)).toEqual([]);
  });

  test('that comes while it is being submitted is carried out right after', async () => {
    const { system, cluster, server, journal } = world();
    const gate = Promise.withResolvers<void>();
    startAgent(
      { system, cluster, server, journal },
      { reached: (point) => (point === 'afterSubmit' ? gate.promise : undefined) },
    );
    await system.settle();
    server.say({ kind: 'start', order: order('7') });
    await system.until(() => cluster.jobs.has('7.1'), 'submitted');
    cluster.deaf = true;
    server.say({ kind: 'stop', key: order('7'), reason: { code: 'user', message: '' } });
    await system.settle();
    cluster.deaf = false;
    gate.resolve();
    await system.until(() => server.ends.has('7.1'), 'told');
    expect(server.ends.get('7.1')).toMatchObject({ state: 'canceled' });
  });

  test('that nobody asked for, of a job that runs, is in the log, once', async () => {
    const { system, cluster, server, journal } = world();
    const warned: string[] = [];
    startAgent(
      { system, cluster, server, journal },
      { log: { ...silentLog, warn: (message) => void warned.push(message) } },
    );
    await system.settle();
    for (const id of ['7', '8']) server.say({ kind: 'start', order: order(id) });
    await system.until(() => cluster.jobs.has('7.1') && cluster.jobs.has('8.1'), 'submitted');
    cluster.deaf = true;
    const unknown = { code: 'moved', message: 'it is not known to the server' } as const;
    for (let n = 0; n < 2; n++) {
      server.say({ kind: 'stop', key: order('7'), reason: unknown });
      await system.settle();
    }
    server.say({ kind: 'stop', key: order('8'), reason: { code: 'user', message: '' } });
    await system.settle();
    expect(warned.filter((line) => line.includes('does not want it'))).toEqual([
      'job 7.1: stopped, the server does not want it here any more: it is not known to the server',
    ]);
  });

  test('of a job that is not held is confirmed, so that nobody waits for it', async () => {
    const { system, cluster, server, journal } = world();
    startAgent({ system, cluster, server, journal });
    await system.settle();
    server.say({ kind: 'stop', key: order('9', 4), reason: { code: 'moved', message: '' } });
    await system.until(() => server.ends.has('9.4'), 'told');
    expect(server.ends.get('9.4')).toMatchObject({ state: 'canceled', reason: { code: 'moved' } });
  });
});

describe('a submission that may still arrive', () => {
  /** Asked for by an agent that was killed then, and on its way. */
  async function onItsWay(where: World): Promise<RunningAgent> {
    const { system, cluster, server } = where;
    const dying = startAgent(where);
    await system.settle();
    cluster.underWay = new Map();
    server.say({ kind: 'start', order: order('7') });
    await system.until(() => cluster.underWay!.has('7.1'), 'asked for');
    await dying.kill();
    const next = startAgent(where);
    await system.until(() => server.hellos.length === 2, 'connected again');
    await system.settle();
    return next;
  }
  const states = ({ server }: World): string[] => server.reports('7.1').map(({ state }) => state);

  test('canceled meanwhile: nobody is told so before that is true, and it is stopped when it arrives', async () => {
    const where = world();
    const { system, cluster, server, journal } = where;
    await onItsWay(where);
    server.say({ kind: 'stop', key: order('7'), reason: { code: 'user', message: '' } });
    await system.advance(60_000);
    expect(states(where)).not.toContain('canceled');
    expect(await held(journal)).toEqual(['7.1']);
    cluster.arrive('7.1');
    await system.until(() => server.ends.has('7.1'), 'its end');
    expect(cluster.stopped.at(-1)).toMatchObject({ key: '7.1', reason: { code: 'user' } });
    expect(states(where).at(-1)).toBe('canceled');
    expect(cluster.submitted.get('7.1')).toBe(1);
  });

  test('canceled meanwhile, and it never came: then that is said', async () => {
    const where = world();
    const { system, cluster, server, journal } = where;
    await onItsWay(where);
    server.say({ kind: 'stop', key: order('7'), reason: { code: 'user', message: '' } });
    await system.advance(10_000);
    cluster.underWay!.clear();
    await system.until(() => server.ends.has('7.1'), 'its end');
    expect(states(where).at(-1)).toBe('canceled');
    await system.settle();
    expect(await held(journal)).toEqual([]);
    expect(cluster.submitted.size).toBe(0);
  });

  test('refused by the next agent: not before it is known that it did not arrive', async () => {
    const where = world();
    const { system, cluster } = where;
    await onItsWay(where);
    cluster.refusal = new RainbowError('failed_precondition', 'no such owner here');
    await system.advance(60_000);
    expect(states(where)).not.toContain('pending');
    cluster.arrive('7.1');
    await system.until(() => states(where).includes('accepted'), 'adopted');
    expect(cluster.submitted.get('7.1')).toBe(1);
  });

  test('a newer epoch of it waits until the older one has come and is stopped', async () => {
    const where = world();
    const { system, cluster, server } = where;
    await onItsWay(where);
    server.say({ kind: 'start', order: order('7', 2) });
    await system.advance(60_000);
    expect([...cluster.underWay!.keys()]).toEqual(['7.1']);
    const came = cluster.underWay!;
    cluster.arrive('7.1');
    cluster.underWay = null;
    expect(came.size).toBe(0);
    await system.until(() => cluster.jobs.has('7.2'), 'the newer one');
    expect(cluster.stopped.at(-1)).toMatchObject({ key: '7.1', reason: { code: 'moved' } });
    expect(cluster.jobs.get('7.1')?.status.state ?? 'ended').toBe('ended');
  });

  test('its cluster deleted: it is waited for and stopped; an agent that is told to end meanwhile keeps it in mind', async () => {
    const where = world();
    const { system, cluster, server, journal } = where;
    const first = await onItsWay(where);
    server.drop(new RainbowError('not_found', 'cluster red was deleted'));
    await system.advance(20_000);
    expect(await isOver(first.done, system)).toBe(false);
    await first.stop();
    expect(await first.done).toMatchObject({ message: expect.stringContaining('not ended yet') as string });
    expect(await held(journal)).toEqual(['7.1']);
    const second = startAgent(where);
    await system.until(() => server.hellos.length === 3, 'connected again');
    server.drop(new RainbowError('not_found', 'cluster red was deleted'));
    await system.advance(1000);
    cluster.arrive('7.1');
    await system.advance(3000);
    expect(await second.done).toMatchObject({ message: expect.stringContaining(': 1 job stopped;') as string });
    expect(cluster.stopped.at(-1)).toMatchObject({ key: '7.1' });
    expect(await held(journal)).toEqual([]);
  });
});

describe('a broken stream', () => {
  test('a Start of it that was not journaled is dropped: the next Hello did not mention it', async () => {
    const where = world();
    const { system, cluster, server } = where;
    const gate = Promise.withResolvers<void>();
    startAgent(where, { reached: (point) => (point === 'beforeReceived' ? gate.promise : undefined) });
    await system.settle();
    server.say({ kind: 'start', order: order('7') });
    await system.settle();
    server.drop();
    await system.advance(1000);
    gate.resolve();
    await system.until(() => server.hellos.length === 2, 'connected again');
    expect(server.hellos[1]!.holds).toEqual([]);
    await system.advance(60_000);
    expect(cluster.submitted.size).toBe(0);
  });

  test('jobs go on while the server is away, and their ends are told afterwards, however long it takes', async () => {
    const { system, cluster, server, journal } = world();
    startAgent({ system, cluster, server, journal });
    await system.settle();
    server.say({ kind: 'start', order: order('7') });
    await system.until(() => cluster.jobs.has('7.1'), 'submitted');
    cluster.run('7.1');
    await system.settle();
    server.refuse = new RainbowError('unavailable', 'no server answers');
    server.drop();
    await system.advance(3_600_000);
    cluster.end('7.1', { exitCode: 0 });
    await system.advance(600_000);
    expect(server.ends.size).toBe(0);
    server.refuse = null;
    await system.until(() => server.ends.has('7.1'), 'told', 20_000);
    expect(cluster.stopped).toEqual([]);
  });

  test('tries come at growing, jittered distances', async () => {
    const { system, cluster, server, journal } = world();
    const at: number[] = [];
    const open = server.open.bind(server);
    const counting: Pick<ScriptedServer, 'open'> = {
      open(say, signal) {
        at.push(system.clock.monotonic());
        return open(say, signal);
      },
    };
    server.refuse = new RainbowError('unavailable', 'no server answers');
    startAgent({ system, cluster, server: Object.assign(server, counting), journal });
    await system.advance(120_000);
    const gaps = at.slice(1).map((time, i) => time - at[i]!);
    expect(gaps[0]!).toBeLessThanOrEqual(200);
    for (const [i, gap] of gaps.entries()) {
      const full = Math.min(200 * 2 ** i, 15_000);
      expect(gap).toBeGreaterThanOrEqual(full / 2);
      expect(gap).toBeLessThanOrEqual(full + 1);
    }
    expect(new Set(gaps.slice(-4)).size, 'jitter').toBeGreaterThan(1);
  });

  test('output goes on from what was acknowledged, in order, and no more of it is on the way than allowed', async () => {
    const { system, cluster, server, journal } = world();
    startAgent({ system, cluster, server, journal });
    await system.settle();
    server.say({ kind: 'start', order: order('7') });
    await system.until(() => cluster.jobs.has('7.1'), 'submitted');
    cluster.run('7.1');
    const text = Array.from({ length: 200_000 }, (_, i) => `${i}\n`).join('');
    server.acknowledge = false;
    cluster.write('7.1', text);
    const pieces = () => server.heard.flatMap((message) => (message.kind === 'output' ? message.pieces : []));
    await system.advance(10_000);
    const first = pieces().reduce((sum, piece) => sum + piece.data.byteLength, 0);
    expect(first).toBe(256 * 1024);
    server.drop();
    const unheard = pieces().length;
    await system.until(() => pieces().length > unheard, 'sent again from the beginning');
    expect(pieces()[unheard]!.offset).toBe(0);
    await system.advance(1000);
    server.say({ kind: 'outputAck', key: order('7'), positions: [{ task: 0, stream: 'stdout', offset: 1000 }] });
    await system.settle();
    server.drop();
    const before = pieces().length;
    await system.until(() => pieces().length > before, 'sent again');
    expect(pieces()[before]!.offset).toBe(1000);
    server.acknowledge = true;
    const last = pieces().at(-1)!;
    server.say({
      kind: 'outputAck',
      key: order('7'),
      positions: [{ task: 0, stream: 'stdout', offset: last.offset + last.data.byteLength }],
    });
    cluster.end('7.1', {});
    await system.until(() => server.ends.has('7.1'), 'ended');
    const whole = Buffer.alloc(text.length);
    for (const { offset, data } of pieces()) whole.set(data, offset);
    expect(whole.toString()).toBe(text);
  });

  test('of an output that is longer than the server keeps, head and tail are sent, the middle while somebody follows', async () => {
    const { system, cluster, server, journal } = world();
    cluster.measures = true;
    startAgent({ system, cluster, server, journal });
    await system.settle();
    server.say({ kind: 'start', order: { ...order('7'), outputCap: 20_000 } });
    await system.until(() => cluster.jobs.has('7.1'), 'submitted');
    cluster.run('7.1');
    const sent = (): number =>
      server.heard.reduce(
        (sum, each) =>
          sum + (each.kind === 'output' ? each.pieces.reduce((all, { data }) => all + data.byteLength, 0) : 0),
        0,
      );
    let written = 0;
    const write = async (bytes: number): Promise<void> => {
      cluster.write('7.1', 'x'.repeat(bytes));
      written += bytes;
      await system.advance(1000);
    };
    await write(10_000);
    await write(100_000);
    const headOnly = sent();
    expect(headOnly).toBe(10_000);
    // A round: the newest, though nobody follows.
    await system.advance(20_000);
    expect(sent()).toBe(20_000);
    for (let i = 0; i < 20; i++) await write(50_000);
    // A megabyte was written; a round or two brought what was new just then.
    expect(sent()).toBeLessThanOrEqual(150_000);
    const before = sent();
    server.say({ kind: 'follow', key: order('7'), follow: true });
    await write(1_000);
    await write(1_000);
    await write(1_000);
    expect(sent() - before).toBeGreaterThanOrEqual(3_000);
    server.say({ kind: 'follow', key: order('7'), follow: false });
    const quiet = sent();
    await write(1_000);
    expect(sent()).toBe(quiet);
    cluster.write('7.1', 'the end');
    cluster.end('7.1', {});
    await system.until(() => server.ends.has('7.1'), 'ended');
    const last = server.heard.flatMap((each) => (each.kind === 'output' ? each.pieces : [])).at(-1)!;
    expect(Buffer.from(last.data).toString().endsWith('the end')).toBe(true);
    expect(last.offset + last.data.byteLength).toBe(written + 7);
    expect(sent()).toBeLessThan(200_000);
  });

  test('a server that does not read costs no memory: reports replace each other, output stops at its window', async () => {
    const { system, cluster, server, journal } = world();
    startAgent({ system, cluster, server, journal }, { maxJobs: 100 });
    await system.settle();
    server.acknowledge = false;
    const keys = Array.from({ length: 40 }, (_, i) => `${i + 1}.1`);
    for (const key of keys) server.say({ kind: 'start', order: order(key.split('.')[0]!) });
    await system.until(() => keys.every((key) => cluster.jobs.has(key)), 'submitted');
    for (const key of keys) {
      cluster.run(key);
      cluster.write(key, 'y'.repeat(500_000));
    }
    await system.advance(60_000);
    const bytes = server.heard.reduce(
      (sum, each) =>
        sum + (each.kind === 'output' ? each.pieces.reduce((all, { data }) => all + data.byteLength, 0) : 0),
      0,
    );
    // 4 MiB in all, though each of the 40 jobs may have 256 KiB on the way.
    expect(bytes).toBeLessThanOrEqual(4 * 1024 * 1024 + 256 * 1024);
    expect(bytes).toBeGreaterThan(3 * 1024 * 1024);
  });

  test('a server that hangs before it has beaten once is given up like any other', async () => {
    const where = world();
    const { system, server } = where;
    server.beats = false;
    startAgent(where);
    await system.settle();
    expect(server.streams).toBe(1);
    await system.until(() => server.streams === 2, 'connected again', 40_000);
  });

  test('a Start that comes while the agent stops is not taken: nothing of it is submitted, the next Hello does not hold it', async () => {
    const where = world();
    const { system, cluster, server, journal } = where;
    const agent = startAgent(where);
    await system.settle();
    server.say({ kind: 'start', order: order('7') });
    const ended = agent.stop();
    server.say({ kind: 'start', order: order('8') });
    await system.settle();
    await ended;
    const before = await held(journal);
    expect(before).not.toContain('8.1');
    expect([...cluster.submitted.keys()].filter((key) => !before.includes(key))).toEqual([]);
    startAgent(where);
    await system.settle();
    expect(server.hellos.at(-1)!.holds.map(keyText)).toEqual(before);
    expect(system.pendingTimers()).toBeGreaterThan(0);
  });
});

describe('after a restart', () => {
  test('what was journaled and not submitted waits until the server confirms that it is wanted here', async () => {
    for (const wanted of [true, false]) {
      const where = world();
      const { system, cluster, server } = where;
      const first = startAgent(where, {
        reached: (point) => (point === 'beforeIntent' ? new Promise(() => undefined) : undefined),
      });
      await system.settle();
      server.say({ kind: 'start', order: order('7') });
      await system.settle();
      await first.kill();
      server.refuse = new RainbowError('unavailable', 'no server answers');
      startAgent(where);
      await system.advance(60_000);
      expect(cluster.submitted.size).toBe(0);
      server.refuse = null;
      server.acknowledge = false;
      await system.until(() => server.hellos.length === 2, 'connected');
      expect(server.hellos[1]!.holds).toMatchObject([{ jobId: '7', state: 'received' }]);
      await system.advance(1000);
      expect(cluster.submitted.size).toBe(0);
      server.say(
        wanted
          ? { kind: 'reportAck', key: order('7'), state: 'received' }
          : { kind: 'stop', key: order('7'), reason: { code: 'moved', message: '' } },
      );
      await system.until(() => cluster.submitted.has('7.1') || server.ends.has('7.1'), 'decided');
      expect([cluster.submitted.has('7.1'), server.ends.has('7.1')]).toEqual([wanted, !wanted]);
    }
  });
});

describe('the end of the agent', () => {
  test('fenced by a newer one, with a wrong secret, or with its cluster gone: it ends and says why', async () => {
    for (const [error, words] of [
      [new RainbowError('failed_precondition', 'a newer agent of this cluster has connected'), /newer agent/],
      [new RainbowError('unauthenticated', 'request denied'), /--secret.*the server may have another store/],
      [new RainbowError('not_found', 'cluster red was deleted'), /cluster red was deleted: 0 jobs stopped/],
    ] as const) {
      const where = world();
      const agent = startAgent(where);
      await where.system.settle();
      where.server.drop(error);
      await where.system.settle();
      const ended = await agent.done;
      expect(ended).toBeInstanceOf(RainbowError);
      expect((ended as RainbowError).message).toMatch(words);
      expect(where.system.pendingTimers()).toBe(0);
    }
  });

  test('its cluster deleted under it: all that it holds is stopped, seen to its end and forgotten', async () => {
    const where = world();
    const { system, cluster, server, journal } = where;
    const gate = Promise.withResolvers<void>();
    const agent = startAgent(where, {
      reached: (point, key) => (point === 'afterSubmit' && key.jobId === '8' ? gate.promise : undefined),
    });
    await system.settle();
    server.acknowledge = false;
    for (const id of ['6', '7']) server.say({ kind: 'start', order: order(id) });
    await system.until(() => cluster.jobs.has('7.1'), 'submitted');
    cluster.end('6.1', {}); // Ended, and its end not acknowledged yet.
    cluster.run('7.1');
    await system.settle();
    server.say({ kind: 'start', order: order('8') });
    await system.until(() => cluster.jobs.has('8.1'), 'being submitted');
    server.say({ kind: 'start', order: order('9') });
    await system.settle();
    cluster.deaf = true;
    server.drop(new RainbowError('not_found', 'cluster red was deleted'));
    await system.settle();
    gate.resolve();
    await system.advance(3000);
    expect(new Set(cluster.stopped.map(({ key }) => key))).toEqual(new Set(['7.1', '8.1']));
    expect(cluster.stopped[0]).toMatchObject({ reason: { code: 'cluster_deleted' } });
    expect(await isOver(agent.done, system)).toBe(false);
    cluster.end('7.1', { outcome: 'canceled' });
    cluster.end('8.1', { outcome: 'canceled' });
    await system.advance(1000);
    const ended = await agent.done;
    expect(ended).toMatchObject({ code: 'not_found' });
    expect((ended as RainbowError).message).toContain('cluster red was deleted: 2 jobs stopped');
    expect(cluster.submitted.has('9.1')).toBe(false);
    expect(await held(journal)).toEqual([]);
    expect(cluster.jobs.size).toBe(0);
    expect(system.pendingTimers()).toBe(0);
    expect(server.hellos).toHaveLength(1);
  });

  test('killed while it stops them, its next start asks again before it says Hello', async () => {
    const where = world();
    const { system, cluster, server } = where;
    const agent = startAgent(where);
    await system.settle();
    server.say({ kind: 'start', order: order('7') });
    await system.until(() => cluster.jobs.has('7.1'), 'submitted');
    cluster.run('7.1');
    cluster.deaf = true;
    server.drop(new RainbowError('not_found', 'cluster red was deleted'));
    await system.advance(1000);
    await agent.kill();
    const asked = cluster.stopped.length;
    server.refuse = new RainbowError('unauthenticated', 'request denied');
    const next = startAgent(where);
    expect(await next.done).toMatchObject({ code: 'unauthenticated' });
    expect(cluster.stopped.slice(asked)).toMatchObject([{ key: '7.1', reason: { code: 'cluster_deleted' } }]);
  });

  test('told to end while it stops them, it ends, and keeps in mind what has not ended', async () => {
    const where = world();
    const { system, cluster, server, journal } = where;
    const agent = startAgent(where);
    await system.settle();
    server.say({ kind: 'start', order: order('7') });
    await system.until(() => cluster.jobs.has('7.1'), 'submitted');
    cluster.deaf = true;
    server.drop(new RainbowError('not_found', 'cluster red was deleted'));
    await system.advance(1000);
    await agent.stop();
    expect(await agent.done).toMatchObject({ message: expect.stringContaining('not ended yet') as string });
    expect(await held(journal)).toEqual(['7.1']);
  });

  test('not let in, however that is said, it stops nothing: only a stream that was welcomed is certain', async () => {
    for (const code of ['unauthenticated', 'not_found', 'permission_denied'] as const) {
      const where = world();
      const { system, cluster, server, journal } = where;
      const before = startAgent(where);
      await system.settle();
      server.say({ kind: 'start', order: order('7') });
      await system.until(() => cluster.jobs.has('7.1'), 'submitted');
      cluster.run('7.1');
      await system.settle();
      server.refuse = new RainbowError(code, 'request denied');
      server.drop();
      await system.advance(1000);
      expect(await before.done).toMatchObject({ code });
      expect(await startAgent(where).done).toMatchObject({ code });
      expect(cluster.stopped).toEqual([]);
      expect(await held(journal)).toEqual(['7.1']);
    }
  });

  test('told to end it leaves running jobs alone, and leaves no timer behind', async () => {
    const where = world();
    const { system, cluster, server } = where;
    const agent = startAgent(where);
    await system.settle();
    server.say({ kind: 'start', order: order('7') });
    await system.until(() => cluster.jobs.has('7.1'), 'submitted');
    cluster.run('7.1');
    await system.settle();
    await agent.stop();
    expect(cluster.stopped).toEqual([]);
    expect(system.pendingTimers()).toBe(0);
    startAgent(where);
    await system.settle();
    expect(server.hellos[1]!.holds).toMatchObject([{ jobId: '7', state: 'running', nativeId: 'native-7.1' }]);
    expect(server.hellos[1]!.instanceStartedAt).toBeGreaterThan(server.hellos[0]!.instanceStartedAt);
  });

  test('a native job that is gone is said to have failed', async () => {
    const where = world();
    const { system, cluster, server } = where;
    const agent = startAgent(where);
    await system.settle();
    server.say({ kind: 'start', order: order('7') });
    await system.until(() => cluster.jobs.has('7.1'), 'submitted');
    await system.settle();
    await agent.kill();
    (cluster.jobs as Map<string, unknown>).delete('7.1');
    startAgent(where);
    await system.settle();
    expect(server.ends.get('7.1')).toMatchObject({ state: 'failed', reason: { code: 'native' } });
  });

  test('capacity is said before the report that frees a place at the server', async () => {
    const where = world();
    const { system, cluster, server } = where;
    startAgent(where, { maxJobs: 2 });
    await system.settle();
    server.say({ kind: 'start', order: order('7') });
    await system.until(() => cluster.jobs.has('7.1'), 'submitted');
    await system.settle();
    const accepted = server.heard.findIndex((each) => each.kind === 'report' && each.report.state === 'accepted');
    const before = server.heard.slice(0, accepted).findLast((each) => each.kind === 'heartbeat');
    expect(before).toMatchObject({ capacity: 1 });
    cluster.end('7.1', {});
    await system.settle();
    expect(server.heard.findLast((each) => each.kind === 'heartbeat')).toMatchObject({ capacity: 2 });
  });
});

// The process runner's own points have no part in a cluster in memory; agent.test.ts tries those with processes.
const here = SENTINELS.filter((point) => !PROCESS_SENTINELS.has(point));

describe('killed at a sentinel', () => {
  test.each(here)('%s: one native job, one end', async (point) => {
    const where = world();
    const { system, cluster, server, journal } = where;
    server.wanted.push(order('7'));
    let killed = false;
    const isKilled = (): boolean => killed;
    const agent: { current: RunningAgent | null } = { current: null };
    const reached: ReachedHook = async (at: string, key: JobKey) => {
      if (killed || at !== point || key.jobId !== '7') return;
      killed = true;
      await agent.current!.kill();
      await new Promise<never>(() => undefined);
    };
    agent.current = startAgent(where, { reached });
    const play = (): void => {
      const job = cluster.jobs.get('7.1');
      if (job?.status.state === 'accepted') cluster.run('7.1');
      else if (job?.status.state === 'running') cluster.end('7.1', { exitCode: 3, outcome: 'failed' });
    };
    for (let i = 0; i < 20 && !isKilled(); i++) {
      await system.advance(500);
      play();
    }
    expect(killed).toBe(true);
    startAgent(where);
    for (let i = 0; i < 20; i++) {
      await system.advance(500);
      play();
    }
    expect(cluster.submitted).toEqual(new Map([['7.1', 1]]));
    expect(server.ends.get('7.1')).toMatchObject({ state: 'failed', exitCode: 3 });
    expect(await held(journal)).toEqual([]);
    expect(cluster.jobs.size).toBe(0);
  });
});
