/**
 * What other servers did, brought into this one's memory: clusters are read and compiled anew, debits made to agree with
 * the jobs as they are stored, and whoever serves a cluster here is woken. Everything is read from the store, never
 * taken from the event, so it may be applied twice, late, or in any number at once; or without events, to everything that
 * memory holds or should hold, by a server that has missed some.
 */
import { DEBITED_STATES, HELD_STATES, isFinal, type JobState } from '../../core/job/state.ts';
import type { EventRecord, JobId, JobRecord, Store } from '../../store/store.ts';
import { isDebited, type Debits } from '../debits.ts';
import type { Log } from '../log.ts';
import type { Notices } from '../notices.ts';

/** Jobs that wait at a cluster, tried when others came there. */
const TRIED = 16;
/** Jobs read at once by a server that begins anew. */
const BATCH = 512;
/** They change nothing that memory holds. */
const TELL_NOTHING: ReadonlySet<string> = new Set(['reason', 'left', 'files']);

export interface ApplyDependencies {
  readonly store: Pick<Store, 'clusters' | 'jobs'>;
  /** Reads this cluster anew. */
  readonly follow: (cluster: string) => Promise<void>;
  /** Names of those that memory holds. */
  readonly clusters: () => readonly string[];
  readonly debits: () => Debits;
  readonly notices: Notices;
  readonly log: Log;
  readonly wakeCycle: () => void;
  readonly groupsChanged: () => void;
  /** After a change of a job, as after one of our own. */
  readonly followed: (job: JobRecord) => void;
  /** It has ended, and another attempt of it may run beside. */
  readonly stopOthers: (job: JobRecord) => Promise<void>;
}

export interface Apply {
  (events: readonly EventRecord[]): Promise<void>;
  /** All that is in memory or should be: events that told of it are lost. Throws `unavailable`. */
  everything(): Promise<void>;
  /** Clusters that could not be read are tried again. */
  again(): void;
  idle(): Promise<void>;
}

export function createApply(deps: ApplyDependencies): Apply {
  const { notices } = deps;
  const unread = new Set<string>();
  const reading = new Set<Promise<void>>();

  /** Not waited for: a large graph takes its time, and the rest goes on. */
  const followCluster = (name: string): void => {
    unread.delete(name);
    const read: Promise<void> = deps
      .follow(name)
      .catch((error: unknown) => {
        unread.add(name);
        deps.log.warn({ cluster: name, error: String(error) }, 'a cluster that another server changed was not read');
      })
      .finally(() => reading.delete(read));
    reading.add(read);
  };

  const applyJob = async (job: JobRecord): Promise<void> => {
    deps.debits().sync(job);
    deps.followed(job);
    if (job.state === 'pending') return job.waits === 0 ? deps.wakeCycle() : undefined;
    if (isFinal(job.state)) {
      // Who waited for it is settled where it ended, or by the first server's next round.
      if (job.array !== null) deps.wakeCycle();
      if (job.onClusterLoss === 'duplicate' && job.epoch > 1) await deps.stopOthers(job);
      return;
    }
    if (job.cluster === null) return;
    if (job.state === 'assigned') notices.notify(job.cluster, { kind: 'assigned' });
    if (job.cancelRequestedAt !== null && (HELD_STATES as readonly JobState[]).includes(job.state)) {
      notices.notify(job.cluster, { kind: 'cancel', job });
    }
  };

  const applyJobs = async (ids: ReadonlySet<JobId>): Promise<void> => {
    const jobs = await deps.store.jobs.many([...ids]);
    const missing = new Set(ids);
    const placed = new Map<string, JobRecord[]>();
    for (const job of jobs) {
      missing.delete(job.id);
      await applyJob(job);
      if (job.cluster === null || !isDebited(job)) continue;
      const here = placed.get(job.cluster);
      if (here === undefined) placed.set(job.cluster, [job]);
      else here.push(job);
    }
    for (const [cluster, there] of placed) deps.debits().load(cluster, there, TRIED);
    // Deleted since, so it had ended.
    for (const id of missing) deps.debits().gone(id);
  };

  const apply = async (events: readonly EventRecord[]): Promise<void> => {
    const ids = new Set<JobId>();
    const clusters = new Set<string>();
    let groups = false;
    for (const { subject, kind, jobId, cluster } of events) {
      if (subject === 'group') groups = true;
      else if (subject === 'cluster' && cluster !== null) clusters.add(cluster);
      else if (jobId !== null && !TELL_NOTHING.has(kind)) ids.add(jobId);
    }
    for (const name of clusters) followCluster(name);
    if (ids.size > 0) await applyJobs(ids);
    if (groups) deps.groupsChanged();
  };

  const everything = async (): Promise<void> => {
    const stored = await deps.store.clusters.list();
    for (const name of new Set([...deps.clusters(), ...stored.map((cluster) => cluster.name)])) followCluster(name);
    const ids = new Set(deps.debits().jobs());
    for (const cluster of stored) {
      for (const { id } of await deps.store.jobs.atCluster(cluster, DEBITED_STATES)) ids.add(id);
    }
    const all = [...ids];
    for (let from = 0; from < all.length; from += BATCH) await applyJobs(new Set(all.slice(from, from + BATCH)));
    // What is pending is read anew with each round of deciding; members of groups, too.
    deps.groupsChanged();
  };

  return Object.assign(apply, {
    everything,
    again() {
      for (const name of unread) followCluster(name);
    },
    async idle() {
      while (reading.size > 0) await Promise.all(reading);
    },
  });
}
