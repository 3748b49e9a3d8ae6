/**
 * The one place that turns what went wrong into an exit code and words: 1 = could not do it, 2 = called wrongly,
 * 130 = stopped by Ctrl-C or SIGTERM before the end.
 */
import { CommanderError } from 'commander';
import { RainbowError } from '../core/errors.ts';

export type ExitCode = number;

/** The command was called wrongly: exit code 2. The message says what is right. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** Stopped by a signal before it was done. */
export class Stopped extends Error {
  constructor() {
    super('stopped');
    this.name = 'Stopped';
  }
}

export interface Failure {
  readonly code: ExitCode;
  /** For standard error; null where everything has been said. */
  readonly message: string | null;
}

/** All that a server says of a wrong secret: not even which one it was. */
export const REQUEST_DENIED = 'request denied';

/** What to do about errors whose own message does not know it. */
function remedy(error: RainbowError): string {
  return error.code === 'unauthenticated' && error.message === REQUEST_DENIED
    ? '\nCheck the tokens and secrets in the configuration (--config-path), or register the cluster again.'
    : '';
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

/** An option's value that only its reader, further in, knows to be wrong: the place is the option itself. */
function isWrongOption(error: unknown): error is RainbowError {
  return error instanceof RainbowError && error.code === 'invalid_input' && error.place?.startsWith('--') === true;
}

/** Never throws. */
export function failureOf(error: unknown, stopped: boolean): Failure {
  if (error instanceof CommanderError) {
    // Commander has printed its message already; help and version are no failure.
    return { code: error.exitCode === 0 ? 0 : 2, message: null };
  }
  if (error instanceof UsageError || isWrongOption(error)) return { code: 2, message: error.message };
  if (error instanceof Stopped || stopped) return { code: 130, message: null };
  if (error instanceof RainbowError) return { code: 1, message: error.message + remedy(error) };
  if (isSystemError(error)) return { code: 1, message: error.message };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 1, message: `something unexpected went wrong; please report it:\n${text}` };
}
