/** The store as calls of an engine, and who listens to what was committed. */
import type { Engine } from './engine.ts';
import type { Arguments, OperationName, Result } from './operations/operations.ts';
import { unpackJobs } from './operations/debited-jobs.ts';
import { storedJob } from './operations/submit-job.ts';
import { serversOver } from './servers-over-engine.ts';
import type { ClusterRef, JobId, Store } from './store.ts';

export function storeOver(engine: Engine, kind: Store['kind']): Store {
  const eventListeners = new Set<(seq: number) => void>();
  const outputListeners = new Map<JobId, Set<() => void>>();
  engine.onEvents((seq) => {
    for (const listener of eventListeners) notify(eventListeners, listener, () => listener(seq));
  });
  const outputOf = (id: JobId): void => {
    const listeners = outputListeners.get(id);
    if (listeners !== undefined) for (const listener of listeners) notify(listeners, listener, listener);
  };
  engine.onOutput?.((id) => {
    for (const job of id === null ? [...outputListeners.keys()] : [id]) outputOf(job);
  });
  const call = <N extends OperationName>(name: N, ...args: Arguments<N>): Promise<Result<N>> => engine.call(name, args);

  return {
    kind,
    // One thread, or a pool of connections.
    inOrder: kind !== 'postgres',
    clusters: {
      register: (cluster) => call('registerCluster', cluster),
      replaceGraph: (name, graph, counts, at) => call('replaceGraph', name, graph, counts, at),
      putSubsystem: (cluster, subsystem, graph, replace, at) =>
        call('putSubsystem', cluster, subsystem, graph, replace, at),
      deleteSubsystem: (cluster, subsystem, at) => call('deleteSubsystem', cluster, subsystem, at),
      mergeState: (cluster, state, at) => call('mergeState', cluster, state, at),
      setService: (cluster, service, kind, at) => call('setService', cluster, service, kind, at),
      delete: (name, at, agentConnected = false) => call('deleteCluster', name, at, agentConnected),
      get: (name) => call('getCluster', name),
      list: () => call('listClusters'),
      graph: (name) => call('getGraph', name),
      wasDeleted: (name, secretHash) => call('wasClusterDeleted', name, secretHash),
      claimInstance: (cluster, instance, at) => call('claimInstance', only(cluster), instance, at),
      seen: (names, at) => call('clustersSeen', names, at),
    },
    groups: {
      create: (group) => call('createGroup', group),
      update: (name, clusters, at) => call('updateGroup', name, clusters, at),
      delete: (name, at) => call('deleteGroup', name, at),
      get: (name) => call('getGroup', name),
      list: () => call('listGroups'),
    },
    jobs: {
      async submit(job) {
        if ((job.dependencies ?? []).length > 0 || (job.handling?.staging?.set ?? null) !== null) {
          return call('submitDependent', job);
        }
        const stored = await call('submitJob', job);
        return stored.created ? { job: storedJob(job, stored.id), created: true } : stored;
      },
      get: (id) => call('getJob', id),
      submitted: (owner, idempotencyKey) => call('earlierSubmit', { owner, idempotencyKey }),
      many: (ids) => call('getJobs', ids),
      attempts: (id) => call('getAttempts', id),
      list: (filter) => call('listJobs', filter),
      countsByCluster: () => call('countJobsByCluster'),
      transition: (change) => call('transitionJob', change),
      outrun: (end) => call('outrunJob', end),
      adopt: (adoption) => call('adoptJob', { ...adoption, cluster: only(adoption.cluster) }),
      leave: (jobs, at) => call('leaveJobs', jobs, at),
      leftOver: (at, limit) => call('leftOverJobs', at, limit),
      assigned: (cluster, limit) => call('assignedJobs', only(cluster), limit),
      receiveThese: (cluster, jobs, at, stream = null) => call('receiveTheseJobs', only(cluster), jobs, at, stream),
      receive: (cluster, limit, leaseExpiresAt, at, stream = null) =>
        call('receiveJobs', only(cluster), limit, leaseExpiresAt, at, stream),
      returnExpired: (at, limit) => call('returnExpired', at, limit),
      pending: (limit, after = null, known = []) => call('pendingJobs', limit, after, known),
      atCluster: (cluster, states) => call('jobsAtCluster', only(cluster), states),
      debited: async (cluster) => unpackJobs(cluster, await call('debitedJobs', only(cluster))),
      requestCancel: (id, reason, at) => call('requestCancel', id, reason, at),
      numberAt: (cluster, id) => call('numberAt', only(cluster), id),
      byNumbers: (cluster, numbers) => call('jobsByNumbers', only(cluster), numbers),
      decisions: (id) => call('getDecisions', id),
      changeReason: (id, epoch, reason, at) => call('changeReason', id, epoch, reason, at),
      hold: (id, reason, at) => call('holdJob', id, reason, at),
      release: (id, at) => call('releaseJob', id, at),
      dependencies: (id) => call('getDependencies', id),
      unended: (owner, most) => call('unendedJobs', owner, most),
      settleDependencies: (limit, at) => call('settleDependencies', limit, at),
      releaseBegun: (at, limit) => call('releaseBegun', at, limit),
      overdue: (at, limit) => call('overdueJobs', at, limit),
    },
    arrays: {
      submit: (array) => call('submitArray', array),
      get: (id) => call('getArray', id),
      list: (filter) => call('listArrays', filter),
      requestCancel: (id, reason, at) => call('requestArrayCancel', id, reason, at),
      canceling: (limit) => call('cancelingArrays', limit),
      toCancel: (id, limit) => call('tasksToCancel', id, limit),
      hold: (id, reason, at) => call('holdArray', id, reason, at),
      release: (id, at) => call('releaseArray', id, at),
    },
    retention: {
      prune: (rule, limit) => call('pruneJobs', rule, limit),
      prunedEvents: () => call('prunedEvents'),
      wasGiven: (id) => call('wasGiven', id),
    },
    bids: {
      keepOutcome: (outcome) => call('keepBidOutcome', outcome),
      outcomes: (cluster, limit) => call('bidOutcomes', only(cluster), limit),
      count: (cluster, counts) => call('addBidCounts', only(cluster), counts),
      counts: (cluster) => call('bidCounts', only(cluster)),
      decisions: (filter) => call('decisionsSince', filter),
    },
    events: {
      after: (seq, limit, filter) =>
        filter === undefined ? call('eventsAfter', seq, limit) : call('eventsAfter', seq, limit, filter),
      last: () => call('lastEvent'),
      subscribe(listener) {
        // Its own function each time, so that one listener given twice is stopped once by each stop.
        const own = (seq: number): void => listener(seq);
        eventListeners.add(own);
        return () => void eventListeners.delete(own);
      },
    },
    output: {
      async append(id, epoch, chunks, cap, room = Number.MAX_SAFE_INTEGER) {
        const offsets = await call('appendOutput', id, epoch, chunks.map(alone), cap, room);
        outputOf(id);
        return offsets;
      },
      read: (id, epoch, after, limit) => call('readOutput', id, epoch, after, limit),
      kept: (id, epoch) => call('keptOutput', id, epoch),
      cut: (id, epoch) => call('cutOutput', id, epoch),
      subscribe(id, listener) {
        const own = (): void => listener();
        const listeners = outputListeners.get(id) ?? new Set();
        outputListeners.set(id, listeners.add(own));
        return () => {
          listeners.delete(own);
          if (listeners.size === 0 && outputListeners.get(id) === listeners) outputListeners.delete(id);
        };
      },
    },
    files: {
      missing: (owner, digests, at) => call('missingBlobs', owner, digests, at),
      keepSmall: (owner, contents, room, at) => call('keepSmallBlobs', owner, contents.map(alone), room, at),
      begin: (blob, room, at) => call('beginBlob', blob, room, at),
      extend: (blob, bytes, room, at) => call('extendBlob', blob, bytes, room, at),
      append: (blob, number, data, at) => call('appendBlob', blob, number, alone({ data }).data, at),
      finish: (blob, at) => call('finishBlob', blob, at),
      drop: (blob) => call('dropBlob', blob),
      piece: (owner, sha256, number) => call('readBlob', owner, sha256, number),
      keepSet: (owner, sha256, files, at) => call('keepFileSet', owner, sha256, files, at),
      set: (id) => call('getFileSet', id),
      ofJob: (id) => call('getJobFiles', id),
      collected: (collected, at) => call('keepCollected', collected, at),
      used: (owner) => call('usedBytes', owner),
      unused: () => call('unusedBytes'),
      prune: (unusedSince, limit) => call('pruneFiles', unusedSince, limit),
    },
    settings: {
      get: (key) => call('getSetting', key),
      setOnce: (key, value) => call('setSettingOnce', key, value),
    },
    servers: serversOver(engine, call),
    close: () => engine.close(),
  };
}

/** Each in a task of its own, so that a listener that throws stops no other; one that has left is not called. */
function notify<T>(listeners: ReadonlySet<T>, listener: T, call: () => void): void {
  queueMicrotask(() => {
    if (listeners.has(listener)) call();
  });
}

/** Callers have whole records; no more than this of them travels to the engine. */
function only({ name, id }: ClusterRef): ClusterRef {
  return { name, id };
}

/** The bytes without the buffer that they may be a window of: a copy to a thread takes the whole buffer along. */
function alone<T extends { readonly data: Uint8Array }>(chunk: T): T {
  const { data } = chunk;
  return data.byteLength === data.buffer.byteLength ? chunk : { ...chunk, data: new Uint8Array(data) };
}
