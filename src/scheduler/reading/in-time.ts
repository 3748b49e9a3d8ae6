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

/** What comes. */
export interface Coming<T> {
  /** As errors have it: `graph`, `files`. */
  readonly what: string;
  /** Bytes or characters that a piece counts for. */
  readonly sizeOf: (piece: T) => number;
}

const GRAPH: Coming<string | Uint8Array> = { what: 'graph', sizeOf: ({ length }) => length };

export function inTime(
  pieces: AsyncIterator<string | Uint8Array>,
  system: Pick<Slicing, 'clock' | 'timers'>,
): AsyncIterator<string | Uint8Array> {
  return comingInTime(pieces, system, GRAPH);
}

/** `next` rejects with `deadline_exceeded`; `return` does not wait for a source that has stalled. */
export function comingInTime<T>(
  pieces: AsyncIterator<T>,
  { clock, timers }: Pick<Slicing, 'clock' | 'timers'>,
  { what, sizeOf }: Coming<T>,
): AsyncIterator<T> {
  let left = MOST;
  return {
    async next() {
      const from = clock.monotonic();
      let timer: Timer | null = null;
      const late = new Promise<never>((_, reject) => {
        timer = timers.after(left, () => {
          reject(lateError(what));
        });
      });
      try {
        const step = await Promise.race([pieces.next(), late]);
        const came = step.done === true ? 0 : sizeOf(step.value);
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

function lateError(what: string): RainbowError {
  return new RainbowError(
    'deadline_exceeded',
    `the ${what} stopped coming: for ${MOST / 1000} s nothing more, or less than ${SLOWEST} KB in a second; send again`,
    { place: what },
  );
}
