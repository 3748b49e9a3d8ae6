/** Who may change a cluster: whoever has its secret, or an operator. */
import { invalid, RainbowError } from '../../core/errors.ts';
import type { ClusterRecord } from '../../store/store.ts';
import type { CallContext } from '../call.ts';
import type { Parts } from '../parts.ts';

/** With the cluster's own secret; an operator (by `authorization`) may leave the secret out. */
export function admit(parts: Parts, call: CallContext, name: string, secret: string): ClusterRecord {
  if (secret !== '') return parts.authenticator.cluster(name, secret, call);
  if (parts.authenticator.principal(call).kind !== 'operator') {
    throw invalid('secret', 'is empty; send the secret that the cluster got when it registered');
  }
  return existing(parts, name);
}

export function existing(parts: Parts, name: string): ClusterRecord {
  const cluster = parts.scheduler.registry.get(name);
  if (cluster === null) throw noSuchCluster(name);
  return cluster;
}

export function noSuchCluster(name: string): RainbowError {
  const shown = JSON.stringify(name.slice(0, 80));
  return new RainbowError('not_found', `there is no cluster ${shown}; "rainbow clusters" lists those there are`);
}
