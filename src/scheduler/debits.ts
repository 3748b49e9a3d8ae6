/**
 * What unended jobs take of each cluster, in memory: one entry per job that is assigned or held, debited from the
 * matcher's residual graph. A reservation is taken in the same turn as the decision, before the write, so that
 * concurrent submits see it; it is then bound to the stored job, or dropped if the write failed.
 *
 * A job that was sent to a busy cluster has no vertices yet: it *waits* here, and takes what falls free there in
 * order of priority, then id, before new jobs can. What the agent itself reports as taken replaces the debits that
 * it includes; a debit that a later report no longer includes is taken again.
 *
 * A write's answer may come late, and what became of the job since be known before it: so while a reservation is unbound it is
 * remembered which attempts take nothing any more (over.ts).
 *
 * Invariants: at most one entry per job; dropping twice is no change; nothing here is the truth: `load` rebuilds it
 * from the store.
 */
import { DEBITED_STATES } from '../core/job/state.ts';
import type { Request } from '../core/jobspec/jobspec.ts';
import { placePreferred } from '../core/match/place-preferred.ts';
import type { DebitKey, Matcher } from '../core/match/matcher.ts';
import type { JobState } from '../core/job/state.ts';
import type { DebitedJob, JobId, JobRecord } from '../store/store.ts';
import { readAllocation, writeAllocation } from './allocation.ts';
import type { Jobspecs } from './jobspecs.ts';
import { createOver } from './over.ts';
import { insertAllWaiting, insertWaiting, removeWaiting } from './waiting.ts';

/** Waiting jobs that are tried when something falls free; the order is kept, those that do not fit are passed over. */
const TRIED_AT_ONCE = 16;

/** What is known of a job before it is stored. */
export interface Queued {
  readonly jobspec: string;
  readonly image?: string | null;
  readonly priority: number;
}

export interface Debits {
  /** Takes what is free for it, or nothing where nothing is: then it waits there. */
  reserve(cluster: string, request: Request, job: Queued): Reservation;
  /** The write is committed: the reservation is this job's. False: that attempt is over by now, and nothing is taken. */
  bind(reservation: Reservation, job: JobRecord): boolean;
  /** The write failed, or was not needed. */
  release(reservation: Reservation): void;
  /** Makes memory agree with a row that was written: gives back what this job no longer takes. */
  sync(job: JobRecord): void;
  /** Jobs of one cluster as they are stored, at start or when another server placed them; `tries`: of those that wait. */
  load(cluster: string, jobs: readonly DebitedJob[], tries?: number): void;
  /** It has ended, and is not even stored any more. */
  gone(id: JobId): void;
  /** The cluster's graph was compiled anew. */
  recompiled(cluster: string): void;
  dropCluster(cluster: string): void;
  report(cluster: string, busyVertices: readonly string[], includes: readonly { jobId: JobId; epoch: number }[]): void;
  /** Jobs that are assigned or held there, reservations included. */
  outstanding(cluster: string): number;
  /** Every job that something is taken for. */
  jobs(): readonly JobId[];
}

export interface Reservation {
  /** The allocation to store; null where it waits. */
  readonly allocation: string | null;
  readonly entry: Entry;
}

export interface Entry {
  readonly key: DebitKey;
  readonly cluster: string;
  jobId: JobId | null;
  epoch: number;
  readonly priority: number;
  allocation: string | null;
  /** Only while it has no allocation: what to place once something falls free. */
  what: Pick<JobRecord, 'jobspec' | 'image'> | null;
  /** In the matcher's residual graph, by a debit of ours or in what the agent reports. */
  standing: 'debited' | 'reported' | 'waiting';
}

export interface DebitDependencies {
  readonly matcher: Matcher;
  readonly jobspecs: Jobspecs;
  /** Is its graph in the matcher? */
  readonly isCompiled: (cluster: string) => boolean;
  /** What is free or outstanding at this cluster has changed. */
  readonly changed: (cluster: string) => void;
  /** Something fell free at this cluster. */
  readonly freed: (cluster: string) => void;
}

export function isDebited(job: Pick<DebitedJob, 'state' | 'reason'>): boolean {
  // A polling client never reports an end: once its time is over, its capacity is taken back (unknown/not_reported).
  if (job.state === 'unknown' && job.reason.code === 'not_reported') return false;
  return (DEBITED_STATES as readonly string[]).includes(job.state);
}

/** What surely holds vertices takes them first when debits are made anew. */
const DEBIT_ORDER: readonly JobState[] = ['running', 'accepted', 'unknown', 'received', 'assigned'];

export function firstToDebit(a: DebitedJob, b: DebitedJob): number {
  return (
    DEBIT_ORDER.indexOf(a.state) - DEBIT_ORDER.indexOf(b.state) || a.id.length - b.id.length || (a.id < b.id ? -1 : 1)
  );
}

export function createDebits(deps: DebitDependencies): Debits {
  const { matcher } = deps;
  const byJob = new Map<JobId, Entry>();
  const byCluster = new Map<string, Set<Entry>>();
  const waitingAt = new Map<string, Entry[]>();
  const over = createOver<Entry>();
  let reservations = 0;

  const at = (cluster: string): Set<Entry> => {
    let entries = byCluster.get(cluster);
    if (entries === undefined) byCluster.set(cluster, (entries = new Set()));
    return entries;
  };
  const waiting = (cluster: string): Entry[] => {
    let entries = waitingAt.get(cluster);
    if (entries === undefined) waitingAt.set(cluster, (entries = []));
    return entries;
  };

  const debit = (entry: Entry, allocation: string): boolean => {
    if (!deps.isCompiled(entry.cluster)) return false;
    const witness = readAllocation(allocation, (id) => matcher.vertexIndex(entry.cluster, id));
    if (witness === null) return false;
    matcher.debit(entry.cluster, entry.key, witness);
    entry.standing = 'debited';
    return true;
  };

  const placeOnFree = (entry: Entry, request: Request): boolean => {
    if (!deps.isCompiled(entry.cluster)) return false;
    const witness = placePreferred(matcher, entry.cluster, request, 'free');
    if (witness === null) return false;
    matcher.debit(entry.cluster, entry.key, witness);
    entry.allocation = writeAllocation(witness, (vertex) => matcher.vertexId(entry.cluster, vertex));
    entry.what = null;
    entry.standing = 'debited';
    return true;
  };

  const wait = (entry: Entry): void => {
    entry.standing = 'waiting';
    insertWaiting(waiting(entry.cluster), entry);
  };

  const fill = (cluster: string, tries: number): void => {
    const queue = waitingAt.get(cluster);
    if (queue === undefined || queue.length === 0) return;
    // What is free only shrinks here: what one question did not find, its equals do not find either.
    const notFound = new Set<Request>();
    for (const entry of queue.slice(0, tries)) {
      // Its cluster's graph did not read: `recompiled` takes its own vertices, not any.
      if (entry.allocation !== null) continue;
      if (entry.what === null) continue;
      const { jobspec } = deps.jobspecs.read(entry.what);
      if (jobspec === null || notFound.has(jobspec.request)) continue;
      if (placeOnFree(entry, jobspec.request)) removeWaiting(queue, entry);
      else notFound.add(jobspec.request);
    }
  };

  const drop = (entry: Entry): void => {
    if (!at(entry.cluster).delete(entry)) return;
    if (entry.jobId !== null && byJob.get(entry.jobId) === entry) byJob.delete(entry.jobId);
    if (entry.standing === 'waiting') removeWaiting(waiting(entry.cluster), entry);
    else if (entry.standing === 'debited') matcher.credit(entry.cluster, entry.key);
    fill(entry.cluster, TRIED_AT_ONCE);
    deps.changed(entry.cluster);
    deps.freed(entry.cluster);
  };

  const add = (entry: Entry): void => {
    at(entry.cluster).add(entry);
    if (entry.jobId !== null) byJob.set(entry.jobId, entry);
  };

  /**
   * Another server placed it, perhaps on what this one had given away before it knew: then it takes what is free here.
   * Where nothing is, both stand on the same vertices, as they will wait for each other there. False: it waits.
   */
  const adopt = (entry: Entry, job: DebitedJob): boolean => {
    const { allocation } = job;
    if (allocation !== null && deps.isCompiled(entry.cluster)) {
      const witness = readAllocation(allocation, (id) => matcher.vertexIndex(entry.cluster, id));
      if (witness !== null && !matcher.isFree(entry.cluster, witness)) {
        const { jobspec } = deps.jobspecs.read(job);
        if (jobspec !== null && placeOnFree(entry, jobspec.request)) return true;
      }
    }
    return restore(entry);
  };

  const restore = (entry: Entry): boolean => entry.allocation !== null && debit(entry, entry.allocation);

  return {
    reserve(cluster, request, job) {
      const entry: Entry = {
        key: `reservation ${++reservations}`,
        cluster,
        jobId: null,
        epoch: 0,
        priority: job.priority,
        allocation: null,
        what: { jobspec: job.jobspec, image: job.image ?? null },
        standing: 'waiting',
      };
      add(entry);
      over.opened(entry);
      if (!placeOnFree(entry, request)) wait(entry);
      deps.changed(cluster);
      return { allocation: entry.allocation, entry };
    },
    bind(reservation, job) {
      const { entry } = reservation;
      const earlier = byJob.get(job.id);
      const isOver = over.has(job.id, job.epoch) || (earlier?.epoch ?? 0) > job.epoch;
      over.closed(entry);
      if (isOver) {
        drop(entry);
        return false;
      }
      if (earlier !== undefined && earlier !== entry) drop(earlier);
      entry.jobId = job.id;
      entry.epoch = job.epoch;
      byJob.set(job.id, entry);
      return true;
    },
    release(reservation) {
      over.closed(reservation.entry);
      drop(reservation.entry);
    },
    sync(job) {
      // What is pending again has the epoch of its next attempt.
      over.note(job.id, isDebited(job) || job.state === 'pending' ? job.epoch - 1 : job.epoch);
      const entry = byJob.get(job.id);
      if (entry === undefined || job.epoch < entry.epoch) return;
      if (job.epoch !== entry.epoch || job.cluster !== entry.cluster || !isDebited(job)) drop(entry);
    },
    gone(id) {
      over.note(id, Infinity);
      const entry = byJob.get(id);
      if (entry !== undefined) drop(entry);
    },
    load(cluster, jobs, tries) {
      const left: Entry[] = [];
      for (const job of jobs) {
        if (!isDebited(job) || byJob.has(job.id)) continue;
        const entry: Entry = {
          key: `${job.id}.${job.epoch}`,
          cluster,
          jobId: job.id,
          epoch: job.epoch,
          priority: job.priority,
          allocation: job.allocation,
          what: job.allocation === null ? { jobspec: job.jobspec, image: job.image } : null,
          standing: 'waiting',
        };
        add(entry);
        if (!(tries === undefined ? restore(entry) : adopt(entry, job))) left.push(entry);
      }
      insertAllWaiting(waiting(cluster), left);
      fill(cluster, tries ?? Infinity);
      deps.changed(cluster);
    },
    recompiled(cluster) {
      // The matcher keeps the debits whose vertices still exist; those that were never taken get their chance.
      for (const entry of waiting(cluster).slice()) {
        if (entry.allocation !== null && debit(entry, entry.allocation)) removeWaiting(waiting(cluster), entry);
      }
      fill(cluster, Infinity);
      deps.changed(cluster);
      deps.freed(cluster);
    },
    dropCluster(cluster) {
      for (const entry of at(cluster)) {
        if (entry.jobId !== null && byJob.get(entry.jobId) === entry) byJob.delete(entry.jobId);
      }
      byCluster.delete(cluster);
      waitingAt.delete(cluster);
      deps.changed(cluster);
    },
    report(cluster, busyVertices, includes) {
      if (!deps.isCompiled(cluster)) return;
      const included = new Set<Entry>();
      for (const { jobId, epoch } of includes) {
        const entry = byJob.get(jobId);
        if (entry !== undefined && entry.epoch === epoch && entry.cluster === cluster) included.add(entry);
      }
      const busy = busyVertices.map((id) => matcher.vertexIndex(cluster, id)).filter((vertex) => vertex >= 0);
      matcher.report(
        cluster,
        busy,
        [...included].map((entry) => entry.key),
      );
      for (const entry of at(cluster)) {
        if (included.has(entry)) {
          if (entry.standing === 'waiting') removeWaiting(waiting(cluster), entry);
          entry.standing = 'reported';
        } else if (entry.standing === 'reported') {
          restore(entry);
        }
      }
      fill(cluster, TRIED_AT_ONCE);
      deps.changed(cluster);
      deps.freed(cluster);
    },
    outstanding: (cluster) => byCluster.get(cluster)?.size ?? 0,
    jobs: () => [...byJob.keys()],
  };
}
