/**
 * Every write of a job's state after its submit: the conditional write first, then memory (debits), then wake-ups.
 * A job that comes back to pending although somebody asked to cancel it is canceled instead of placed again.
 */
import { askedEnd, type AskedEnd } from '../core/job/asked-end.ts';
import { isPolled } from '../core/job/polled.ts';
import { HELD_STATES, isFinal, type JobState, type Reason } from '../core/job/state.ts';
import type {
  Adoption,
  ClusterRef,
  JobId,
  JobRecord,
  Outrun,
  Store,
  Transition,
  TransitionResult,
} from '../store/store.ts';
import type { Clock } from '../system/system.ts';
import type { Debits } from './debits.ts';
import type { Notices } from './notices.ts';
import { retryInstead } from './retry.ts';

export interface Moves {
  transition(change: Transition): Promise<TransitionResult>;
  outrun(end: Outrun): Promise<TransitionResult>;
  adopt(adoption: Adoption): Promise<TransitionResult>;
  receive(
    cluster: ClusterRef,
    limit: number,
    leaseMs: number | null,
    stream?: string | null,
  ): Promise<readonly JobRecord[]>;
  receiveThese(
    cluster: ClusterRef,
    jobs: readonly { readonly id: JobId; readonly epoch: number }[],
    stream?: string | null,
  ): Promise<readonly JobRecord[]>;
  returnExpired(limit: number): Promise<readonly JobRecord[]>;
  cancel(id: JobId, reason: Reason): Promise<JobRecord | null>;
  /** Whoever runs another attempt of this ended job here is told to stop. */
  stopOthers(job: JobRecord): Promise<void>;
}

export interface MoveDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly debits: Debits;
  readonly notices: Notices;
  readonly wakeCycle: () => void;
  /** Something ended, began or came back that others wait for. */
  readonly wakeChores: () => void;
  /** Could a cluster that is none of these take it? */
  readonly hasAlternative: (job: JobRecord, but: readonly string[]) => boolean;
  /** After every write. */
  readonly followed: (job: JobRecord) => void;
}

/** Lost races in a row before a cancel gives up; each means that the job moved in between. */
const TRIES = 20;

export function createMoves(deps: MoveDependencies): Moves {
  const { store, clock, debits, notices } = deps;

  const written = async (job: JobRecord): Promise<JobRecord> => {
    debits.sync(job);
    deps.followed(job);
    if (job.state === 'assigned' && job.cluster !== null) notices.notify(job.cluster, { kind: 'assigned' });
    if (job.dependedOn && (isFinal(job.state) || ['running', 'pending'].includes(job.state))) deps.wakeChores();
    if (isFinal(job.state)) {
      if (job.array !== null) {
        // Its place may have gone to the next task; and others may depend on the array.
        deps.wakeCycle();
        deps.wakeChores();
      }
      if (job.onClusterLoss === 'duplicate' && job.epoch > 1) await stopOthers(job);
    }
    if (job.state !== 'pending') return job;
    if (job.cancelRequestedAt === null) {
      deps.wakeCycle();
      return job;
    }
    const ended = await transition(askedFor(job, askedEnd(job, 'canceled when its cluster gave it back')));
    return ended.job ?? job;
  };

  /** A hint, as all notices are: an agent that is away is told when it says what it holds. */
  const stopOthers = async (job: JobRecord): Promise<void> => {
    const ended = job.endedBy ?? job.epoch;
    for (const { epoch, cluster, reason } of await store.jobs.attempts(job.id)) {
      if (epoch === ended || cluster === null || reason.code !== 'duplicated') continue;
      const message = `attempt ${ended} ended the job first`;
      notices.notify(cluster, { kind: 'stop', jobId: job.id, epoch, reason: { code: 'duplicated', message } });
    }
  };

  const askedFor = (job: JobRecord, { to, reason }: AskedEnd): Transition => {
    const at = clock.now();
    return { id: job.id, from: [job.state], epoch: job.epoch, to, reason, at, endedAt: at };
  };

  /** Of a failure: a new attempt instead, where the job's policy says so. It is the same for one job and epoch. */
  const retried = async (change: Transition): Promise<Transition> => {
    const job = await store.jobs.get(change.id);
    if (job?.handling.retry === undefined) return change;
    return retryInstead(job, await store.jobs.attempts(job.id), change, deps.hasAlternative);
  };

  const transition = async (change: Transition): Promise<TransitionResult> => {
    const result = await store.jobs.transition(change.to === 'failed' ? await retried(change) : change);
    return result.done ? { done: true, job: await written(result.job) } : result;
  };

  return {
    transition,

    async outrun(end) {
      const result = await store.jobs.outrun(end);
      return result.done ? { done: true, job: await written(result.job) } : result;
    },

    async adopt(adoption) {
      const result = await store.jobs.adopt(adoption);
      if (!result.done) return result;
      const { job } = result;
      await written(job);
      if (job.cluster !== null) debits.load(job.cluster, [job], 1);
      return { done: true, job };
    },

    stopOthers,

    async receive(cluster, limit, leaseMs, stream = null) {
      const now = clock.now();
      const jobs = await store.jobs.receive(cluster, limit, leaseMs === null ? null : now + leaseMs, now, stream);
      for (const job of jobs) debits.sync(job);
      return jobs;
    },

    async receiveThese(cluster, wanted, stream = null) {
      const jobs = await store.jobs.receiveThese(cluster, wanted, clock.now(), stream);
      for (const job of jobs) debits.sync(job);
      return jobs;
    },

    async returnExpired(limit) {
      const jobs = await store.jobs.returnExpired(clock.now(), limit);
      for (const job of jobs) await written(job);
      return jobs;
    },

    async cancel(id, reason) {
      let job = await store.jobs.get(id);
      for (let tries = 0; job !== null && !isFinal(job.state) && tries < TRIES; tries++) {
        if (isHeld(job) && !isPolled(job)) {
          // An agent holds it: it ends when that agent confirms.
          const asked = await store.jobs.requestCancel(id, reason, clock.now());
          if (asked === null) return null;
          job = asked;
          if (!isHeld(job) || job.cluster === null) continue;
          notices.notify(job.cluster, { kind: 'cancel', job });
          return job;
        }
        const accepted = isHeld(job) && job.state !== 'received';
        const told = accepted ? { code: reason.code, message: untold(job, reason.message) } : reason;
        // Whoever asked first is believed.
        const cancelCode = job.cancelCode ?? (reason.code === 'deadline' ? 'deadline' : 'user');
        const end = askedEnd({ state: job.state, cancelCode }, told.message);
        const isSame = (cancelCode === 'deadline') === (reason.code === 'deadline');
        job = (await transition(askedFor(job, isSame ? { ...end, reason: told } : end))).job;
      }
      return job;
    },
  };
}

function isHeld(job: JobRecord): boolean {
  return (HELD_STATES as readonly JobState[]).includes(job.state);
}

function untold(job: JobRecord, message: string): string {
  const where = `cluster ${job.cluster ?? ''} polls and cannot be told: stop it there by hand if it still runs`;
  return message === '' ? where : `${message}; ${where}`;
}
