/**
 * Registers an agent's cluster where it is not registered yet, and keeps what it gets. A server that cannot be reached
 * is asked again until it can: agents and servers start in any order.
 */
import type { AgentGraph } from './agent-graph.ts';
import type { RainbowClient } from '../client/client.ts';
import { RainbowError } from '../core/errors.ts';
import { connect } from './connection.ts';
import { saveCredentials } from './enroll.ts';
import { Stopped } from './exit.ts';
import type { Invocation } from './invocation.ts';
import { countText } from './present/graph.ts';
import type { Settings } from './settings.ts';
import { passed } from './wait.ts';

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
 * Says where the cluster that is registered is not the one that this agent knows: it would refuse jobs that the server
 * places there. Says nothing where the server cannot be asked now.
 */
export async function tellDifferences(invocation: Invocation, name: string, known: AgentGraph): Promise<void> {
  const cluster = await connect(invocation, { anonymous: true, quiet: true }, (client, signal) =>
    client.clusters.get({ name }, { signal, timeoutMs: 5_000 }),
  ).catch((error: unknown) => {
    if (error instanceof RainbowError) return null;
    throw error;
  });
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
  const registered = countText(sorted(cluster.resources));
  if (own !== registered) {
    invocation.say(
      `cluster ${name} is registered with ${registered}, but this agent knows ${own}: it refuses jobs that do not fit. ` +
        'Give it the graph that was registered with --graph FILE, or register this one: rainbow register cluster --replace',
    );
  }
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
  const { io } = invocation;
  for (let tries = 0; ; tries++) {
    try {
      return await connect(invocation, { anonymous: true }, (client, signal) =>
        register(invocation, settings, client, registering, signal),
      );
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
  const there = await client.clusters.get({ name }, { signal }).catch((error: unknown) => {
    if (error instanceof RainbowError && error.code === 'not_found') return null;
    throw error;
  });
  if (there !== null && known === undefined) {
    throw new RainbowError(
      'failed_precondition',
      `cluster ${name} is registered already, and its secret is not in ${settings.configPath}: pass it with --secret, ` +
        `or delete the cluster with: rainbow delete --cluster-name ${name}`,
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
