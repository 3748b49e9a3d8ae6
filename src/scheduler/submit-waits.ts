/** What a submit asks a job to wait for before anybody decides on it: other jobs, a time, a release. */
import type { Reason } from '../core/job/state.ts';
import { WAITS, waitingReason, type Dependency } from '../core/job/waits.ts';
import type { Store } from '../store/store.ts';
import { resolveDependencies } from './dependencies.ts';
import type { Submission } from './scheduler.ts';

export interface Waiting {
  /** Bits of core/job/waits.ts. */
  readonly waits: number;
  readonly reason: Reason;
  /** Those whose end is not known yet. */
  readonly dependencies: readonly Dependency[];
  /** A dependency can never be met: it is stored as canceled. */
  readonly never: boolean;
}

/** Null: for nothing. */
export async function whatItWaitsFor(
  store: Pick<Store, 'jobs' | 'arrays'>,
  submission: Submission,
  now: number,
): Promise<Waiting | null> {
  const { open, never } = await resolveDependencies(store, submission.dependencies ?? []);
  if (never !== null)
    return { waits: 0, reason: { code: 'dependency', message: never }, dependencies: [], never: true };
  const beginAt = submission.beginAt ?? null;
  const waits =
    (submission.hold === true ? WAITS.held : 0) |
    (open.length > 0 ? WAITS.dependency : 0) |
    (beginAt !== null && beginAt > now ? WAITS.begin : 0);
  const reason = waitingReason(waits, { dependencies: open, beginAt, mostAtOnce: null });
  return reason === null ? null : { waits, reason, dependencies: open, never: false };
}
