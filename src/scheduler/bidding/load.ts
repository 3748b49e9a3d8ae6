/**
 * The work that waits or runs at each cluster, as far as this server placed it, and what of it a cluster did not know
 * of when it was asked. A bid is shifted by exactly that: jobs that were debited there since, and those whose Start had
 * not gone out before the question did. So the thousandth job of a burst sees a later start with every one before it.
 *
 * An estimate in the manner of a fluid: a job that takes a share s of the cluster for w seconds delays those behind it
 * by s·w. Wraps the debits: what they take in, give back and learn, this counts.
 */
import { shareOf } from '../../core/bid/wanted.ts';
import { HELD_STATES, type JobState } from '../../core/job/state.ts';
import type { Jobspec, Request } from '../../core/jobspec/jobspec.ts';
import type { DebitedJob, JobId } from '../../store/store.ts';
import { isDebited, type Debits, type Entry } from '../debits.ts';
import type { Jobspecs } from '../jobspecs.ts';

export interface Load {
  /** The debits, to be used in the place of those that were given. */
  readonly debits: Debits;
  /** A moment in the order of everything that happens here: kept with a question. */
  mark(): number;
  /** What a question asked at that moment did not know of: seconds that it adds to the wait there, and how many jobs. */
  since(cluster: string, mark: number): { readonly seconds: number; readonly jobs: number };
  /** Seconds until everything that is there now has been worked off, by walltimes. */
  backlog(cluster: string, now: number): number;
  /** Has anything come or gone there since that moment? */
  hasChanged(cluster: string, mark: number): boolean;
  /** Something there ended or came that was not placed by us. */
  touch(cluster: string): void;
}

interface Item {
  readonly cluster: string;
  /** Share of the cluster times walltime, in seconds. */
  readonly work: number;
  readonly share: number;
  readonly takenAt: number;
  /** When its Start went out; null: not yet. */
  sentAt: number | null;
  startedAt: number | null;
}

const MOST_SUMS = 4_096;

export function createLoad(deps: {
  readonly debits: Debits;
  readonly jobspecs: Jobspecs;
  readonly totals: (cluster: string) => readonly { readonly type: string; readonly total: number }[];
  /** Seconds that a job has there; `walltime`, or the server's own, where it asks for none and nobody gives it another. */
  readonly timeAt: (cluster: string, jobspec: Jobspec | null, walltime?: number) => number;
}): Load {
  const { debits, jobspecs } = deps;
  const byCluster = new Map<string, Set<Item>>();
  const byJob = new Map<JobId, { readonly item: Item; readonly epoch: number }>();
  const byEntry = new Map<Entry, Item>();
  const changedAt = new Map<string, number>();
  /** A decision changes one cluster and asks for all of them. */
  const sums = new Map<string, { readonly changed: number; readonly seconds: number; readonly jobs: number }>();
  let order = 0;

  const touch = (cluster: string): void => void changedAt.set(cluster, ++order);
  const shareAt = (cluster: string, request: Request | null): number =>
    request === null ? 0 : shareOf(request, deps.totals(cluster));
  const add = (cluster: string, share: number, walltime: number): Item => {
    const item: Item = { cluster, work: share * walltime, share, takenAt: ++order, sentAt: null, startedAt: null };
    const items = byCluster.get(cluster) ?? new Set();
    byCluster.set(cluster, items.add(item));
    touch(cluster);
    return item;
  };
  const remove = (item: Item): void => {
    byCluster.get(item.cluster)?.delete(item);
    touch(item.cluster);
  };
  const follow = (job: Omit<DebitedJob, 'jobspec' | 'image'>): void => {
    const known = byJob.get(job.id);
    if (known === undefined || job.epoch < known.epoch) return;
    if (job.epoch !== known.epoch || !isDebited(job)) {
      byJob.delete(job.id);
      return remove(known.item);
    }
    if (known.item.sentAt === null && (HELD_STATES as readonly JobState[]).includes(job.state)) {
      known.item.sentAt = ++order;
    }
    known.item.startedAt = job.startedAt;
  };

  return {
    debits: {
      ...debits,
      reserve(cluster, request, job) {
        const reservation = debits.reserve(cluster, request, job);
        const { jobspec } = jobspecs.read({ jobspec: job.jobspec, image: null });
        byEntry.set(reservation.entry, add(cluster, shareAt(cluster, request), deps.timeAt(cluster, jobspec)));
        return reservation;
      },
      bind(reservation, job) {
        const isBound = debits.bind(reservation, job);
        const item = byEntry.get(reservation.entry);
        byEntry.delete(reservation.entry);
        if (item === undefined) return isBound;
        if (!isBound) {
          remove(item);
          return false;
        }
        const earlier = byJob.get(job.id);
        if (earlier !== undefined) remove(earlier.item);
        byJob.set(job.id, { item, epoch: job.epoch });
        follow(job);
        return true;
      },
      release(reservation) {
        debits.release(reservation);
        const item = byEntry.get(reservation.entry);
        byEntry.delete(reservation.entry);
        if (item !== undefined) remove(item);
      },
      sync(job) {
        debits.sync(job);
        follow(job);
      },
      gone(id) {
        debits.gone(id);
        const known = byJob.get(id);
        byJob.delete(id);
        if (known !== undefined) remove(known.item);
      },
      load(cluster, jobs, tries) {
        debits.load(cluster, jobs, tries);
        const shares = new Map<Request | null, number>();
        for (const job of jobs) {
          if (!isDebited(job) || byJob.has(job.id)) continue;
          const { jobspec } = jobspecs.read(job);
          const request = jobspec?.request ?? null;
          const share = shares.get(request) ?? shareAt(cluster, request);
          shares.set(request, share);
          byJob.set(job.id, {
            item: add(cluster, share, deps.timeAt(cluster, jobspec, job.walltime)),
            epoch: job.epoch,
          });
          follow(job);
        }
      },
      dropCluster(cluster) {
        debits.dropCluster(cluster);
        const gone = byCluster.get(cluster) ?? new Set();
        for (const [id, { item }] of byJob) if (gone.has(item)) byJob.delete(id);
        byCluster.delete(cluster);
        touch(cluster);
      },
      report(cluster, busyVertices, includes) {
        debits.report(cluster, busyVertices, includes);
        touch(cluster);
      },
    },
    mark: () => ++order,
    since(cluster, mark) {
      const key = `${mark} ${cluster}`;
      const changed = changedAt.get(cluster) ?? 0;
      const known = sums.get(key);
      if (known !== undefined && known.changed === changed) return known;
      let seconds = 0;
      let jobs = 0;
      for (const item of byCluster.get(cluster) ?? []) {
        if (item.sentAt !== null && item.sentAt <= mark) continue;
        seconds += item.work;
        jobs += 1;
      }
      const sum = { changed, seconds, jobs };
      if (sums.size >= MOST_SUMS) sums.clear();
      sums.set(key, sum);
      return sum;
    },
    backlog(cluster, now) {
      let seconds = 0;
      for (const { work, share, startedAt } of byCluster.get(cluster) ?? []) {
        const ran = startedAt === null ? 0 : Math.max(0, now - startedAt) / 1000;
        seconds += Math.max(0, work - share * ran);
      }
      return seconds;
    },
    hasChanged: (cluster, mark) => (changedAt.get(cluster) ?? 0) > mark,
    touch,
  };
}
