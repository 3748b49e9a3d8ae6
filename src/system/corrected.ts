/**
 * The time by somebody else's clock, where several machines have to agree on it: their own may differ, and a lease or a
 * deadline is not to end by the clock of the one that is an hour ahead. Corrected by no more than what was seen proves
 * to be wrong, so that where the clocks agree it is never touched.
 */
import type { System } from './system.ts';

export interface Corrected {
  /** As what was given; `clock.now()` is corrected. */
  readonly system: System;
  /** Asks what time it is there, and goes by it from now on. The answer is of a moment between question and answer. */
  readonly ask: (there: () => Promise<number>) => Promise<void>;
}

export function correctedTime(given: System): Corrected {
  const { clock } = given;
  let ahead = 0;
  const now = (): number => clock.now() + ahead;
  return {
    system: { ...given, clock: { ...clock, now } },
    async ask(there) {
      const [before, began] = [now(), clock.monotonic()];
      const time = await there();
      // By the monotonic clock, so that setting the other one meanwhile is part of what is corrected.
      const after = now();
      const waited = clock.monotonic() - began;
      const least = time - Math.max(after, before + waited);
      const most = time - Math.min(before, after - waited);
      ahead += Math.round(Math.min(Math.max(0, least), most));
    },
  };
}
