/** Work that yields now and then, run beside everything else: the event loop gets its turn after each few milliseconds. */
import type { System } from '../system/system.ts';

/** Milliseconds of work between two turns. */
const SLICE = 4;

/** Resolves in the very turn of the last step. */
export async function inSlices<T>(work: Generator<void, T>, { clock, timers }: Slicing): Promise<T> {
  for (let until = clock.monotonic() + SLICE; ;) {
    const step = work.next();
    if (step.done === true) return step.value;
    if (clock.monotonic() < until) continue;
    await new Promise<void>((resolve) => void timers.after(0, resolve));
    until = clock.monotonic() + SLICE;
  }
}

export type Slicing = Pick<System, 'clock' | 'timers'>;
