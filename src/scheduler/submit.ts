/**
 * Submit: match all candidates → decide → take the capacity → one transaction with job, outcome and decision → wake
 * the cluster. The capacity is given back where the write fails or where the idempotency key had been used.
 */
import { RainbowError } from '../core/errors.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../system/system.ts';
import type { Debits, Reservation } from './debits.ts';
import { writeDecision } from './decision-record.ts';
import type { Notices } from './notices.ts';
import type { Placing } from './placing.ts';
import type { Submission, Submitted } from './scheduler.ts';

/** Each try but the first means that the chosen cluster was deleted in between. */
const TRIES = 3;

export interface SubmitDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly placing: Placing;
  readonly debits: Debits;
  readonly notices: Notices;
  /** The cluster may be gone: look. */
  readonly refresh: (cluster: string) => Promise<void>;
  /** Seconds, where the jobspec gives none. */
  readonly defaultWalltime: number;
}

export function createSubmit(deps: SubmitDependencies): (submission: Submission) => Promise<Submitted> {
  const { store, placing, debits } = deps;

  const attempt = async (submission: Submission): Promise<Submitted> => {
    const { parsed, storeRejected, ...job } = submission;
    const candidates = [...new Set(submission.candidates)];
    // 1. Decide, and take what it needs before anybody else is asked.
    const { decision, outcome } = placing.decide({ ...submission, jobspec: parsed, candidates, excluded: new Map() });
    if (!storeRejected && outcome.state !== 'assigned') return { job: null, created: false, decision };
    let reservation: Reservation | null = null;
    if (outcome.state === 'assigned') reservation = placing.reserve(outcome.cluster, parsed, job);
    // 2. Write.
    try {
      const stored = await store.jobs.submit({
        ...job,
        candidates,
        walltime: parsed.walltime ?? deps.defaultWalltime,
        at: deps.clock.now(),
        outcome: outcome.state === 'assigned' ? { ...outcome, allocation: reservation?.allocation ?? null } : outcome,
        decision: writeDecision(decision),
      });
      // 3. Memory, then whoever waits for it.
      if (reservation !== null) {
        if (stored.created) debits.bind(reservation, stored.job);
        else debits.release(reservation);
      }
      if (stored.created && outcome.state === 'assigned') deps.notices.notify(outcome.cluster, { kind: 'assigned' });
      return { ...stored, decision };
    } catch (error) {
      if (reservation !== null) debits.release(reservation);
      if (isLostRace(error) && outcome.state === 'assigned') await deps.refresh(outcome.cluster);
      throw error;
    }
  };

  return async (submission) => {
    for (let tries = 1; ; tries++) {
      try {
        return await attempt(submission);
      } catch (error) {
        if (!isLostRace(error) || tries === TRIES) throw error;
      }
    }
  };
}

function isLostRace(error: unknown): boolean {
  return error instanceof RainbowError && error.code === 'aborted';
}
