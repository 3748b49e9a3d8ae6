/**
 * Keeps what is registered like the cluster as it is: asks the runner's discovery now and then, replaces graph and
 * subsystems where they differ from what this agent registered last, and reports the state where that changed. A node
 * that is drained or down stays in the graph and is taken (nodes.ts); one that is added or gone changes it.
 * Invariant: what the server refuses is said and tried again; nothing here ends the agent.
 */
import type { RainbowClient } from '../client/client.ts';
import { registerCluster } from '../client/pieces.ts';
import { RainbowError } from '../core/errors.ts';
import type { System, Timer } from '../system/system.ts';
import { describe, type Log } from './log.ts';
import type { ClusterNow, Discovery } from './runners/runner.ts';

/** The server, as far as it keeps what a cluster is. */
export interface ClusterUpdates {
  replaceGraph(graph: string): Promise<void>;
  /** Makes or replaces it. */
  putSubsystem(name: string, graph: string): Promise<void>;
  deleteSubsystem(name: string): Promise<void>;
  reportState(state: ClusterNow['state']): Promise<void>;
}

export interface ClusterFollower {
  /** The server hears us (again): looks at once. */
  connected(): void;
  disconnected(): void;
}

export interface FollowedCluster {
  readonly discovery: Discovery;
  readonly updates: ClusterUpdates;
  /** What is registered, surely; null: to be registered anew. */
  readonly registered: Pick<ClusterNow, 'graph' | 'subsystems'> | null;
  /** Subsystems that this cluster's agent registered in earlier runs: those that are not found any more go. */
  readonly former?: readonly string[];
  /** Milliseconds between two looks; default 15 s. */
  readonly everyMs?: number;
}

const EVERY_MS = 15_000;

export function createClusterFollower(
  { discovery, updates, registered, former = [], everyMs = EVERY_MS }: FollowedCluster,
  parts: { readonly system: System; readonly log: Log; readonly looked: () => void },
): ClusterFollower {
  const { system, log } = parts;
  let graph = registered?.graph ?? null;
  /** As they are registered; '' where that is not known. */
  const subsystems = new Map<string, string>(former.map((name) => [name, '']));
  for (const [name, text] of Object.entries(registered?.subsystems ?? {})) subsystems.set(name, text);
  let state = '';
  let timer: Timer | null = null;
  let looking = false;
  let last = '';

  const say = (message: string): void => {
    // The same trouble, look for look, is said once.
    if (message !== last) log.warn(message);
    last = message;
  };

  const takeBack = async (now: ClusterNow): Promise<void> => {
    for (const name of subsystems.keys()) {
      if (name in now.subsystems) continue;
      await updates.deleteSubsystem(name);
      subsystems.delete(name);
    }
  };

  const replace = async (now: ClusterNow): Promise<void> => {
    if (now.graph !== graph) {
      try {
        await updates.replaceGraph(now.graph);
      } catch (error) {
        if (!(error instanceof RainbowError) || error.code !== 'failed_precondition') throw error;
        // A subsystem names nodes that are gone: without them it fits the graph before, too. Else it has to go first.
        await takeBack(now);
        for (const [name, text] of Object.entries(now.subsystems)) {
          const isPut = await updates.putSubsystem(name, text).then(
            () => true,
            () => false,
          );
          if (isPut) subsystems.set(name, text);
          else {
            await updates.deleteSubsystem(name);
            subsystems.delete(name);
          }
        }
        await updates.replaceGraph(now.graph);
      }
      log.info(
        graph === null ? 'registered the cluster as it is now' : 'the cluster has changed: its new graph is registered',
      );
      graph = now.graph;
    }
    for (const [name, text] of Object.entries(now.subsystems)) {
      if (subsystems.get(name) === text) continue;
      await updates.putSubsystem(name, text);
      subsystems.set(name, text);
    }
    await takeBack(now);
  };

  const look = async (): Promise<void> => {
    const now = await discovery.discover();
    await replace(now);
    const said = JSON.stringify(now.state);
    if (said !== state) {
      await updates.reportState(now.state);
      state = said;
    }
    last = '';
  };

  const run = (): void => {
    if (looking) return;
    looking = true;
    look()
      .catch((error: unknown) => say(`what the cluster is could not be brought up to date: ${describe(error)}`))
      .finally(() => {
        looking = false;
        parts.looked();
      });
  };

  return {
    connected() {
      timer?.cancel();
      timer = system.timers.every(everyMs, run);
      run();
    },
    disconnected() {
      timer?.cancel();
      timer = null;
    },
  };
}

/** Updates by the server's own calls, with the cluster's secret. */
export function clusterUpdates(client: RainbowClient, cluster: string, secret: string): ClusterUpdates {
  return {
    async replaceGraph(graph) {
      await registerCluster(client, { name: cluster, secret, graph, replace: true });
    },
    async putSubsystem(subsystem, graph) {
      await client.clusters.registerSubsystem({ cluster, secret, subsystem, graph, replace: true });
    },
    async deleteSubsystem(subsystem) {
      await client.clusters.deleteSubsystem({ cluster, secret, subsystem }).catch((error: unknown) => {
        if (!(error instanceof RainbowError) || error.code !== 'not_found') throw error;
      });
    },
    async reportState(state) {
      await client.clusters.updateState({ cluster, secret, state: { ...state } });
    },
  };
}
