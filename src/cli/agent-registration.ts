/**
 * Registers an agent's cluster where it is not registered yet, keeps what it gets, and compares what is registered with
 * what the agent knows. A server that cannot be reached
 * is asked again until it can: agents and servers start in any order.
 */
import type { CallOptions } from '@connectrpc/connect';
import type { AgentGraph, FoundGraph } from './agent-graph.ts';
import type { RainbowClient } from '../client/client.ts';
import { RainbowError } from '../core/errors.ts';
import type { Cluster } from '../gen/rainbow/v1/clusters_pb.js';
import { connect } from './connection.ts';
import { saveCredentials } from './enroll.ts';
import { Stopped } from './exit.ts';
import type { Invocation } from './invocation.ts';
import { countText } from './present/graph.ts';
import { clusterSecretFrom, configPath, type Settings } from './settings.ts';
import { passed } from './wait.ts';

const REGISTER_SECRET =
  'the server’s secret (--register-secret, RAINBOW_SERVER_SECRET, or scheduler.secret of the configuration)';

export interface Registering {
  readonly name: string;
  /** The cluster's own, where it is known already. */
  readonly secret: string | undefined;
  /** The server's. */
  readonly registerSecret: string;
  readonly graph: string;
  readonly subsystems: Readonly<Record<string, string>>;
}

/**
 * The registered cluster against what this agent knows of it. Another resource graph is refused (`failed_precondition`)
 * before the agent connects: it would take the place of the right one, and refuse the jobs that the server places
 * there. It is only told where the agent has had it all along (`isKept`), because its jobs want it back; and a server
 * that cannot be asked now is waited for where it has not. Missing subsystems are told.
 */
export async function checkRegistered(
  invocation: Invocation,
  name: string,
  { graph: known, isKept }: FoundGraph,
): Promise<void> {
  const ask = (): Promise<Cluster | null> =>
    connect(invocation, { anonymous: true, quiet: true }, (client, signal) =>
      registered(client, name, { signal, timeoutMs: 5_000 }),
    );
  const cluster = isKept
    ? await ask().catch((error: unknown) => {
        if (error instanceof RainbowError) return null;
        throw error;
      })
    : await untilReached(invocation, ask);
  if (cluster === null) return;
  const missing = cluster.subsystems.filter((subsystem) => known.subsystems[subsystem] === undefined);
  if (missing.length > 0) {
    invocation.say(
      `cluster ${name} has subsystems that this agent does not know (${missing.join(', ')}): it refuses jobs that need ` +
        `them. Give them to it: ${missing.map((subsystem) => `--subsystem ${subsystem}=FILE`).join(' ')}`,
    );
  }
  const [{ readGraph }, { resourceCounts }] = await Promise.all([
    import('../core/graph/read.ts'),
    import('../core/graph/counts.ts'),
  ]);
  const own = countText(sorted(resourceCounts(readGraph(known.graph))));
  const there = countText(sorted(cluster.resources));
  if (own === there) return;
  const difference =
    `cluster ${name} is registered with ${there}, but this agent knows ${own}. Give it the graph that was registered ` +
    'with --graph FILE, or make this one the registered one with --replace-graph';
  if (!isKept) throw new RainbowError('failed_precondition', difference);
  invocation.say(`${difference}. Until then it refuses jobs that do not fit`);
}

/** Null where there is no such cluster. */
async function registered(client: RainbowClient, name: string, options: CallOptions): Promise<Cluster | null> {
  return client.clusters.get({ name }, options).catch((error: unknown) => {
    if (error instanceof RainbowError && error.code === 'not_found') return null;
    throw error;
  });
}

/**
 * Makes the agent's graph and subsystems those of its cluster, which proves itself with its own secret; nothing where
 * it is not registered.
 */
export async function replaceGraph(
  invocation: Invocation,
  { name, secret, graph, subsystems }: AgentGraph & { readonly name: string; readonly secret: string },
): Promise<void> {
  const { registerCluster } = await import('../client/pieces.ts');
  const carries = clusterSecretFrom(name, configPath(invocation));
  const replaced = await untilReached(invocation, () =>
    connect(invocation, { anonymous: true, carries }, async (client, signal) => {
      if ((await registered(client, name, { signal })) === null) return null;
      const { cluster } = await registerCluster(client, { name, secret, graph, replace: true }, { signal });
      for (const [subsystem, text] of Object.entries(subsystems)) {
        const replace = cluster?.subsystems.includes(subsystem) === true;
        await client.clusters.registerSubsystem({ cluster: name, secret, subsystem, graph: text, replace }, { signal });
      }
      return cluster ?? null;
    }),
  );
  if (replaced !== null) invocation.say(`cluster ${name} has a new graph: ${countText(replaced.resources)}`);
}

function sorted<T extends { readonly type: string; readonly unit: string }>(counts: readonly T[]): T[] {
  return counts.toSorted((a, b) => (`${a.type} ${a.unit}` < `${b.type} ${b.unit}` ? -1 : 1));
}

/** Resolves to the cluster's secret. */
export async function ensureRegistered(
  invocation: Invocation,
  settings: Settings,
  registering: Registering,
): Promise<string> {
  const { name, secret } = registering;
  const carries =
    secret === undefined ? REGISTER_SECRET : `${REGISTER_SECRET}; and ${clusterSecretFrom(name, settings.configPath)}`;
  return untilReached(invocation, () =>
    connect(invocation, { anonymous: true, carries }, (client, signal) =>
      register(invocation, settings, client, registering, signal),
    ),
  );
}

/** Asks again until the server is there. */
async function untilReached<T>(invocation: Invocation, ask: () => Promise<T>): Promise<T> {
  const { io } = invocation;
  for (let tries = 0; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RainbowError) || error.code !== 'unavailable') throw error;
      if (tries === 0) invocation.say(`${error.message}; trying again until it is there`);
      await passed(io, Math.min(5_000, 250 * 2 ** tries));
      if (io.signal.aborted) throw new Stopped();
    }
  }
}

async function register(
  invocation: Invocation,
  settings: Settings,
  client: RainbowClient,
  { name, secret: known, registerSecret, graph, subsystems }: Registering,
  signal: AbortSignal,
): Promise<string> {
  const there = await registered(client, name, { signal });
  if (there !== null && known === undefined) {
    throw new RainbowError(
      'failed_precondition',
      `cluster ${name} is registered already, and its secret is not in ${settings.configPath}: pass it with --secret ` +
        '(who registered the cluster has it), or give this one another --cluster-name',
    );
  }
  let secret = known ?? '';
  if (there === null) {
    const { registerCluster } = await import('../client/pieces.ts');
    const answer = await registerCluster(
      client,
      { name, secret: registerSecret, graph },
      { signal, timeoutMs: 300_000 },
    );
    secret = answer.secret;
    // Before anything else can go wrong: the server shows them this once.
    await saveCredentials(invocation, { name, secret, token: answer.token });
    invocation.say(
      `registered cluster ${name} (${countText(answer.cluster?.resources ?? [])}); its secret and token are in ${settings.configPath}`,
    );
  }
  for (const [subsystem, text] of Object.entries(subsystems)) {
    if (there?.subsystems.includes(subsystem) === true) continue;
    await client.clusters.registerSubsystem({ cluster: name, secret, subsystem, graph: text }, { signal });
    invocation.say(`registered subsystem ${subsystem} of cluster ${name}`);
  }
  return secret;
}
