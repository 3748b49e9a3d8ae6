/** BidService, one file per call. */
import { BidService } from '../../gen/rainbow/v1/bid_pb.js';
import { bind, type Binding } from '../call.ts';
import type { Parts } from '../parts.ts';
import { getRecord } from './get-record.ts';
import { replay } from './replay.ts';

export function bidHandlers(parts: Parts): Binding {
  return bind(BidService, { getRecord: getRecord(parts), replay: replay(parts) });
}
