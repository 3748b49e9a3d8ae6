/** Asked once for all who want to know at that moment. */
import type { Clock } from '../../../system/system.ts';

/** An answer is given again for so long (milliseconds); one that failed is not. */
export function freshFor<T>(ms: number, clock: Clock, ask: () => Promise<T>): () => Promise<T> {
  let asked: { readonly at: number; readonly answer: Promise<T> } | null = null;
  return () => {
    if (asked !== null && clock.monotonic() - asked.at <= ms) return asked.answer;
    const mine = { at: clock.monotonic(), answer: ask() };
    asked = mine;
    mine.answer.catch(() => {
      if (asked === mine) asked = null;
    });
    return mine.answer;
  };
}
