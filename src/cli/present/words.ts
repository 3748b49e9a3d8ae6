/**
 * The wire's enumerations as words. Kept apart from the generated code, which takes a while to load and is only
 * needed once a call is made; words.test.ts compares both, number by number.
 */
/* oxlint-disable typescript/no-unsafe-enum-assignment -- positions are the numbers, as words.test.ts shows */
import { JOB_STATES, type JobState, type OnClusterLoss } from '../../core/job/state.ts';
import { DEPENDENCY_KINDS, type DependencyKind } from '../../core/job/waits.ts';
import type {
  DependencyKind as WireDependency,
  Fits,
  JobState as WireState,
  OnClusterLoss as WireLoss,
  WhenBusy as WireBusy,
} from '../../gen/rainbow/v1/job_pb.js';
import type { JobOrder, OutputStream } from '../../gen/rainbow/v1/jobs_pb.js';

export const ON_CLUSTER_LOSS = ['wait', 'requeue', 'fail', 'duplicate'] as const satisfies readonly OnClusterLoss[];
export const FITS = ['yes', 'no', 'unknown'] as const;
export const WHEN_BUSY = ['queue', 'wait'] as const;
export const ORDERS = ['submitted', 'priority', 'ended'] as const;
export const STREAMS = ['stdout', 'stderr'] as const;

function word<T extends string>(words: readonly T[], value: number): T | null {
  return words[value - 1] ?? null;
}

export const stateWord = (state: WireState): JobState | null => word(JOB_STATES, state);
export const stateNumber = (state: JobState): WireState => JOB_STATES.indexOf(state) + 1;
export const lossWord = (loss: WireLoss): OnClusterLoss | null => word(ON_CLUSTER_LOSS, loss);
/** Nothing said is 0: the server's own default. */
export const lossNumber = (loss: OnClusterLoss | undefined): WireLoss =>
  loss === undefined ? 0 : ON_CLUSTER_LOSS.indexOf(loss) + 1;
export const fitsWord = (fits: Fits): (typeof FITS)[number] | null => word(FITS, fits);
export const streamWord = (stream: OutputStream): (typeof STREAMS)[number] | null => word(STREAMS, stream);
export const dependencyWord = (kind: WireDependency): DependencyKind | null => word(DEPENDENCY_KINDS, kind);
export const dependencyNumber = (kind: DependencyKind): WireDependency => DEPENDENCY_KINDS.indexOf(kind) + 1;
export const busyWord = (when: WireBusy): (typeof WHEN_BUSY)[number] | null => word(WHEN_BUSY, when);
/** Nothing said is 0: as the server is set. */
export const busyNumber = (when: (typeof WHEN_BUSY)[number] | undefined): WireBusy =>
  when === undefined ? 0 : WHEN_BUSY.indexOf(when) + 1;
export const orderNumber = (order: (typeof ORDERS)[number] | undefined): JobOrder =>
  order === undefined ? 0 : ORDERS.indexOf(order) + 1;
