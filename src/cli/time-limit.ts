/** `--timeout`: how long a command waits at most. What it waits for goes on. */
import { readTime } from '../core/jobspec/time.ts';
import type { Io } from './io.ts';

export interface TimeLimit {
  /** As it was written. */
  readonly text: string;
  /** Aborts when it is over. */
  readonly signal: AbortSignal;
  end(): void;
}

/** The longest that a timer of the system can be set to. */
const LONGEST_MS = 2 ** 31 - 1;

/** Begins now. Errors: `invalid_input` at `--timeout`. */
export function startTimeLimit({ system }: Pick<Io, 'system'>, text: string | undefined): TimeLimit | undefined {
  if (text === undefined) return undefined;
  const over = new AbortController();
  const ms = Math.ceil(readTime(text, '--timeout') * 1000);
  const timer = system.timers.after(Math.min(ms, LONGEST_MS), () => over.abort());
  return { text, signal: over.signal, end: () => timer.cancel() };
}
