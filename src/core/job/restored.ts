/**
 * Jobs of a store that was put back to an earlier state: which report shows that a cluster has had one since. Pure.
 * Epochs come from the store alone, so an agent that holds a newer one was given it by the state that was lost.
 */
import type { JobState, Reason } from './state.ts';

/** The reason of a job that may have gone on in the state that was lost. */
export const RESTORED = 'restored' satisfies Reason['code'];

/** Attempts of one job that can have been lost; an agent that tells of more is not believed. */
const MOST_ATTEMPTS = 1000;

/** `cluster`: whose agent tells that it holds the job under `epoch`. */
export function mayBeAdopted(
  job: {
    readonly state: JobState;
    readonly reason: Reason;
    readonly epoch: number;
    readonly clusterId: number | null;
    readonly candidates: readonly { readonly id: number }[];
  },
  epoch: number,
  clusterId: number,
): boolean {
  if (job.reason.code !== RESTORED || (job.state !== 'pending' && job.state !== 'unknown')) return false;
  // Where it was anyway: an ordinary report.
  if (job.state === 'unknown' && job.clusterId === clusterId && job.epoch === epoch) return false;
  if (epoch < job.epoch || epoch > job.epoch + MOST_ATTEMPTS) return false;
  return job.clusterId === clusterId || job.candidates.some(({ id }) => id === clusterId);
}
