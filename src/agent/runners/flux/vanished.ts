/**
 * A native job that Flux does not show any more: how did it end? An instance keeps its jobs when it is started again,
 * as long as it keeps its state; one that answers in its place (a user's instance, started anew) knows none of them.
 * The two are told apart by the broker's id. Nothing is ever submitted again for it: it may have run. Pure.
 */
import type { Reason } from '../../../core/job/state.ts';
import type { NativeEnd } from '../runner.ts';

/** Missing for so long, and so many looks, before anything is concluded from that alone. */
export const LOST_MS = 8_000;
export const LOST_LOOKS = 3;

export function endOfVanished(facts: {
  /** Of the instance that was given it, and that answers now; '' where that is not known. */
  readonly instance: string;
  readonly now: string;
  readonly hasStarted: boolean;
  readonly stop: Reason | null;
}): NativeEnd {
  const { instance, now, hasStarted, stop } = facts;
  if (stop !== null && !hasStarted) return { outcome: 'canceled', reason: stop, exitCode: null, signal: null };
  const reason: Reason =
    instance !== '' && now !== '' && instance !== now
      ? {
          code: 'node_failure',
          message: 'the Flux instance that had it is gone: another one answers, and knows nothing of it',
        }
      : { code: 'native', message: 'it is gone from Flux, which says nothing of its end (purged?)' };
  return { outcome: 'failed', reason, exitCode: null, signal: null };
}
