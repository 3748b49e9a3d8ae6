/**
 * A process of the simulation: its clock, timers and entropy, and how it reaches what is outside of it. When it is
 * killed nothing of it happens any more: its timers are gone and whatever it waits for never comes.
 */
import type { System } from '../../src/system/system.ts';
import type { Mortal, Timeline } from './timeline.ts';

export class Process implements Mortal {
  alive = true;
  readonly name: string;
  readonly system: System;
  readonly #timeline: Timeline;

  /** `clock`: of its computer, in milliseconds beside the true time; shared by the processes of one computer. */
  constructor(timeline: Timeline, name: string, clock: { ahead: number }) {
    this.#timeline = timeline;
    this.name = name;
    this.system = {
      clock: {
        now: () => Math.floor(timeline.now + clock.ahead),
        monotonic: () => timeline.elapsed,
      },
      timers: {
        after: (ms, action) => timeline.plan(ms, this, action),
        every: (ms, action) => {
          let planned = { cancel: (): void => undefined };
          const again = (): void => {
            planned = timeline.plan(Math.max(1, ms), this, () => {
              again();
              action();
            });
          };
          again();
          return { cancel: () => planned.cancel() };
        },
        soon: (action) => void timeline.plan(0, this, action),
      },
      entropy: { bytes: (length) => Uint8Array.from({ length }, () => timeline.chance.below(256)) },
    };
  }

  kill(): void {
    this.alive = false;
  }

  /**
   * Asks something outside: it happens after a while, and the answer takes a while, too. A crash before the first
   * means that it never happened, one before the second that nobody learned of it.
   */
  ask<T>(ms: number, what: string, act: () => T | Promise<T>): Promise<T> {
    const timeline = this.#timeline;
    return new Promise((resolve, reject) => {
      if (!this.alive) return;
      timeline.plan(timeline.delay(ms), this, () => {
        timeline.note(`${this.name}: ${what}`);
        // In the order of answers, not of promises.
        const answer = (settle: () => void): void => void timeline.plan(timeline.delay(ms), this, settle);
        Promise.resolve()
          .then(act)
          .then(
            (value) => answer(() => resolve(value)),
            (error: unknown) => answer(() => reject(error)),
          );
      });
    });
  }
}
