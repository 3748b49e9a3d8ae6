/**
 * For tests: the handler of agents on a real scheduler and store, and one cluster, `K`, of 3 nodes with 12 cores.
 * A file of tests opens it before each test and closes `rig` after it.
 */
import { RainbowError } from '../../../core/errors.ts';
import { silentLog } from '../../../scheduler/log.ts';
import { coresJob, openRig, type Rig } from '../../../scheduler/testing/rig.ts';
import type { JobId, JobRecord } from '../../../store/store.ts';
import { createFollowers } from '../../followers.ts';
import { agentHandlers } from '../connect.ts';
import { fakeAgent, type FakeAgent, type FakeAgentOptions } from './fake-agent.ts';

const SETTINGS = { serverVersion: 'test', heartbeat: 10, helloWithin: 5, outputCap: 100 };

export let rig: Rig;
/** What the server wrote into its log as a warning. */
export let warned: object[] = [];
export let handlers: ReturnType<typeof agentHandlers>;

export async function open(options: Parameters<typeof openRig>[0] = {}): Promise<void> {
  rig = await openRig(options);
  warned = [];
  await rig.cluster('K');
  serve();
}

/** Who follows output. */
export const followers = createFollowers();

export function serve(): void {
  handlers = agentHandlers({
    store: rig.store,
    scheduler: rig.scheduler,
    followers,
    system: rig.system,
    settings: SETTINGS,
    authenticateCluster(name, secret) {
      const cluster = rig.scheduler.registry.get(name);
      if (cluster === null || secret !== `${name} secret`) throw new RainbowError('unauthenticated', 'request denied');
      return cluster;
    },
    log: { ...silentLog, warn: (details, message) => void warned.push({ ...details, message }) },
  });
}

export function agentOf(cluster = 'K', more: Partial<FakeAgentOptions> = {}): FakeAgent {
  return fakeAgent(handlers, { cluster, startedAt: rig.system.clock.now(), ...more });
}

export async function connected(cluster = 'K', more: Partial<FakeAgentOptions> = {}): Promise<FakeAgent> {
  const agent = agentOf(cluster, more);
  agent.connect();
  await rig.system.settle();
  if (agent.over !== null) throw agent.over.error;
  return agent;
}

export const state = async (id: JobId): Promise<string> => (await rig.job(id)).state;
export const settle = () => rig.system.settle();
export const cancel = (id: JobId) => rig.scheduler.cancel(id, { code: 'user', message: 'enough' });

/** To that state, by reports. */
export async function brought(
  agent: FakeAgent,
  to: 'received' | 'accepted' | 'running',
  job = coresJob({}),
): Promise<JobRecord> {
  const submitted = (await rig.submit(job)).job;
  await settle();
  if (to !== 'received') agent.report(submitted.id, 1, 'accepted');
  if (to === 'running') agent.report(submitted.id, 1, 'running');
  await settle();
  if ((await state(submitted.id)) !== to) throw new Error(`job ${submitted.id} is not ${to}`);
  return await rig.job(submitted.id);
}

/** Keeps an agent that does nothing else alive. */
export async function pass(agent: FakeAgent, seconds: number): Promise<void> {
  for (let s = 0; s < seconds; s += 5) {
    agent.heartbeat();
    await rig.system.advance(5_000);
  }
}
