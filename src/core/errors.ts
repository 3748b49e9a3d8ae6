/**
 * The few errors that Rainbow knows. Each has a stable code, a message that says what is wrong and what to do,
 * and where one exists the place in the input. `wire/error-codes.ts` alone turns codes into protocol codes,
 * `cli/exit.ts` alone into exit codes. A refusal that is a normal outcome ("no cluster fits") is data, not an error.
 */
export type ErrorCode =
  | 'invalid_input' // the caller's input is wrong; the same call can never succeed
  | 'unauthenticated' // a secret or token is missing or wrong
  | 'permission_denied' // known, but not allowed
  | 'not_found'
  | 'already_exists'
  | 'failed_precondition' // right input, wrong moment or state
  | 'aborted' // lost a race; asking again may succeed
  | 'out_of_range' // what is asked for begins before what is kept
  | 'resource_exhausted' // a limit on size or rate
  | 'unavailable' // the server, store or network cannot serve now; ask again
  | 'deadline_exceeded'
  | 'unimplemented'
  | 'internal';

export interface ErrorOptions {
  /** Where in the input: `graph.nodes["3"].metadata.size`, `resources.train.with[0].count`, `line 4, column 7`. */
  readonly place?: string;
  /** For the log only; never leaves the process. */
  readonly cause?: unknown;
}

export class RainbowError extends Error {
  readonly code: ErrorCode;
  readonly place: string | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(
      options.place === undefined ? message : `${options.place}: ${message}`,
      options.cause === undefined ? {} : { cause: options.cause },
    );
    this.name = 'RainbowError';
    this.code = code;
    this.place = options.place;
  }
}

/** The caller's input is wrong, at `place`. */
export function invalid(place: string, message: string): RainbowError {
  return new RainbowError('invalid_input', message, { place });
}

/** An error as data: a class does not survive the way to another thread. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly place?: string;
}

export function failureFrom(error: RainbowError): Failure {
  if (error.place === undefined) return { code: error.code, message: error.message };
  // The class puts the place before the message; it will again on the other side.
  return { code: error.code, message: error.message.slice(error.place.length + 2), place: error.place };
}

export function errorOf(failure: Failure): RainbowError {
  return new RainbowError(failure.code, failure.message, failure.place === undefined ? {} : { place: failure.place });
}
