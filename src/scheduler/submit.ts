/**
 * Submit: which clusters are meant by the names → ask those that fit for bids, where the policy wants them → match all
 * candidates → decide → take the capacity → one transaction with job, outcome and decision → wake the cluster. The
 * capacity is given back where the write fails or where the idempotency key had been used. What is to wait for something
 * (submit-waits.ts), and an array, is only matched: whether it can ever run; who decides on it later is the cycle.
 */
import { RainbowError } from '../core/errors.ts';
import { WAITS } from '../core/job/waits.ts';
import type { ClusterRef, Store } from '../store/store.ts';
import type { Clock } from '../system/system.ts';
import { waitingFor } from './cycle.ts';
import { latestStart } from './deadlines.ts';
import { factsOf } from './bidding/facts.ts';
import type { Follow } from './bidding/follow.ts';
import type { Gather, Gathered } from './bidding/gather.ts';
import type { Debits, Reservation } from './debits.ts';
import { writeDecision } from './decision-record.ts';
import type { Notices } from './notices.ts';
import type { Placement, Placing } from './placing.ts';
import type { InnerRegistry } from './registry.ts';
import type { DecisionRecord, Submission, Submitted } from './scheduler.ts';
import { questionOf } from './question.ts';
import { whatItWaitsFor, type Waiting } from './submit-waits.ts';

/** Each try but the first means that the chosen cluster was deleted in between. */
const TRIES = 3;

export interface SubmitDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly placing: Placing;
  readonly gather: Gather;
  readonly follow: Follow;
  readonly debits: Debits;
  readonly notices: Notices;
  readonly registry: Pick<InnerRegistry, 'get' | 'isStill' | 'follow'>;
  /** Does the store run calls in the order in which they are made, those of one turn in one commit? */
  readonly inOrder: boolean;
  /** Seconds, where the jobspec gives none. */
  readonly defaultWalltime: number;
  readonly wakeCycle: () => void;
  readonly wakeChores: () => void;
}

const NONE: ReadonlyMap<string, string> = new Map();

interface Candidate {
  readonly name: string;
  /** Null where there was none of that name when the submit came: it fits nothing. */
  readonly cluster: ClusterRef | null;
}

export function createSubmit(deps: SubmitDependencies): (submission: Submission) => Promise<Submitted> {
  const { store, placing, debits, registry } = deps;

  const stands = ({ name, cluster }: Candidate): boolean =>
    cluster === null ? registry.get(name) === null : registry.isStill(cluster);

  const attempt = async (
    submission: Submission,
    candidates: readonly Candidate[],
    waiting: Waiting | null,
    gathered: Gathered | null,
  ): Promise<Submitted> => {
    const {
      parsed,
      storeRejected,
      array = null,
      hold: _hold,
      dependencies: _dependencies,
      notes: _notes,
      ...job
    } = submission;
    const meant = candidates.flatMap(({ cluster }) => (cluster === null ? [] : [cluster]));
    // A namesake that has come since the first try is not one of them.
    const now = candidates.filter(stands);
    const walltime = parsed.walltime ?? deps.defaultWalltime;
    const at = deps.clock.now();
    // 1. Decide, and take what it needs before anybody else is asked.
    const { decision: taken, outcome: decided } = placing.decide({
      jobspec: parsed,
      text: submission.jobspec,
      owner: submission.owner,
      candidates: now.map(({ name }) => name),
      policy: submission.policy,
      policyOptions: submission.policyOptions,
      excluded: NONE,
      overcommit: submission.overcommit ?? null,
      job: factsOf(submission, walltime, at),
      notes: submission.notes ?? [],
      gathered,
    });
    const outcome = outcomeOf(decided, submission, waiting);
    const decision = toldOf(taken, decided, array === null ? outcome : unassigned(outcome));
    if (!storeRejected && outcome.state !== 'assigned') return { job: null, array: null, created: false, decision };
    const stored = {
      ...job,
      candidates: meant,
      walltime,
      at,
      question: questionOf(submission, meant),
      startBy: latestStart(submission, parsed.walltime),
      waits: waiting?.waits ?? 0,
      dependencies: waiting?.dependencies ?? [],
      decision: writeDecision(decision),
    };
    if (array !== null) {
      const written = await store.arrays.submit({ ...stored, ...array, outcome: unassigned(outcome) });
      if (written.created) {
        deps.wakeCycle();
        deps.wakeChores();
      }
      return { ...written, decision };
    }
    let reservation: Reservation | null = null;
    if (outcome.state === 'assigned') reservation = placing.reserve(outcome.cluster.name, parsed, job);
    // 2. Write.
    try {
      const writing = store.jobs.submit({
        ...stored,
        outcome: outcome.state === 'assigned' ? { ...outcome, allocation: reservation?.allocation ?? null } : outcome,
      });
      // Its agent takes it over in the same commit, not in another one behind it.
      if (outcome.state === 'assigned' && deps.inOrder) deps.notices.notify(outcome.cluster.name, { kind: 'coming' });
      const written = await writing;
      // 3. Memory, then whoever waits for it.
      if (reservation !== null) {
        if (written.created) {
          if (debits.bind(reservation, written.job)) deps.follow.assigned(written.job, decision);
        } else {
          debits.release(reservation);
        }
      }
      if (written.created && outcome.state === 'assigned')
        deps.notices.notify(outcome.cluster.name, { kind: 'assigned', jobId: written.job.id });
      // What it depends on ended while it was being stored.
      if (written.created && (written.job.waits & WAITS.settle) !== 0) deps.wakeChores();
      const earlier = written.job.array === null ? null : await store.arrays.get(written.job.array.id);
      return earlier === null
        ? { ...written, array: null, decision }
        : { job: null, array: earlier, created: written.created, decision };
    } catch (error) {
      if (reservation !== null) debits.release(reservation);
      if (isLostRace(error) && outcome.state === 'assigned') await registry.follow(outcome.cluster.name);
      throw error;
    }
  };

  const gather = (submission: Submission, candidates: readonly Candidate[]): Promise<Gathered | null> => {
    const { jobspec, parsed, owner, priority, policy, policyOptions, bidding = null } = submission;
    return deps.gather.forSubmit({
      jobspec,
      parsed,
      owner,
      walltime: parsed.walltime ?? deps.defaultWalltime,
      priority,
      policy,
      policyOptions,
      bidding,
      candidates: candidates.map(({ name }) => name),
    });
  };

  return async (submission) => {
    const candidates = [...new Set(submission.candidates)].map((name): Candidate => {
      const cluster = registry.get(name);
      return { name, cluster: cluster === null ? null : { name, id: cluster.id } };
    });
    const waiting = await whatItWaitsFor(store, submission, deps.clock.now());
    // What they offer, before anything is taken: the decision looks at everything anew when the answers are there.
    const gathered =
      waiting === null && (submission.array ?? null) === null ? await gather(submission, candidates) : null;
    for (let tries = 1; ; tries++) {
      try {
        return await attempt(submission, candidates, waiting, gathered);
      } catch (error) {
        if (!isLostRace(error) || tries === TRIES || !candidates.some(stands)) throw error;
      }
    }
  };
}

type Outcome = Placement['outcome'] | { readonly state: 'canceled'; readonly reason: Placement['outcome']['reason'] };

/** What it waits for comes before where it would go, but not before that it can never run. */
function outcomeOf(decided: Placement['outcome'], submission: Submission, waiting: Waiting | null): Outcome {
  if (waiting?.never === true) return { state: 'canceled', reason: waiting.reason };
  const later = submission.later ?? null;
  if (decided.state === 'rejected' && later === null) return decided;
  if (waiting !== null) return { state: 'pending', reason: waiting.reason };
  return decided.state === 'assigned' ? decided : { state: 'pending', reason: waitingFor(decided) };
}

/** Tasks are decided one by one, by the cycle. */
function unassigned(outcome: Outcome): Exclude<Outcome, { readonly state: 'assigned' }> {
  return outcome.state === 'assigned' ? { state: 'pending', reason: { code: 'submitted', message: '' } } : outcome;
}

/** What was only matched chose nothing: that is what is recorded, shown, and passed over by a replay. */
function toldOf(decision: DecisionRecord, decided: Placement['outcome'], outcome: Outcome): DecisionRecord {
  if (decided.state !== 'assigned' || outcome.state === 'assigned') return decision;
  const { reason } = outcome;
  const message = reason.code === 'submitted' ? 'the tasks of an array are decided one by one' : reason.message;
  return { ...decision, chosen: null, reason: { ...reason, message } };
}

function isLostRace(error: unknown): boolean {
  return error instanceof RainbowError && error.code === 'aborted';
}
