/**
 * Submit: which clusters are meant by the names → match all candidates → decide → take the capacity → one transaction with job, outcome and decision → wake
 * the cluster. The capacity is given back where the write fails or where the idempotency key had been used.
 */
import { RainbowError } from '../core/errors.ts';
import type { ClusterRef, Store } from '../store/store.ts';
import type { Clock } from '../system/system.ts';
import type { Debits, Reservation } from './debits.ts';
import { writeDecision } from './decision-record.ts';
import type { Notices } from './notices.ts';
import type { Placing } from './placing.ts';
import type { InnerRegistry } from './registry.ts';
import type { Submission, Submitted } from './scheduler.ts';

/** Each try but the first means that the chosen cluster was deleted in between. */
const TRIES = 3;

export interface SubmitDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly placing: Placing;
  readonly debits: Debits;
  readonly notices: Notices;
  readonly registry: Pick<InnerRegistry, 'get' | 'isStill' | 'refresh'>;
  /** Seconds, where the jobspec gives none. */
  readonly defaultWalltime: number;
}

interface Candidate {
  readonly name: string;
  /** Null where there was none of that name when the submit came: it fits nothing. */
  readonly cluster: ClusterRef | null;
}

export function createSubmit(deps: SubmitDependencies): (submission: Submission) => Promise<Submitted> {
  const { store, placing, debits, registry } = deps;

  const stands = ({ name, cluster }: Candidate): boolean =>
    cluster === null ? registry.get(name) === null : registry.isStill(cluster);

  const attempt = async (submission: Submission, candidates: readonly Candidate[]): Promise<Submitted> => {
    const { parsed, storeRejected, ...job } = submission;
    const meant = candidates.flatMap(({ cluster }) => (cluster === null ? [] : [cluster]));
    // A namesake that has come since the first try is not one of them.
    const now = candidates.filter(stands);
    // 1. Decide, and take what it needs before anybody else is asked.
    const { decision, outcome } = placing.decide({
      ...submission,
      jobspec: parsed,
      text: submission.jobspec,
      candidates: now.map(({ name }) => name),
      excluded: new Map(),
    });
    if (!storeRejected && outcome.state !== 'assigned') return { job: null, created: false, decision };
    let reservation: Reservation | null = null;
    if (outcome.state === 'assigned') reservation = placing.reserve(outcome.cluster.name, parsed, job);
    // 2. Write.
    try {
      const stored = await store.jobs.submit({
        ...job,
        candidates: meant,
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
      if (stored.created && outcome.state === 'assigned')
        deps.notices.notify(outcome.cluster.name, { kind: 'assigned' });
      return { ...stored, decision };
    } catch (error) {
      if (reservation !== null) debits.release(reservation);
      if (isLostRace(error) && outcome.state === 'assigned') await registry.refresh(outcome.cluster.name);
      throw error;
    }
  };

  return async (submission) => {
    const candidates = [...new Set(submission.candidates)].map((name): Candidate => {
      const cluster = registry.get(name);
      return { name, cluster: cluster === null ? null : { name, id: cluster.id } };
    });
    for (let tries = 1; ; tries++) {
      try {
        return await attempt(submission, candidates);
      } catch (error) {
        if (!isLostRace(error) || tries === TRIES || !candidates.some(stands)) throw error;
      }
    }
  };
}

function isLostRace(error: unknown): boolean {
  return error instanceof RainbowError && error.code === 'aborted';
}
