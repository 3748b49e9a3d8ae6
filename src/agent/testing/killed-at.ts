/**
 * For tests: an agent is killed with SIGKILL at each of the points that are given, another takes over. What the job
 * itself wrote down says how often it was started.
 */
import { JobState } from '../../gen/rainbow/v1/job_pb.js';
import type { Sentinel } from '../sentinels.ts';
import type { AgentRig, Here } from './rig.ts';

/** Agents wait more than they work: so many at once. */
const AT_ONCE = 5;

export interface Killing {
  /** The cluster for one point. */
  readonly cluster: (point: Sentinel) => Promise<Here>;
  /** Its runner discovers what it is, which is waited for before a job is submitted. */
  readonly isFollowed?: boolean;
  /** Looked at besides, once the job `id` has ended and before the second agent does. */
  readonly more?: (here: Here, id: string, point: Sentinel) => Promise<void>;
}

/** What was seen of one point. */
export interface Survived {
  readonly point: Sentinel;
  /** What the first agent ended by. */
  readonly killed: unknown;
  readonly state: string | undefined;
  readonly exitCode: number | undefined;
  /** What the job itself wrote: once for each start. */
  readonly log: string;
  readonly stdout: string;
  /** How often its end was told. */
  readonly ends: number;
  /** Why the second agent ended; null: it was asked to. */
  readonly stopped: unknown;
}

/** As it must be: one start, one end. */
export const startedOnce = (point: Sentinel): Survived => ({
  point,
  killed: 'SIGKILL',
  state: 'FAILED',
  exitCode: 3,
  log: 'started\n',
  stdout: 'said\n',
  ends: 1,
  stopped: null,
});

/** One entry a point, in their order. */
export async function killedAt(
  rig: AgentRig,
  points: readonly Sentinel[],
  { cluster, isFollowed = false, more }: Killing,
): Promise<readonly Survived[]> {
  const survive = async (point: Sentinel): Promise<Survived> => {
    const here = await cluster(point);
    const first = rig.agentProcess(here, point);
    if (isFollowed) await rig.followed(here);
    const id = await rig.submit(here, 'echo started >> $SCRATCH/log; sleep 0.2; echo said; exit 3');
    const killed = await first.ended;
    const second = rig.agent(here);
    const { state, exitCode } = await rig.ended(id);
    const { stdout } = await rig.output(id);
    const ends = (await rig.events(id)).filter(({ kind }) => kind === 'failed').length;
    await more?.(here, id, point);
    const log = await rig.log(here);
    return { point, killed, state: JobState[state], exitCode, log, stdout, ends, stopped: await second.stop() };
  };
  const survived = new Map<Sentinel, Survived>();
  const left = [...points];
  const worker = async (): Promise<void> => {
    for (let point = left.shift(); point !== undefined; point = left.shift()) {
      survived.set(point, await survive(point));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return points.flatMap((point) => survived.get(point) ?? []);
}
