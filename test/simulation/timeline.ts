/**
 * Everything that will happen, in one order: a queue of planned moments under a simulated clock. One fires at a time;
 * between two of them every promise that can go on has gone on, so that a crash may fall between any two.
 * Invariant: the order follows from the seed alone. What a dead process planned never fires.
 * A *step* is a moment after which something went through a port (a message, a write, a start); the ticking of idle
 * timers is none.
 */
import { createHash } from 'node:crypto';
import { seededRandom, type SeededRandom } from '../../src/core/random.ts';

/** Whose moment it is: nothing happens to the dead. */
export interface Mortal {
  readonly alive: boolean;
}

interface Planned {
  readonly at: number;
  readonly order: number;
  readonly owner: Mortal | null;
  readonly action: () => void;
  canceled: boolean;
}

const FIRST_OF_2026 = 1_767_225_600_000;
/** Lines of the trace that are kept for whoever reads about a failure. */
const KEPT = 120;

export class Timeline {
  /** Milliseconds since the beginning. */
  elapsed = 0;
  steps = 0;
  /** Delays and losses; what users do and what breaks is in the plan. */
  readonly chance: SeededRandom;
  readonly #heap: Planned[] = [];
  readonly #digest = createHash('sha256');
  readonly #last: string[] = [];
  #made = 0;
  #notes = 0;

  constructor(seed: string) {
    this.chance = seededRandom(seed);
  }

  /** Milliseconds since 1970: the true time. */
  get now(): number {
    return FIRST_OF_2026 + this.elapsed;
  }

  /** One in `odds`. */
  oneIn(odds: number): boolean {
    return this.chance.below(odds) === 0;
  }

  /** Mostly about `ms`, at times twenty times that, in steps of a microsecond. */
  delay(ms: number): number {
    const most = this.oneIn(12) ? ms * 20 : ms;
    return this.chance.below(Math.max(1, Math.round(most * 1000))) / 1000;
  }

  plan(ms: number, owner: Mortal | null, action: () => void): { cancel(): void } {
    const entry = { at: this.elapsed + Math.max(0, ms), order: this.#made++, owner, action, canceled: false };
    this.#push(entry);
    return { cancel: () => void (entry.canceled = true) };
  }

  /** Something went through a port. */
  note(what: string): void {
    const line = `${this.elapsed.toFixed(3)} ${what}`;
    this.#digest.update(line);
    this.#last.push(line);
    if (this.#last.length > 2 * KEPT) this.#last.splice(0, KEPT);
    this.#notes += 1;
  }

  /** Fires the next moment and lets everything go on; false where nothing is planned any more. */
  async next(): Promise<boolean> {
    const entry = this.#take();
    if (entry === null) return false;
    this.elapsed = Math.max(this.elapsed, entry.at);
    const before = this.#notes;
    entry.action();
    await settled();
    if (this.#notes !== before) this.steps += 1;
    return true;
  }

  /** Of all that was noted: the same seed gives the same. */
  digest(): string {
    return this.#digest.copy().digest('hex');
  }

  last(): readonly string[] {
    return this.#last.slice(-KEPT);
  }

  #take(): Planned | null {
    for (;;) {
      const top = this.#pop();
      if (top === undefined) return null;
      if (!top.canceled && (top.owner === null || top.owner.alive)) return top;
    }
  }

  #push(entry: Planned): void {
    const heap = this.#heap;
    let place = heap.push(entry) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = entry;
  }

  #pop(): Planned | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, last)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = last;
    return top;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** One turn of the event loop: all microtasks have run, however long their chains. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
