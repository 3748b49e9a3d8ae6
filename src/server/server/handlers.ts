/** ServerService. */
import { ServerService } from '../../gen/rainbow/v1/server_pb.js';
import { bind, type Binding } from '../call.ts';
import type { Parts } from '../parts.ts';
import { getInfo } from './get-info.ts';

export function serverHandlers(parts: Parts): Binding {
  return bind(ServerService, { getInfo: getInfo(parts) });
}
