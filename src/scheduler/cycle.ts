/**
 * Decides what is pending, in this order: highest priority first, then first come; a job that cannot be placed never
 * keeps the next from being looked at. Each pass:
 *   1. reads a page of pending jobs, and of those that came back before, who gave them back;
 *   2. decides each, in order, and takes its capacity at once, so that each sees what the ones before it took;
 *   3. writes what came out, together, so that the writes share a commit; goes on with the next page.
 * Runs when it is woken (a job came back, something fell free, a cluster was registered or changed) and, slowly, by
 * itself. Of a job that stays pending only another reason is written, once. Jobs that wait for something else
 * (core/job/waits.ts) are not among those read.
 */
import { askedEnd } from '../core/job/asked-end.ts';
import type { Reason } from '../core/job/state.ts';
import type {
  AttemptRecord,
  ClusterRef,
  GroupRecord,
  GroupStore,
  JobRecord,
  JobStore,
  KnownQuestion,
  Transition,
} from '../store/store.ts';
import type { System, Timer } from '../system/system.ts';
import { factsOf } from './bidding/facts.ts';
import type { Follow } from './bidding/follow.ts';
import type { Gather } from './bidding/gather.ts';
import type { Debits, Reservation } from './debits.ts';
import { tooLate } from './deadlines.ts';
import { writeDecision } from './decision-record.ts';
import type { Jobspecs } from './jobspecs.ts';
import { laterClusters } from './later.ts';
import type { Log } from './log.ts';
import type { Moves } from './moves.ts';
import type { Placing } from './placing.ts';
import type { DecisionRecord } from './scheduler.ts';
import { noRefusals, readRefusals, type Refusals } from './refusals.ts';
import { notRetrying, readRetrying, type Retrying } from './retry.ts';
import type { InnerRegistry } from './registry.ts';
import type { SchedulerSettings } from './settings.ts';

/** Jobs decided and written together. */
const PAGE = 256;
/** Answers that the store is told of, to pass over those who know them. The newest; each costs a comparison a row. */
const KNOWN = 32;

export interface Cycle {
  start(): void;
  stop(): Promise<void>;
  wake(): void;
  /** Something fell free somewhere: what did not fit may fit now. */
  freed(): void;
}

export interface CycleDependencies {
  readonly jobs: Pick<JobStore, 'pending' | 'attempts' | 'changeReason'>;
  readonly groups: Pick<GroupStore, 'list'>;
  readonly system: System;
  readonly settings: SchedulerSettings;
  readonly placing: Placing;
  readonly gather: Gather;
  readonly follow: Follow;
  readonly jobspecs: Jobspecs;
  readonly debits: Debits;
  readonly registry: InnerRegistry;
  readonly moves: Moves;
  /** Jobs may wait at clusters whose sessions nobody woke: another server assigned them. */
  readonly remind: () => Promise<void>;
  readonly log: Log;
}

/** What a job's earlier attempts mean for the next. */
interface Past {
  readonly refusals: Refusals;
  readonly retrying: Retrying;
  /** Null: this is the first. */
  readonly last: AttemptRecord | null;
}

const noPast: Past = { refusals: noRefusals, retrying: notRetrying, last: null };

/** What a decision came to: nothing, another reason to wait, or a write with the capacity that it took. */
type Step =
  | { readonly change: Transition; readonly reservation: Reservation | null; readonly decision: DecisionRecord | null }
  | { readonly waits: JobRecord; readonly reason: Reason }
  | null;

export function createCycle(deps: CycleDependencies): Cycle {
  const { placing, settings, moves } = deps;
  const now = (): number => deps.system.clock.now();
  let running: Promise<void> | null = null;
  let asked = false;
  let stopped = true;
  let timer: Timer | null = null;
  /** For the first retry that may begin. */
  let alarm: { readonly at: number; readonly timer: Timer } | null = null;
  /** Equal questions that found no place since something last fell free. */
  const stuck = new Map<string, Reason>();

  const decide = (job: JobRecord, { refusals, retrying, last }: Past, groups: readonly GroupRecord[]): Step => {
    if (job.cancelRequestedAt !== null) {
      const { to, reason } = askedEnd(job, '');
      return step(job, to, reason);
    }
    const late = tooLate(job, now());
    if (late !== null) return step(job, 'failed', late);
    if (retrying.notBefore > now()) {
      wakeAt(retrying.notBefore);
      return null;
    }
    const { jobspec, error } = deps.jobspecs.read(job);
    if (jobspec === null) {
      const message = `its jobspec can no longer be read (${error}): submit it again in a form that this server reads`;
      return step(job, 'failed', { code: 'cannot_start', message });
    }
    const still = candidatesOf(job, groups).filter(({ name }) => retrying.only === null || name === retrying.only);
    if (still.length === 0 && job.later === null) {
      const message = 'none of the clusters that it may use is registered any more';
      return step(job, 'canceled', { code: 'cluster_deleted', message });
    }
    const candidates = still.map(({ name }) => name);
    const { owner, policy, policyOptions, overcommit } = job;
    const question = { jobspec, text: job.jobspec, owner, candidates, policy, policyOptions, overcommit };
    const key = last === null ? job.question : null;
    const known = key === null ? undefined : stuck.get(key);
    if (known !== undefined) return waiting(job, known);
    // What waits for bids is passed over; it wakes the cycle when they are there.
    const gathered = deps.gather.forPending(job.id, { ...job, candidates, parsed: jobspec }, wake);
    if (gathered === 'awaited') return null;
    const { decision, outcome } = placing.decide({
      ...question,
      excluded: new Map([...refusals.excluded, ...retrying.barred]),
      job: factsOf(job, job.walltime, job.submittedAt),
      gathered,
    });
    if (outcome.state === 'assigned') {
      const reservation = placing.reserve(outcome.cluster.name, jobspec, job);
      const { cluster } = outcome;
      const { allocation } = reservation;
      const more = { cluster, allocation, decision: writeDecision(decision) };
      return step(job, 'assigned', outcome.reason, more, reservation, decision);
    }
    if (outcome.state === 'rejected' && job.later === null) {
      return step(job, 'rejected', outcome.reason, { decision: writeDecision(decision) });
    }
    const able = decision.candidates.filter(({ satisfiable }) => satisfiable.fits !== 'no');
    const open = able.filter(({ cluster }) => !retrying.barred.has(cluster));
    if (open.length === 0 && able.length > 0 && last !== null && retrying.barred.size > 0) {
      const message = `${last.reason.message}; no other cluster can hold it, to try it again`;
      return step(job, 'failed', { code: last.reason.code, message }, { decision: writeDecision(decision) });
    }
    const refusal = [...refusals.refused].at(-1);
    if (refusal !== undefined && open.every(({ cluster }) => isRefused(job, refusals, cluster))) {
      const message = `every cluster that could hold it refused it; ${refusal[0]}: ${refusal[1].message}`;
      return step(job, 'failed', { code: 'refused', message }, { decision: writeDecision(decision) });
    }
    const reason = waitingFor(outcome);
    if (key !== null) stuck.set(key, reason);
    return waiting(job, reason);
  };

  const waiting = (job: JobRecord, reason: Reason): Step =>
    job.reason.code === reason.code && job.reason.message === reason.message ? null : { waits: job, reason };

  /** By id, never by name or time: a later cluster of that name is another one, with another token. */
  const candidatesOf = (job: JobRecord, groups: readonly GroupRecord[]): readonly ClusterRef[] => {
    const still = job.candidates.filter((cluster) => deps.registry.isStill(cluster));
    if (job.later === null) return still;
    const later = laterClusters(job.later, groups, deps.registry.list());
    const known = new Set(still.map(({ id }) => id));
    return [...still, ...later.filter(({ id }) => !known.has(id)).map(({ name, id }) => ({ name, id }))];
  };

  const step = (
    job: JobRecord,
    to: Transition['to'],
    reason: Reason,
    more: Partial<Transition> = {},
    reservation: Reservation | null = null,
    decision: DecisionRecord | null = null,
  ): Step => {
    const at = now();
    const ends = to === 'assigned' ? {} : { endedAt: at };
    return {
      change: { ...more, ...ends, id: job.id, from: ['pending'], epoch: job.epoch, to, reason, at },
      reservation,
      decision,
    };
  };

  const write = async (step: NonNullable<Step>): Promise<void> => {
    if ('waits' in step) {
      await deps.jobs.changeReason(step.waits.id, step.waits.epoch, step.reason, now());
      return;
    }
    const { change, reservation, decision } = step;
    try {
      const result = await moves.transition(change);
      if (reservation === null) return;
      if (result.done) {
        const isBound = deps.debits.bind(reservation, result.job);
        if (isBound && decision !== null) deps.follow.assigned(result.job, decision);
        return;
      }
      // Pending as before, and yet not written: the chosen cluster is gone from the store.
      const { cluster } = change;
      if (result.job?.state === 'pending' && cluster !== undefined) await deps.registry.follow(cluster.name);
      deps.debits.release(reservation);
    } catch (error) {
      if (reservation !== null) deps.debits.release(reservation);
      throw error;
    }
  };

  const pass = async (): Promise<void> => {
    let after: { readonly priority: number; readonly id: string } | null = null;
    for (;;) {
      const page = await deps.jobs.pending(PAGE, after, knownOf(stuck));
      if (stopped || page.length === 0) return;
      const pasts = await Promise.all(page.map(pastOf));
      const groups = page.some(({ later }) => later !== null) ? await deps.groups.list() : [];
      if (stopped) return;
      const writes: Promise<void>[] = [];
      page.forEach((job, place) => {
        const decided = decideSafely(job, pasts[place] ?? noPast, groups);
        if (decided !== null) writes.push(write(decided));
      });
      for (const result of await Promise.allSettled(writes)) {
        if (result.status === 'rejected') throw result.reason;
      }
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      after = { priority: last.priority, id: last.id };
    }
  };

  const pastOf = async (job: JobRecord): Promise<Past> => {
    if (job.epoch === 1) return noPast;
    const attempts = await deps.jobs.attempts(job.id);
    const refusals = readRefusals(attempts, now(), settings.refusalBackoff);
    return { refusals, retrying: readRetrying(job, attempts), last: attempts.at(-2) ?? null };
  };

  const decideSafely = (job: JobRecord, past: Past, groups: readonly GroupRecord[]): Step => {
    try {
      return decide(job, past, groups);
    } catch (error) {
      // A policy that cannot be applied any more (its name or options were dropped): the job waits, the others do not.
      deps.log.error({ job: job.id, error: String(error) }, 'this pending job could not be decided');
      return null;
    }
  };

  const wakeAt = (at: number): void => {
    if (stopped || (alarm !== null && alarm.at <= at)) return;
    alarm?.timer.cancel();
    const timer = deps.system.timers.after(Math.max(1, at - now()), () => {
      alarm = null;
      wake();
    });
    alarm = { at, timer };
  };

  const mustRun = (): boolean => asked && !stopped;
  const run = async (): Promise<void> => {
    while (mustRun()) {
      asked = false;
      await pass().catch((error: unknown) => {
        deps.log.warn(
          { error: error instanceof Error ? error.message : String(error) },
          'a pass over what is pending failed',
        );
        asked = false; // The store is not well: the timer asks again.
      });
    }
    running = null;
  };

  const wake = (): void => {
    asked = true;
    if (!stopped) running ??= run();
  };

  return {
    wake,
    freed() {
      stuck.clear();
      wake();
    },
    start() {
      stopped = false;
      timer ??= deps.system.timers.every(settings.pollEvery * 1000, () => {
        stuck.clear();
        wake();
        deps.remind().catch((error: unknown) => deps.log.warn({ error: String(error) }, 'a reminder failed'));
      });
      wake();
    },
    async stop() {
      stopped = true;
      timer?.cancel();
      timer = null;
      alarm?.timer.cancel();
      alarm = null;
      await running;
    },
  };
}

/** Has this cluster's answer come often enough to be its last? A policy may try refusals again. */
function isRefused(job: JobRecord, { refused }: Refusals, cluster: string): boolean {
  const { retry } = job.handling;
  const times = refused.get(cluster)?.times ?? 0;
  return times > (retry?.on.includes('refused') === true ? retry.limit : 0);
}

function knownOf(stuck: ReadonlyMap<string, Reason>): readonly KnownQuestion[] {
  return [...stuck].slice(-KNOWN).map(([question, reason]) => ({ question, reason }));
}

/** Of what waits for a cluster, that no cluster can ever hold it is said of those of today. */
export function waitingFor(outcome: { readonly state: 'pending' | 'rejected'; readonly reason: Reason }): Reason {
  if (outcome.state === 'pending') return outcome.reason;
  return {
    code: 'waiting_for_cluster',
    message: outcome.reason.message.replace('can ever hold it', 'can hold it today'),
  };
}
