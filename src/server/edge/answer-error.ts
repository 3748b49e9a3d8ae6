/**
 * Turns whatever a handler threw into what the caller may see: a status code and a text. What is not a RainbowError,
 * or is an `internal` one, goes to the log with its cause under a request id, and the caller gets the id alone.
 */
import { RainbowError, type ErrorCode } from '../../core/errors.ts';
import type { System } from '../../system/system.ts';
import { statusOf } from '../../wire/error-codes.ts';
import type { Log } from './log.ts';
import type { OpenCall } from './open-call.ts';

export interface ErrorAnswer {
  readonly code: ErrorCode;
  /** A gRPC status code. */
  readonly status: number;
  readonly message: string;
}

/** Bytes of UTF-8. A gRPC client may refuse headers beyond 8 KiB, and three header bytes may stand for one of ours. */
const MAX_MESSAGE_BYTES = 2048;

export function answerError(error: unknown, call: OpenCall, log: Log, system: System): ErrorAnswer {
  if (error instanceof RainbowError && error.code !== 'internal') {
    return { code: error.code, status: statusOf(error.code), message: presentable(error.message) };
  }
  const request = Buffer.from(system.entropy.bytes(8)).toString('hex');
  log.error({ request, method: call.method, peer: call.peer, err: error }, 'a handler failed');
  return {
    code: 'internal',
    status: statusOf('internal'),
    message: `internal error (request ${request}): the server's log says more under that id`,
  };
}

/** Fit for a header: well-formed Unicode (grpc-js throws on a lone surrogate), of bounded length, cut between characters. */
export function presentable(message: string): string {
  const whole = message.toWellFormed();
  const bytes = Buffer.from(whole, 'utf8');
  if (bytes.length <= MAX_MESSAGE_BYTES) return whole;
  // `stream: true` drops the bytes of a character that was cut in two.
  const kept = new TextDecoder().decode(bytes.subarray(0, MAX_MESSAGE_BYTES), { stream: true });
  return `${kept}… (${bytes.length} bytes in all)`;
}
