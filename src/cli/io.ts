/**
 * What a command has of the outside world: streams, environment, the system, and a signal that says "stop".
 * Handed in, so that tests run commands in their own process; `main.ts` makes the real one.
 */
import type { System } from '../system/system.ts';

export interface Sink {
  write(text: string | Uint8Array): void;
  readonly isTTY: boolean;
  /** Characters across; 80 where that is unknown. */
  readonly columns: number;
}

export interface Io {
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** All of standard input, or more than `most` bytes of it. */
  readStdin(most?: number): Promise<string | Uint8Array>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly system: System;
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}
