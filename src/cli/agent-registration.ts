/**
 * Registers an agent's cluster where it is not registered yet, and keeps what it gets. A server that cannot be reached
 * is asked again until it can: agents and servers start in any order.
 */
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
