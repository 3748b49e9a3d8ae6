/**
 * What the outside world is to Rainbow, handed in by the composition root and by the fault simulation.
 * Nothing but `real.ts` touches the globals (lint forbids it).
 */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds from any start; for durations. */
  monotonic(): number;
}

export interface Timer {
  cancel(): void;
}

export interface Timers {
  /** Runs `action` once, `ms` from now. */
  after(ms: number, action: () => void): Timer;
  every(ms: number, action: () => void): Timer;
  /** Runs `action` once everything that has come in by now has been handled; no time need pass. */
  soon(action: () => void): void;
}

export interface Entropy {
  /** Cryptographically strong bytes. */
  bytes(length: number): Uint8Array;
}

export interface System {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly entropy: Entropy;
}
