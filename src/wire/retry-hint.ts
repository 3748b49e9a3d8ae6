/**
 * When to try again, beside an answer that says "not now": gRPC's own word for it (gRFC A6, read by clients that retry)
 * and HTTP's (RFC 9110, 10.2.3). Half a second: what is away is tried again by the server four times a second.
 */
import type { ErrorCode } from '../core/errors.ts';

const HINTS: readonly (readonly [string, string])[] = [
  ['grpc-retry-pushback-ms', '500'],
  ['retry-after', '1'],
];

export function retryHints(code: ErrorCode): readonly (readonly [string, string])[] {
  return code === 'unavailable' ? HINTS : [];
}
