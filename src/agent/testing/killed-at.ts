/**
 * For tests: an agent is killed with SIGKILL at each of the points that are given, another takes over, and what the
 * job itself wrote down says that it was started once, with one end, told once.
 */
import { expect } from 'vitest';
import { JobState } from '../../gen/rainbow/v1/job_pb.js';
import type { Sentinel } from '../sentinels.ts';
import type { AgentRig, Here } from './rig.ts';

/** Agents wait more than they work: so many at once. */
const AT_ONCE = 5;

export interface Killed {
  /** The cluster for one point. */
  readonly cluster: (point: Sentinel) => Promise<Here>;
  /** Its runner discovers what it is, which is waited for before a job is submitted. */
  readonly isFollowed?: boolean;
  /** What else must hold once the job `id` has ended, and before the second agent ends. */
  readonly more?: (here: Here, id: string, point: Sentinel) => Promise<void>;
}

export async function killedAt(rig: AgentRig, points: readonly Sentinel[], killed: Killed): Promise<void> {
  const { cluster, isFollowed = false, more } = killed;
  const check = async (point: Sentinel): Promise<void> => {
    const at = `at ${point}`;
    const here = await cluster(point);
    const first = rig.agentProcess(here, point);
    if (isFollowed) await rig.followed(here);
    const id = await rig.submit(here, 'echo started >> $SCRATCH/log; sleep 0.2; echo said; exit 3');
    expect(await first.ended, at).toBe('SIGKILL');
    const second = rig.agent(here);
    expect(await rig.ended(id), at).toMatchObject({ state: JobState.FAILED, exitCode: 3 });
    expect(await rig.log(here), at).toBe('started\n');
    expect((await rig.output(id)).stdout, at).toBe('said\n');
    const finals = (await rig.events(id)).filter(({ kind }) => kind === 'failed');
    expect(finals, at).toHaveLength(1);
    await more?.(here, id, point);
    expect(await second.stop(), at).toBeNull();
  };
  const left = [...points];
  const worker = async (): Promise<void> => {
    for (let point = left.shift(); point !== undefined; point = left.shift()) await check(point);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
