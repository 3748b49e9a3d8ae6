/**
 * What went wrong with a call, in words that name the remedy. An error of the server comes out as it was there; the
 * others (no server, no route, no trust) are told by what grpc-js says of them.
 */
import { RainbowError, type ErrorCode } from '../core/errors.ts';
import { codeOf } from '../wire/error-codes.ts';

export interface CallFacts {
  /** `localhost:50051` */
  readonly address: string;
  readonly secure: boolean;
  /** `rainbow.v1.JobService/Submit` */
  readonly method: string;
  /** Null where the call may last for ever. */
  readonly timeoutMs: number | null;
}

export interface CallStatus {
  /** gRPC's, not 0. */
  readonly code: number;
  readonly details: string;
  /** The server's own word for it (wire/error-marker.ts); null where the status is not the server's. */
  readonly named: string | null;
}

const CANCELLED = 1;
const DEADLINE_EXCEEDED = 4;
const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;
const UNAVAILABLE = 14;

export function callError(status: CallStatus, facts: CallFacts): RainbowError {
  if (status.named !== null) return new RainbowError(codeNamed(status), status.details, { cause: status });
  switch (status.code) {
    case CANCELLED:
      return canceled();
    case DEADLINE_EXCEEDED:
      return neverConnected(status.details) ? silent(status, facts) : late(status, facts);
    case UNAVAILABLE:
      return unreachable(status, facts);
    case RESOURCE_EXHAUSTED:
      return new RainbowError(
        'resource_exhausted',
        `a message of ${facts.method} is over the limit for one (${status.details}): send or ask for less at once; a large graph goes in pieces`,
        { cause: status },
      );
    case UNIMPLEMENTED:
      return new RainbowError(
        'unimplemented',
        `what answers at ${facts.address} does not know ${facts.method}: an older Rainbow, or another program`,
        { cause: status },
      );
    default:
      return new RainbowError(codeOf(status.code), status.details || `the call failed with status ${status.code}`, {
        cause: status,
      });
  }
}

/** Nothing was heard of the server: it may be gone, or hang. */
export function isUnanswered({ code, named }: CallStatus): boolean {
  return named === null && (code === UNAVAILABLE || code === DEADLINE_EXCEEDED);
}

/** The caller's own AbortSignal ended the call. */
export function canceled(reason?: unknown): RainbowError {
  return new RainbowError('aborted', 'the call was canceled', { cause: reason });
}

function codeNamed({ named, code }: CallStatus): ErrorCode {
  // A newer server may know a word that we do not; its status then still says the kind.
  return named !== null && KNOWN.has(named) ? (named as ErrorCode) : codeOf(code);
}

const KNOWN: ReadonlySet<string> = new Set<ErrorCode>([
  'invalid_input',
  'unauthenticated',
  'permission_denied',
  'not_found',
  'already_exists',
  'failed_precondition',
  'aborted',
  'resource_exhausted',
  'unavailable',
  'deadline_exceeded',
  'unimplemented',
  'internal',
]);

function late(status: CallStatus, { address, timeoutMs }: CallFacts): RainbowError {
  const within = timeoutMs === null ? 'in time' : `within ${timeoutMs / 1000} s`;
  return new RainbowError(
    'deadline_exceeded',
    `the server at ${address} did not answer ${within}: it may still carry the call out; look before you ask again`,
    { cause: status },
  );
}

function silent(status: CallStatus, { address, timeoutMs }: CallFacts): RainbowError {
  return new RainbowError(
    'unavailable',
    `nothing answers at ${address} within ${(timeoutMs ?? 0) / 1000} s: check host and port, and whether a firewall is between`,
    { cause: status },
  );
}

/** grpc-js lists in a deadline's text what the call was still waiting for. */
function neverConnected(details: string): boolean {
  return /LB pick|name resolution/i.test(details) && !details.includes('remote_addr');
}

function unreachable(status: CallStatus, { address, secure, timeoutMs }: CallFacts): RainbowError {
  const { details } = status;
  const say = (message: string) => new RainbowError('unavailable', message, { cause: status });
  if (/name resolution|ENOTFOUND|EAI_AGAIN/i.test(details)) {
    return say(`the host name in "${address}" cannot be resolved: check it, or name another with --host`);
  }
  if (/certificate|altname|self.signed|issuer|CERT_/i.test(details)) {
    return say(
      `the certificate of the server at ${address} is not trusted: name who signed it with --ca-cert (${why(details)})`,
    );
  }
  if (secure && /wrong version|packet length/i.test(details)) {
    return say(`the server at ${address} does not use TLS: leave out --ca-cert, --cert and --key`);
  }
  if (secure && /EPROTO|SSL|disconnected before secure/i.test(details)) {
    return say(
      `the server at ${address} refuses this TLS connection: does it use TLS, and does it ask for a client certificate (--cert, --key)? (${why(details)})`,
    );
  }
  if (/Last error: Protocol error/i.test(details)) {
    return say(`what answers at ${address} does not speak gRPC: check the port`);
  }
  if (/Last error: (Failed to connect|.*ECONNRESET|.*socket hang up)/i.test(details)) {
    return say(
      `what listens at ${address} closes the connection at once: ${
        secure ? 'it may not use TLS, or ask for a client certificate (--cert, --key)' : 'it may expect TLS (--ca-cert)'
      }`,
    );
  }
  if (/connection dropped|ECONNRESET|EPIPE|refused by server|closed/i.test(details)) {
    // What may last for ever is a stream that one follows: there is nothing that may have been carried out.
    if (timeoutMs === null) return say(`the connection to ${address} broke`);
    return say(
      `the connection to ${address} broke before the answer came: it is not known whether the call was carried out`,
    );
  }
  return say(`no server answers at ${address}: start one with \`rainbow serve\`, or name another with --host`);
}

/** The innermost cause that grpc-js reports. */
function why(details: string): string {
  return (/Last error: (?:Error: )?([^.\n]*)/.exec(details)?.[1] ?? details).slice(0, 200);
}
