/** GetInfo: what this server is, for anybody. */
import type { ServerService } from '../../gen/rainbow/v1/server_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';

const AGENT_PROTOCOLS = [1];

export function getInfo(parts: Parts): Handlers<typeof ServerService>['getInfo'] {
  return async () => ({
    version: parts.settings.version,
    name: parts.settings.name,
    store: parts.store.kind,
    agentProtocols: AGENT_PROTOCOLS,
    defaultPolicy: parts.settings.policy,
    clientMayChoosePolicy: parts.settings.clientMayChoosePolicy,
  });
}
