/**
 * The one table between Rainbow's error codes and gRPC's status codes (Connect uses the same numbers), for both
 * directions: the server's edge answers by it, the client reads by it. Status codes are those of gRPC's
 * `doc/statuscodes.md`. The way back is total: a proxy may answer a status that our server never sends.
 */
import type { ErrorCode } from '../core/errors.ts';

const statuses: Readonly<Record<ErrorCode, number>> = {
  invalid_input: 3, // INVALID_ARGUMENT
  deadline_exceeded: 4, // DEADLINE_EXCEEDED
  not_found: 5, // NOT_FOUND
  already_exists: 6, // ALREADY_EXISTS
  permission_denied: 7, // PERMISSION_DENIED
  resource_exhausted: 8, // RESOURCE_EXHAUSTED
  failed_precondition: 9, // FAILED_PRECONDITION
  aborted: 10, // ABORTED
  out_of_range: 11, // OUT_OF_RANGE
  unimplemented: 12, // UNIMPLEMENTED
  internal: 13, // INTERNAL
  unavailable: 14, // UNAVAILABLE
  unauthenticated: 16, // UNAUTHENTICATED
};

/** Statuses that no code of ours has. */
const foreign: Readonly<Record<number, ErrorCode>> = {
  1: 'aborted', // CANCELLED
  2: 'internal', // UNKNOWN
  15: 'internal', // DATA_LOSS
};

const codes = new Map<number, ErrorCode>(
  Object.entries(statuses).map(([code, status]) => [status, code as ErrorCode] as const),
);

/** The gRPC status code for an error code. */
export function statusOf(code: ErrorCode): number {
  return statuses[code];
}

/** The error code for a gRPC status code other than 0; `internal` for one that nobody knows. */
export function codeOf(status: number): ErrorCode {
  return codes.get(status) ?? foreign[status] ?? 'internal';
}
