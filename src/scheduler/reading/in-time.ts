/**
 * The pieces of a document, as long as they come: 15 s may pass without any, and these come back by 1 s with each 16 KiB,
 * so that a sender who says little now and then ends like one who says nothing. Only time in which somebody waits for a
 * piece counts: who is held up because it is read slowly loses none.
 */
import { RainbowError } from '../../core/errors.ts';
import type { Slicing } from '../in-slices.ts';
import type { Timer } from '../../system/system.ts';

/** Milliseconds. */
const MOST = 15_000;
/** Characters or bytes in a millisecond. */
const SLOWEST = 16;

/** `next` rejects with `deadline_exceeded`; `return` does not wait for a source that has stalled. */
export function inTime(
  pieces: AsyncIterator<string | Uint8Array>,
  { clock, timers }: Slicing,
): AsyncIterator<string | Uint8Array> {
  let left = MOST;
  return {
    async next() {
      const from = clock.monotonic();
      let timer: Timer | null = null;
      const late = new Promise<never>((_, reject) => {
        timer = timers.after(left, () => {
          reject(lateError());
        });
      });
      try {
        const step = await Promise.race([pieces.next(), late]);
        const came = step.done === true ? 0 : step.value.length;
        left = Math.min(MOST, Math.max(0, left - (clock.monotonic() - from)) + came / SLOWEST);
        return step;
      } finally {
        (timer as Timer | null)?.cancel();
      }
    },
    return() {
      void Promise.resolve(pieces.return?.()).catch(() => undefined);
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}

function lateError(): RainbowError {
  return new RainbowError(
    'deadline_exceeded',
    `the graph stopped coming: for ${MOST / 1000} s no more of it, or less than ${SLOWEST} KB in a second; send it again`,
    { place: 'graph' },
  );
}
