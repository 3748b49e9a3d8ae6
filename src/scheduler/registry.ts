/**
 * The clusters: validated in full, then stored in one transaction, then compiled into the matcher, in that order,
 * so that what is refused leaves no trace and what is compiled survives. Changes of one cluster go one after the
 * other, from the write on: documents are read beside them, since a large one may take its time to come, and what was
 * read counts only where it is still true when its turn has come. At start everything is read again; a cluster whose stored graph no longer reads is logged and kept out of
 * matching, and serves as before otherwise: it can be replaced, and it never stops the others.
 */
import { RainbowError } from '../core/errors.ts';
import type { Subsystem } from '../core/graph/graph.ts';
import type { Ids } from '../core/match/ids.ts';
import type { Matcher } from '../core/match/matcher.ts';
import type { TreePlan } from '../core/match/plan.ts';
import type { AgentInstance, ClusterRecord, ClusterRef, Documents, Store } from '../store/store.ts';
import { createAdmission, type Admission } from './admission.ts';
import { inSlices, type Slicing } from './in-slices.ts';
import type { Log } from './log.ts';
import { readTogether } from './read-together.ts';
import type { Reading } from './reading/reader.ts';
import type { Registry } from './scheduler.ts';
import { createTurnsByName } from './turns-by-name.ts';

/** The registry as the rest of the scheduler sees it. */
export interface InnerRegistry extends Registry {
  load(): Promise<void>;
  readonly refuses: Admission['refuses'];
  /** Has its agent said whose jobs it runs? Otherwise anybody's. */
  readonly isParticular: Admission['isParticular'];
  readonly tooSmallFor: Admission['tooSmallFor'];
  readonly timeAt: Admission['timeAt'];
  readonly leastAt: Admission['leastAt'];
  /** Is it known, and its graph in the matcher? */
  isCompiled(name: string): boolean;
  /** Does its agent speak through this server? */
  isConnectedHere(name: string): boolean;
  /** Is it this very cluster that has the name, or another of that name? */
  isStill(cluster: ClusterRef): boolean;
  /** Its agent has not spoken for `seconds`. Never true of a cluster that only polls, nor soon after our own start. */
  isSilentFor(name: string, seconds: number): boolean;
  /** Nobody has ever spoken for it: no agent, and no client that polls. */
  isUnheard(name: string): boolean;
  /** The server itself did nothing for a while: nobody could be heard, and silence counts from now on. */
  wasAway(): void;
  /** Looks whether it is still registered, and with this graph: another server may have changed it. */
  follow(name: string): Promise<void>;
  /** How clusters stand, as the store says. */
  stands(clusters: readonly { readonly cluster: ClusterRef; readonly lastSeenAt: number | null }[]): void;
  /** Writes down when clusters were last heard. */
  flushSeen(): Promise<void>;
}

export interface RegistryDependencies {
  readonly store: Store;
  readonly matcher: Matcher;
  readonly reading: Reading;
  readonly slicing: Slicing;
  readonly log: Log;
  /** Compiled, or compiled anew. */
  readonly compiled: (name: string) => void;
  /** Something is known of it that was not, or not any more: its record, its graph, its agent. */
  readonly told?: (name: string) => void;
  /** Its reported state changed. */
  readonly stateChanged: (name: string) => void;
  readonly deleted: (name: string) => void;
  /** By the store's clock. */
  readonly now: () => number;
  /** Several servers may have this store open. */
  readonly shared: boolean;
  /** Another server that is alive holds the stream of its agent. */
  readonly isElsewhere: (cluster: ClusterRef) => boolean;
  readonly claim: (
    cluster: ClusterRef,
    instance: AgentInstance,
    stream: { readonly id: string | null; readonly bids: boolean },
  ) => Promise<boolean>;
}

interface Entry {
  record: ClusterRecord;
  /** Is its graph in the matcher? */
  isCompiled: boolean;
  connected: boolean;
  heardAt: number | null;
}

export function createRegistry(deps: RegistryDependencies): InnerRegistry {
  const { store, matcher, reading, slicing } = deps;
  const { clock } = slicing;
  const entries = new Map<string, Entry>();
  const admission = createAdmission();
  const heard = new Set<string>();
  let listensSince = deps.now();

  /** So that memory ends with what was committed last. */
  const inTurn = createTurnsByName();

  const missing = (name: string): RainbowError =>
    new RainbowError('not_found', `cluster ${name} is not registered: register it first`);

  const entryOf = (name: string): Entry => {
    const entry = entries.get(name);
    if (entry === undefined) throw missing(name);
    return entry;
  };

  const keep = (record: ClusterRecord): Entry => {
    const entry = entries.get(record.name);
    admission.record(record);
    deps.told?.(record.name);
    if (entry !== undefined && entry.record.id === record.id) {
      entry.record = record;
      return entry;
    }
    const fresh: Entry = { record, isCompiled: false, connected: false, heardAt: null };
    entries.set(record.name, fresh);
    return fresh;
  };

  const isConnected = (name: string): boolean => {
    const entry = entries.get(name);
    return entry !== undefined && (entry.connected || deps.isElsewhere(entry.record));
  };

  /** Until its last step the cluster is what it was before: unknown, or with its earlier graph. */
  const compile = async (record: ClusterRecord, plan: TreePlan, subsystems: readonly Subsystem[]): Promise<void> => {
    await inSlices(matcher.load(record.name, plan, subsystems), slicing);
    admission.subsystems(record.name, subsystems, 'all');
    keep(record).isCompiled = true;
    deps.told?.(record.name);
    deps.compiled(record.name);
  };

  const forget = (name: string): void => {
    const entry = entries.get(name);
    entries.delete(name);
    admission.drop(name);
    deps.told?.(name);
    if (entry?.isCompiled === true) matcher.removeCluster(name);
    deps.deleted(name);
  };

  const storedOf = async (name: string): Promise<Documents> => {
    const stored = await store.clusters.graph(name);
    if (stored === null) throw missing(name);
    return stored;
  };

  /** The stored documents, read again. */
  const readStored = async (name: string, coming = storedOf(name)) => {
    const stored = await coming;
    const { plan } = await reading.graph(stored.graph);
    const subsystems: Subsystem[] = [];
    for (const [key, document] of stored.subsystems) {
      subsystems.push((await reading.subsystem(key, document, plan.ids)).subsystem);
    }
    return { plan, subsystems };
  };

  /** Ids of a cluster's vertices: of the graph in the matcher, else of the one in the store. */
  const idsOf = async (name: string): Promise<Ids> =>
    entryOf(name).isCompiled ? matcher.ids(name) : (await reading.graph((await storedOf(name)).graph)).plan.ids;

  const isCompiledWith = (name: string, ids: Ids): boolean => entryOf(name).isCompiled && matcher.ids(name) === ids;

  const notRead = (cluster: string, error: unknown): void =>
    deps.log.error(
      { cluster, error: error instanceof Error ? error.message : String(error) },
      'the stored graph of this cluster cannot be read; it takes no new jobs until its graph is replaced',
    );

  const shown = ({ record, heardAt }: Entry): ClusterRecord =>
    heardAt === null || heardAt <= (record.lastSeenAt ?? 0) ? record : { ...record, lastSeenAt: heardAt };

  const registry: InnerRegistry = {
    async load() {
      for (const some of readTogether(await store.clusters.list())) {
        const coming = some.map(({ name }) => storedOf(name));
        // One that does not come is told of in its turn.
        await Promise.allSettled(coming);
        for (const [place, record] of some.entries()) {
          keep(record);
          try {
            const { plan, subsystems } = await readStored(record.name, coming[place]);
            await compile(record, plan, subsystems);
          } catch (error) {
            notRead(record.name, error);
          }
        }
      }
    },

    async register(cluster) {
      const { plan, counts, document } = await reading.graph(cluster.graph);
      return inTurn(cluster.name, async () => {
        const record = await store.clusters.register({ ...cluster, graph: document, counts, at: clock.now() });
        await compile(record, plan, []);
        return record;
      });
    },

    async replaceGraph(name, graph) {
      const { id } = entryOf(name).record;
      const { plan, counts, document } = await reading.graph(graph);
      return inTurn(name, async () => {
        // Deleted meanwhile, and perhaps registered anew by somebody else.
        if (entryOf(name).record.id !== id) throw missing(name);
        const subsystems: Subsystem[] = [];
        for (const [key, stored] of (await storedOf(name)).subsystems) {
          const again = reading.subsystem(key, stored, plan.ids).catch((error: unknown) => {
            throw doesNotFit(key, error);
          });
          subsystems.push((await again).subsystem);
        }
        const record = await store.clusters.replaceGraph(name, document, counts, clock.now());
        await compile(record, plan, subsystems);
        return record;
      });
    },

    async putSubsystem(cluster, subsystem, graph, replace) {
      const { id } = entryOf(cluster).record;
      const ids = await idsOf(cluster);
      const read = await reading.subsystem(subsystem, graph, ids);
      return inTurn(cluster, async () => {
        if (entryOf(cluster).record.id !== id) throw missing(cluster);
        const now = isCompiledWith(cluster, ids) ? ids : await idsOf(cluster);
        // Otherwise the graph was replaced meanwhile.
        const fitting = now === ids ? read : await reading.subsystem(subsystem, read.document, now);
        const record = await store.clusters.putSubsystem(cluster, subsystem, read.document, replace, clock.now());
        if (keep(record).isCompiled) {
          await inSlices(matcher.loadSubsystem(cluster, fitting.subsystem), slicing);
          admission.subsystems(cluster, [fitting.subsystem], 'more');
          deps.compiled(cluster);
        } else {
          // It was out of matching, perhaps because of the document that this one replaces.
          await readStored(cluster).then(
            ({ plan, subsystems }) => compile(record, plan, subsystems),
            () => undefined,
          );
        }
        return record;
      });
    },

    deleteSubsystem: (cluster, subsystem) =>
      inTurn(cluster, async () => {
        entryOf(cluster);
        const record = await store.clusters.deleteSubsystem(cluster, subsystem, clock.now());
        if (keep(record).isCompiled) {
          matcher.removeSubsystem(cluster, subsystem);
          admission.dropSubsystem(cluster, subsystem);
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

    async placement(name, witness, times) {
      const before = entryOf(name).record;
      const stored = await storedOf(name);
      const placement = await reading.placement(stored.graph, { witness, times });
      const now = entries.get(name)?.record;
      return now?.id === before.id && now.graphVersion === before.graphVersion ? placement : null;
    },
    setService: (cluster, service, kind) =>
      inTurn(cluster, async () => {
        entryOf(cluster);
        const record = await store.clusters.setService(cluster, service, kind, clock.now());
        keep(record);
        deps.stateChanged(cluster);
        return record;
      }),

    follow: (name) =>
      inTurn(name, async () => {
        const record = await store.clusters.get(name);
        const entry = entries.get(name);
        if (entry !== undefined && entry.record.id !== record?.id) forget(name);
        if (record === null) return;
        const before = entries.get(name)?.record;
        if (before?.graphVersion === record.graphVersion) {
          keep(record);
          deps.stateChanged(name);
          return;
        }
        const read = await readStored(name).catch((error: unknown) => {
          if (error instanceof RainbowError && error.code === 'unavailable') throw error;
          keep(record);
          notRead(name, error);
          return null;
        });
        // Deleted, or replaced once more, meanwhile: that has an event of its own.
        if (read !== null) await compile(record, read.plan, read.subsystems);
      }),

    async find(name) {
      if (!deps.shared || entries.has(name)) return;
      if ((await store.clusters.get(name)) !== null) await registry.follow(name);
    },

    async findAll(names) {
      if (!deps.shared) return;
      for (const name of names) if (!entries.has(name)) await registry.find(name);
    },

    stands(clusters) {
      for (const { cluster, lastSeenAt } of clusters) {
        const entry = entries.get(cluster.name);
        if (entry === undefined || entry.record.id !== cluster.id) continue;
        if (lastSeenAt !== null && lastSeenAt > (entry.record.lastSeenAt ?? 0)) {
          const isFirst = isUnheard(entry);
          entry.record = { ...entry.record, lastSeenAt };
          if (isFirst) deps.told?.(cluster.name);
        }
      }
    },

    delete: (name) =>
      inTurn(name, async () => {
        const result = await store.clusters.delete(name, clock.now(), isConnected(name));
        forget(name);
        return result;
      }),

    claimInstance: (cluster, instance: AgentInstance, stream = { id: null, bids: false }) =>
      inTurn(cluster.name, async () => {
        const claimed = await deps.claim(cluster, instance, stream);
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
      return !entry.isCompiled ? entry.record.counts.map((count) => ({ ...count, free: 0 })) : matcher.counts(name);
    },

    setConnected(name, connected) {
      const entry = entries.get(name);
      if (entry === undefined) return;
      entry.connected = connected;
      deps.told?.(name);
      entry.heardAt = deps.now();
      heard.add(name);
    },
    isConnected,
    isConnectedHere: (name) => entries.get(name)?.connected ?? false,
    seen(name) {
      const entry = entries.get(name);
      if (entry === undefined) return;
      const isFirst = isUnheard(entry);
      entry.heardAt = deps.now();
      heard.add(name);
      if (isFirst) deps.told?.(name);
    },

    refuses: (...asked) => admission.refuses(...asked),
    isParticular: (name) => admission.isParticular(name),
    tooSmallFor: (asked) => admission.tooSmallFor(asked),
    timeAt: (...asked) => admission.timeAt(...asked),
    leastAt: (...asked) => admission.leastAt(...asked),
    isCompiled: (name) => entries.get(name)?.isCompiled ?? false,
    isStill: ({ name, id }) => entries.get(name)?.record.id === id,
    isSilentFor(name, seconds) {
      const entry = entries.get(name);
      if (entry === undefined || entry.record.instance === null || isConnected(name)) return false;
      const last = Math.max(listensSince, entry.record.lastSeenAt ?? 0, entry.heardAt ?? 0);
      return deps.now() - last > seconds * 1000;
    },
    isUnheard(name) {
      const entry = entries.get(name);
      return entry !== undefined && isUnheard(entry) && !isConnected(name);
    },
    wasAway() {
      listensSince = deps.now();
    },
    async flushSeen() {
      if (heard.size === 0) return;
      const names = [...heard];
      heard.clear();
      try {
        await store.clusters.seen(names, Math.trunc(deps.now()));
      } catch (error) {
        for (const name of names) heard.add(name);
        throw error;
      }
    },
  };
  return registry;
}

function isUnheard({ record, heardAt }: Entry): boolean {
  return record.instance === null && record.lastSeenAt === null && heardAt === null;
}

function doesNotFit(subsystem: string, error: unknown): RainbowError {
  if (error instanceof RainbowError && error.code !== 'invalid_input') return error;
  return new RainbowError(
    'failed_precondition',
    `subsystem ${subsystem} does not fit the new graph (${error instanceof Error ? error.message : String(error)}): ` +
      `delete the subsystem first, then replace the graph and register it again`,
    { cause: error },
  );
}
