/** Keeping what a registration gave, the cluster's secret and token, in the user's configuration; and forgetting it. */
import type { ClientConfig } from '../config/config.ts';
import type { Invocation } from './invocation.ts';
import { changeConfig, readSettings } from './settings.ts';

export interface Enrolled {
  readonly name: string;
  readonly secret: string;
  readonly token: string;
}

/**
 * `cluster` becomes this one, and `clusters` gets its token, replacing an older one of that name; all else stays. The
 * secret of the cluster that stood in `cluster` before moves to its own entry, so that no agent loses it.
 */
export function withCredentials(config: ClientConfig, { name, secret, token }: Enrolled): ClientConfig {
  const before = config.cluster;
  const clusters = config.clusters.filter((entry) => entry.name !== name);
  const kept =
    before !== undefined && before.name !== '' && before.name !== name && before.secret !== undefined
      ? keepSecret(clusters, before.name, before.secret)
      : clusters;
  const own = before?.name === name ? before : {};
  return { ...config, cluster: { ...own, name, secret }, clusters: [...kept, { name, token }] };
}

function keepSecret(clusters: ClientConfig['clusters'], name: string, secret: string): ClientConfig['clusters'] {
  return clusters.some((entry) => entry.name === name)
    ? clusters.map((entry) => (entry.name === name ? { ...entry, secret } : entry))
    : [...clusters, { name, secret }];
}

export async function saveCredentials(invocation: Invocation, enrolled: Enrolled): Promise<void> {
  await changeConfig(invocation, (config) => withCredentials(config, enrolled));
}

/** Without anything of the cluster: it was deleted, so what it had opens nothing any more. */
export function withoutCredentials(config: ClientConfig, name: string): ClientConfig {
  const { cluster, ...rest } = config;
  return {
    ...rest,
    ...(cluster === undefined || cluster.name === name ? {} : { cluster }),
    clusters: config.clusters.filter((entry) => entry.name !== name),
  };
}

/** Resolves to whether there was anything to forget. */
export async function forgetCredentials(invocation: Invocation, name: string): Promise<boolean> {
  const { config } = await readSettings(invocation);
  if (config.cluster?.name !== name && !config.clusters.some((entry) => entry.name === name)) return false;
  await changeConfig(invocation, (config) => withoutCredentials(config, name));
  return true;
}
