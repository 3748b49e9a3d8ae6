/**
 * The clusters: validated in full, then stored in one transaction, then compiled into the matcher, in that order,
 * so that what is refused leaves no trace and what is compiled survives. Changes of one cluster go one after the
 * other. At start everything is read again; a cluster whose stored graph no longer reads is logged and kept out of
 * matching, and serves as before otherwise: it can be replaced, and it never stops the others.
 */
import { RainbowError } from '../core/errors.ts';
import { resourceCounts } from '../core/graph/counts.ts';
import type { ResourceGraph, Subsystem } from '../core/graph/graph.ts';
import { readGraph, readSubsystem } from '../core/graph/read.ts';
import type { Matcher } from '../core/match/matcher.ts';
import type { AgentInstance, ClusterRecord, ClusterRef, Store } from '../store/store.ts';
import type { Clock } from '../system/system.ts';
import type { Log } from './log.ts';
import type { Registry } from './scheduler.ts';

/** The registry as the rest of the scheduler sees it. */
export interface InnerRegistry extends Registry {
  load(): Promise<void>;
  /** Ids of the vertices; null where the cluster is unknown or its graph is not compiled. */
  idsOf(name: string): readonly string[] | null;
  /** Is it this very cluster that has the name, or another of that name? */
  isStill(cluster: ClusterRef): boolean;
  /** Its agent has not spoken for `seconds`. Never true of a cluster that only polls, nor soon after our own start. */
  isSilentFor(name: string, seconds: number): boolean;
  /** Looks whether it is still registered: another server may have deleted it. */
  refresh(name: string): Promise<void>;
  /** Writes down when clusters were last heard. */
  flushSeen(): Promise<void>;
}

export interface RegistryDependencies {
  readonly store: Store;
  readonly matcher: Matcher;
  readonly clock: Clock;
  readonly log: Log;
  /** Compiled, or compiled anew. */
  readonly compiled: (name: string) => void;
  /** Its reported state changed. */
  readonly stateChanged: (name: string) => void;
  readonly deleted: (name: string) => void;
}

interface Entry {
  record: ClusterRecord;
  ids: readonly string[] | null;
  connected: boolean;
  heardAt: number | null;
}

export function createRegistry(deps: RegistryDependencies): InnerRegistry {
  const { store, matcher, clock } = deps;
  const entries = new Map<string, Entry>();
  const heard = new Set<string>();
  const turns = new Map<string, Promise<void>>();
  const startedAt = clock.now();

  /** One after the other per cluster, so that memory ends with what was committed last. */
  const inTurn = <T>(name: string, act: () => Promise<T>): Promise<T> => {
    const earlier = turns.get(name);
    const turn = (async () => {
      await earlier;
      return await act();
    })();
    // What waits for its turn waits for the end, whichever it is.
    const over: Promise<void> = turn
      .then(() => undefined)
      .catch(() => undefined)
      .finally(() => {
        if (turns.get(name) === over) turns.delete(name);
      });
    turns.set(name, over);
    return turn;
  };

  const missing = (name: string): RainbowError =>
    new RainbowError('not_found', `cluster ${name} is not registered: register it first`);

  const entryOf = (name: string): Entry => {
    const entry = entries.get(name);
    if (entry === undefined) throw missing(name);
    return entry;
  };

  const keep = (record: ClusterRecord): Entry => {
    const entry = entries.get(record.name);
    if (entry !== undefined && entry.record.id === record.id) {
      entry.record = record;
      return entry;
    }
    const fresh: Entry = { record, ids: null, connected: false, heardAt: null };
    entries.set(record.name, fresh);
    return fresh;
  };

  const compile = (entry: Entry, graph: ResourceGraph, subsystems: readonly Subsystem[]): void => {
    matcher.setCluster(entry.record.name, graph, subsystems);
    entry.ids = graph.ids;
    deps.compiled(entry.record.name);
  };

  const forget = (name: string): void => {
    const entry = entries.get(name);
    entries.delete(name);
    if (entry !== undefined && entry.ids !== null) matcher.removeCluster(name);
    deps.deleted(name);
  };

  /** The stored documents, read again. */
  const readStored = async (name: string): Promise<{ graph: ResourceGraph; subsystems: readonly Subsystem[] }> => {
    const stored = await store.clusters.graph(name);
    if (stored === null) throw missing(name);
    const graph = readGraph(stored.graph);
    return { graph, subsystems: [...stored.subsystems].map(([key, text]) => readSubsystem(key, text, graph)) };
  };

  const shown = ({ record, heardAt }: Entry): ClusterRecord =>
    heardAt === null || heardAt <= (record.lastSeenAt ?? 0) ? record : { ...record, lastSeenAt: heardAt };

  return {
    async load() {
      for (const record of await store.clusters.list()) {
        const entry = keep(record);
        try {
          const { graph, subsystems } = await readStored(record.name);
          compile(entry, graph, subsystems);
        } catch (error) {
          deps.log.error(
            { cluster: record.name, error: error instanceof Error ? error.message : String(error) },
            'the stored graph of this cluster cannot be read; it takes no new jobs until its graph is replaced',
          );
        }
      }
    },

    register: (cluster) =>
      inTurn(cluster.name, async () => {
        const graph = readGraph(cluster.graph);
        const record = await store.clusters.register({ ...cluster, counts: resourceCounts(graph), at: clock.now() });
        compile(keep(record), graph, []);
        return record;
      }),

    replaceGraph: (name, text) =>
      inTurn(name, async () => {
        entryOf(name);
        const graph = readGraph(text);
        const stored = await store.clusters.graph(name);
        const subsystems: Subsystem[] = [];
        for (const [key, document] of stored?.subsystems ?? []) subsystems.push(readAgain(key, document, graph));
        const record = await store.clusters.replaceGraph(name, text, resourceCounts(graph), clock.now());
        compile(keep(record), graph, subsystems);
        return record;
      }),

    putSubsystem: (cluster, subsystem, text, replace) =>
      inTurn(cluster, async () => {
        const before = entryOf(cluster);
        const stored = await store.clusters.graph(cluster);
        if (stored === null) throw missing(cluster);
        const read = readSubsystem(subsystem, text, readGraph(stored.graph));
        const record = await store.clusters.putSubsystem(cluster, subsystem, text, replace, clock.now());
        const entry = keep(record);
        if (before.ids !== null) {
          matcher.setSubsystem(cluster, read);
          deps.compiled(cluster);
        } else {
          // It was out of matching, perhaps because of the document that this one replaces.
          await readStored(cluster).then(
            ({ graph, subsystems }) => compile(entry, graph, subsystems),
            () => undefined,
          );
        }
        return record;
      }),

    deleteSubsystem: (cluster, subsystem) =>
      inTurn(cluster, async () => {
        entryOf(cluster);
        const record = await store.clusters.deleteSubsystem(cluster, subsystem, clock.now());
        if (keep(record).ids !== null) {
          matcher.removeSubsystem(cluster, subsystem);
          deps.compiled(cluster);
        }
        return record;
      }),

    mergeState: (cluster, state) =>
      inTurn(cluster, async () => {
        entryOf(cluster);
        const record = await store.clusters.mergeState(cluster, state, clock.now());
        keep(record);
        deps.stateChanged(cluster);
        return record;
      }),

    setService: (cluster, service, kind) =>
      inTurn(cluster, async () => {
        entryOf(cluster);
        const record = await store.clusters.setService(cluster, service, kind, clock.now());
        keep(record);
        deps.stateChanged(cluster);
        return record;
      }),

    refresh: (name) =>
      inTurn(name, async () => {
        const record = await store.clusters.get(name);
        const entry = entries.get(name);
        if (entry === undefined || entry.record.id === record?.id) return;
        forget(name);
      }),

    delete: (name) =>
      inTurn(name, async () => {
        const result = await store.clusters.delete(name, clock.now(), entries.get(name)?.connected ?? false);
        forget(name);
        return result;
      }),

    claimInstance: (cluster, instance: AgentInstance) =>
      inTurn(cluster.name, async () => {
        const claimed = await store.clusters.claimInstance(cluster, instance, clock.now());
        const record = await store.clusters.get(cluster.name);
        if (record?.id !== cluster.id) throw missing(cluster.name);
        keep(record);
        return claimed;
      }),

    get(name) {
      const entry = entries.get(name);
      return entry === undefined ? null : shown(entry);
    },
    list: () => [...entries.values()].map(shown).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)),
    counts(name) {
      const entry = entryOf(name);
      return entry.ids === null ? entry.record.counts.map((count) => ({ ...count, free: 0 })) : matcher.counts(name);
    },

    setConnected(name, connected) {
      const entry = entries.get(name);
      if (entry === undefined) return;
      entry.connected = connected;
      entry.heardAt = clock.now();
      heard.add(name);
    },
    isConnected: (name) => entries.get(name)?.connected ?? false,
    seen(name) {
      const entry = entries.get(name);
      if (entry === undefined) return;
      entry.heardAt = clock.now();
      heard.add(name);
    },

    idsOf: (name) => entries.get(name)?.ids ?? null,
    isStill: ({ name, id }) => entries.get(name)?.record.id === id,
    isSilentFor(name, seconds) {
      const entry = entries.get(name);
      if (entry === undefined || entry.record.instance === null || entry.connected) return false;
      const last = Math.max(startedAt, entry.record.lastSeenAt ?? 0, entry.heardAt ?? 0);
      return clock.now() - last > seconds * 1000;
    },
    async flushSeen() {
      if (heard.size === 0) return;
      const names = [...heard];
      heard.clear();
      try {
        await store.clusters.seen(names, clock.now());
      } catch (error) {
        for (const name of names) heard.add(name);
        throw error;
      }
    },
  };
}

function readAgain(subsystem: string, text: string, graph: ResourceGraph): Subsystem {
  try {
    return readSubsystem(subsystem, text, graph);
  } catch (error) {
    throw new RainbowError(
      'failed_precondition',
      `subsystem ${subsystem} does not fit the new graph (${error instanceof Error ? error.message : String(error)}): ` +
        `delete the subsystem first, then replace the graph and register it again`,
      { cause: error },
    );
  }
}
