/**
 * Decides what is pending, in this order: highest priority first, then first come; a job that cannot be placed never
 * keeps the next from being looked at. Each pass:
 *   1. reads a page of pending jobs, and of those that came back before, who gave them back;
 *   2. decides each, in order, and takes its capacity at once, so that each sees what the ones before it took;
 *   3. writes what came out, together, so that the writes share a commit; goes on with the next page.
 * Runs when it is woken (a job came back, something fell free, a cluster was registered or changed) and, slowly, by
 * itself. A job that stays pending is not written.
 */
import type { Reason } from '../core/job/state.ts';
import type { ClusterRef, JobRecord, JobStore, Transition } from '../store/store.ts';
import type { System, Timer } from '../system/system.ts';
import type { Debits, Reservation } from './debits.ts';
import { writeDecision } from './decision-record.ts';
import type { Jobspecs } from './jobspecs.ts';
import type { Log } from './log.ts';
import type { Moves } from './moves.ts';
import type { Placing } from './placing.ts';
import { noRefusals, readRefusals, type Refusals } from './refusals.ts';
import type { InnerRegistry } from './registry.ts';
import type { SchedulerSettings } from './settings.ts';

/** Jobs decided and written together. */
const PAGE = 256;

export interface Cycle {
  start(): void;
  stop(): Promise<void>;
  wake(): void;
  /** Something fell free somewhere: what did not fit may fit now. */
  freed(): void;
}

export interface CycleDependencies {
  readonly jobs: Pick<JobStore, 'pending' | 'attempts'>;
  readonly system: System;
  readonly settings: SchedulerSettings;
  readonly placing: Placing;
  readonly jobspecs: Jobspecs;
  readonly debits: Debits;
  readonly registry: InnerRegistry;
  readonly moves: Moves;
  /** Jobs may wait at clusters whose sessions nobody woke: another server assigned them. */
  readonly remind: () => Promise<void>;
  readonly log: Log;
}

/** What a decision came to: nothing, or a write with the capacity that it took. */
type Step = { readonly change: Transition; readonly reservation: Reservation | null } | null;

export function createCycle(deps: CycleDependencies): Cycle {
  const { placing, settings, moves } = deps;
  const now = (): number => deps.system.clock.now();
  let running: Promise<void> | null = null;
  let asked = false;
  let stopped = true;
  let timer: Timer | null = null;
  /** Equal questions that found no place since something last fell free. */
  const stuck = new Set<string>();

  const decide = (job: JobRecord, refusals: Refusals): Step => {
    if (job.cancelRequestedAt !== null) return step(job, 'canceled', { code: 'user', message: '' });
    if (job.reason.code === 'held' || job.reason.code === 'dependency') return null;
    const { jobspec, error } = deps.jobspecs.read(job.jobspec);
    if (jobspec === null) {
      const message = `its jobspec can no longer be read (${error}): submit it again in a form that this server reads`;
      return step(job, 'failed', { code: 'cannot_start', message });
    }
    // By id, never by name or time: a later cluster of that name is another one, with another token.
    const still = job.candidates.filter((cluster) => deps.registry.isStill(cluster));
    if (still.length === 0) {
      const message = 'none of the clusters that it may use is registered any more';
      return step(job, 'canceled', { code: 'cluster_deleted', message });
    }
    const candidates = still.map(({ name }) => name);
    const question = { jobspec, text: job.jobspec, candidates, policy: job.policy, policyOptions: job.policyOptions };
    const key = refusals === noRefusals ? keyOf(job, still) : null;
    if (key !== null && stuck.has(key)) return null;
    const { decision, outcome } = placing.decide({ ...question, excluded: refusals.excluded });
    if (outcome.state === 'assigned') {
      const reservation = placing.reserve(outcome.cluster.name, jobspec, job);
      const { cluster } = outcome;
      const { allocation } = reservation;
      const more = { cluster, allocation, decision: writeDecision(decision) };
      return step(job, 'assigned', outcome.reason, more, reservation);
    }
    if (outcome.state === 'rejected') {
      return step(job, 'rejected', outcome.reason, { decision: writeDecision(decision) });
    }
    const able = decision.candidates.filter(({ satisfiable }) => satisfiable.fits !== 'no');
    const last = [...refusals.refused].at(-1);
    if (last !== undefined && able.every(({ cluster }) => refusals.refused.has(cluster))) {
      const message = `every cluster that could hold it refused it; ${last[0]}: ${last[1]}`;
      return step(job, 'failed', { code: 'refused', message }, { decision: writeDecision(decision) });
    }
    if (key !== null) stuck.add(key);
    return null;
  };

  const step = (
    job: JobRecord,
    to: Transition['to'],
    reason: Reason,
    more: Partial<Transition> = {},
    reservation: Reservation | null = null,
  ): Step => {
    const at = now();
    const ends = to === 'assigned' ? {} : { endedAt: at };
    return {
      change: { ...more, ...ends, id: job.id, from: ['pending'], epoch: job.epoch, to, reason, at },
      reservation,
    };
  };

  const write = async ({ change, reservation }: NonNullable<Step>): Promise<void> => {
    try {
      const result = await moves.transition(change);
      if (reservation === null) return;
      if (result.done) {
        deps.debits.bind(reservation, result.job);
        return;
      }
      // Pending as before, and yet not written: the chosen cluster is gone from the store.
      const { cluster } = change;
      if (result.job?.state === 'pending' && cluster !== undefined) await deps.registry.refresh(cluster.name);
      deps.debits.release(reservation);
    } catch (error) {
      if (reservation !== null) deps.debits.release(reservation);
      throw error;
    }
  };

  const pass = async (): Promise<void> => {
    let after: { readonly priority: number; readonly id: string } | undefined;
    for (;;) {
      const page = await deps.jobs.pending(PAGE, after);
      if (stopped || page.length === 0) return;
      const refusals = await Promise.all(
        page.map(async (job) =>
          job.epoch === 1 ? noRefusals : readRefusals(await deps.jobs.attempts(job.id), now(), settings.refusalBackoff),
        ),
      );
      if (stopped) return;
      const writes: Promise<void>[] = [];
      page.forEach((job, place) => {
        const decided = decideSafely(job, refusals[place] ?? noRefusals);
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

  const decideSafely = (job: JobRecord, refusals: Refusals): Step => {
    try {
      return decide(job, refusals);
    } catch (error) {
      // A policy that cannot be applied any more (its name or options were dropped): the job waits, the others do not.
      deps.log.error({ job: job.id, error: String(error) }, 'this pending job could not be decided');
      return null;
    }
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
      await running;
    },
  };
}

function keyOf(job: JobRecord, candidates: readonly ClusterRef[]): string {
  return JSON.stringify([job.policy, job.policyOptions, candidates, job.jobspec]);
}
