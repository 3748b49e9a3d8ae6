/**
 * What both ways of registering share, whether the graph is here or comes in pieces: admit, check, write (the registry validates
 * the graph in full and writes everything in one transaction), answer the credentials once.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { invalid, RainbowError } from '../../core/errors.ts';
import { checkName } from '../../core/names.ts';
import type { RegisterClusterResponseSchema } from '../../gen/rainbow/v1/clusters_pb.js';
import type { CallContext } from '../call.ts';
import type { Source } from '../../scheduler/reading/reader.ts';
import type { Parts } from '../parts.ts';
import { hashSecret, newUuid } from '../secrets.ts';
import { admit } from './admit.ts';
import { clusterToWire } from './convert.ts';

export interface Enrollment {
  readonly name: string;
  readonly secret: string;
  readonly replace: boolean;
}

/** May this caller register, or replace? Before its graph is looked at. */
export function admitEnrollment(parts: Parts, call: CallContext, request: Enrollment): void {
  if (request.replace) {
    admit(parts, call, request.name, request.secret);
    return;
  }
  if (request.secret !== '' || parts.authenticator.principal(call).kind !== 'operator') {
    parts.authenticator.server(request.secret, call);
  }
  checkName(request.name, 'name');
  if (parts.scheduler.registry.get(request.name) !== null) throw taken(request.name);
}

export async function enroll(
  parts: Parts,
  request: Enrollment,
  graph: Source,
): Promise<MessageInitShape<typeof RegisterClusterResponseSchema>> {
  const { registry } = parts.scheduler;
  if (graph === '') throw invalid('graph', 'is empty; send the resource graph as JGF version 2 text');
  if (request.replace) {
    const cluster = await registry.replaceGraph(request.name, graph);
    parts.log.info({ cluster: cluster.name, graphVersion: cluster.graphVersion }, 'replace');
    return { secret: '', token: '', cluster: clusterToWire(parts, cluster) };
  }
  const secret = newUuid(parts.system.entropy);
  const token = parts.settings.globalToken ?? newUuid(parts.system.entropy);
  const cluster = await registry.register({
    name: request.name,
    secretHash: hashSecret(secret),
    tokenHash: hashSecret(token),
    graph,
  });
  parts.log.info({ cluster: cluster.name }, 'register');
  return { secret, token, cluster: clusterToWire(parts, cluster) };
}

function taken(name: string): RainbowError {
  return new RainbowError(
    'already_exists',
    `there is a cluster ${JSON.stringify(name)} already; choose another name, or replace its graph with the cluster's own secret`,
  );
}
