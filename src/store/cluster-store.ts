/** Clusters: credentials, graphs and subsystems, state, service, and the newest instance of their agents. */
import type { JobId } from './store.ts';

/** One cluster, for ever: a name may be registered anew by somebody else, an id never is. */
export interface ClusterRef {
  readonly name: string;
  /** Never used again, even if the name is. */
  readonly id: number;
}

export interface ClusterRecord extends ClusterRef {
  readonly secretHash: Uint8Array;
  readonly tokenHash: Uint8Array;
  readonly registeredAt: number;
  /** Grows with every change of the graph or of a subsystem. */
  readonly graphVersion: number;
  readonly counts: readonly ResourceCount[];
  readonly subsystems: readonly string[];
  /** As reported with UpdateState, keys merged; null until the first report. */
  readonly state: Readonly<Record<string, unknown>> | null;
  readonly lastSeenAt: number | null;
  readonly service: ClusterService;
  /** The agent's newest instance; null where only a prototype client has called. */
  readonly instance: AgentInstance | null;
}

/** Does it take new jobs? */
export interface ClusterService {
  /** By a person, until somebody resumes it; null: it takes jobs. */
  readonly drained: { readonly at: number; readonly reason: string } | null;
  /** Maintenance that no job may run into, the first to begin first; past ones are dropped with the next write. */
  readonly windows: readonly MaintenanceWindow[];
}

export interface MaintenanceWindow {
  readonly from: number;
  readonly until: number;
  readonly reason: string;
}

export const IN_SERVICE: ClusterService = { drained: null, windows: [] };

export interface AgentInstance {
  readonly id: string;
  readonly startedAt: number;
  readonly runner: string;
  readonly version: string;
  readonly runAs: 'single-user' | 'mapped';
  /** Owners who have a local user there; left out: everybody, or it does not say. Sorted. */
  readonly accounts?: readonly string[];
  /** What runs images there (core/containers/runtimes.ts), or `none`; left out: it does not say. */
  readonly containers?: string;
}

export interface ResourceCount {
  readonly type: string;
  readonly total: number;
  readonly unit: string;
}

/**
 * A graph or a subsystem as it was registered: its text, not empty; or, where it is large, pieces of bytes in whatever
 * form their writer packs them (scheduler/reading/pack.ts).
 */
export type Document = string | readonly Uint8Array[];

export interface Documents {
  readonly graph: Document;
  readonly subsystems: ReadonlyMap<string, Document>;
}
export type ServiceEvent = 'drained' | 'resumed' | 'maintenance_planned' | 'maintenance_canceled';

export interface ClusterStore {
  /** Graph, credentials and counts at once. `already_exists` where the name is taken (by a cluster or a group). */
  register(cluster: {
    name: string;
    secretHash: Uint8Array;
    tokenHash: Uint8Array;
    graph: Document;
    counts: readonly ResourceCount[];
    at: number;
  }): Promise<ClusterRecord>;
  /** A new graph, the same credentials. */
  replaceGraph(name: string, graph: Document, counts: readonly ResourceCount[], at: number): Promise<ClusterRecord>;
  /** `already_exists` unless `replace`. */
  putSubsystem(
    cluster: string,
    subsystem: string,
    graph: Document,
    replace: boolean,
    at: number,
  ): Promise<ClusterRecord>;
  /** `not_found` where there is none. */
  deleteSubsystem(cluster: string, subsystem: string, at: number): Promise<ClusterRecord>;
  mergeState(cluster: string, state: Readonly<Record<string, unknown>>, at: number): Promise<ClusterRecord>;
  /** Whether it takes new jobs, in the place of what was said before; an event says what changed. `not_found` where it is gone. */
  setService(cluster: string, service: ClusterService, kind: ServiceEvent, at: number): Promise<ClusterRecord>;
  /**
   * With everything of it, in one transaction: subsystems, state, memberships; jobs that are assigned go back to
   * pending (cluster_deleted), jobs that somebody holds are canceled (cluster_deleted). Their reason says who stops
   * what still runs: the agent that is `agentConnected` and is about to be told, else a person.
   */
  delete(
    name: string,
    at: number,
    agentConnected?: boolean,
  ): Promise<{ readonly returned: readonly JobId[]; readonly canceled: readonly JobId[] }>;
  get(name: string): Promise<ClusterRecord | null>;
  /** By name. */
  list(): Promise<readonly ClusterRecord[]>;
  /** The documents as they were registered. */
  graph(name: string): Promise<Documents | null>;
  /**
   * An agent's stream opened. The newest instance (by startedAt, then id) wins: false where a newer one is
   * recorded already. `not_found` where that cluster is gone, also where another has its name now.
   */
  claimInstance(cluster: ClusterRef, instance: AgentInstance, at: number): Promise<boolean>;
  /** Was there a cluster of this name and secret that was deleted? Remembered for ever, of each cluster. */
  wasDeleted(name: string, secretHash: Uint8Array): Promise<boolean>;
  /** Many at once; missing names are ignored. */
  seen(names: readonly string[], at: number): Promise<void>;
}
