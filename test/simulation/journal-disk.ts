/** An agent's disk with its journal: a write is there after its sync, and a crash before that loses it. */
import { RainbowError } from '../../src/core/errors.ts';
import { entryKey, type Entry, type Journal } from '../../src/agent/journal.ts';
import { keyText } from '../../src/agent/runners/runner.ts';
import type { Process } from './process.ts';
import type { Timeline } from './timeline.ts';

interface Write {
  readonly apply: () => void;
  readonly done: () => void;
  readonly failed: (error: RainbowError) => void;
}

const SYNC = 2;

export class JournalDisk {
  /** So many of the next commits fail, as on a full disk. */
  fullFor = 0;
  readonly #timeline: Timeline;
  readonly #entries = new Map<string, string>();
  #instance = 0;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** What is durable. */
  get keys(): readonly string[] {
    return [...this.#entries.keys()];
  }

  open(process: Process): Journal {
    const timeline = this.#timeline;
    let waiting: Write[] = [];
    const write = (apply: () => void): Promise<void> =>
      new Promise((done, failed) => {
        if (!process.alive) return;
        // What is asked for in one turn shares a commit.
        if (waiting.length === 0) timeline.plan(timeline.delay(SYNC), process, sync);
        waiting.push({ apply, done, failed });
      });
    const sync = (): void => {
      const writes = waiting;
      waiting = [];
      const full = this.fullFor > 0;
      if (full) this.fullFor -= 1;
      else for (const { apply } of writes) apply();
      timeline.note(`${process.name}: journal ${full ? 'full' : 'synced'} (${writes.length})`);
      timeline.plan(timeline.delay(0.1), process, () => {
        for (const { done, failed } of writes) {
          if (full) failed(new RainbowError('unavailable', 'the disk is full'));
          else done();
        }
      });
    };
    return {
      entries: () => Promise.resolve([...this.#entries.values()].map((text) => JSON.parse(text) as Entry)),
      put: (entry) => {
        const text = JSON.stringify(entry);
        return write(() => void this.#entries.set(keyText(entryKey(entry)), text));
      },
      remove: (key) => write(() => void this.#entries.delete(keyText(key))),
      nextInstance: async (now) => {
        const next = Math.max(now, this.#instance + 1);
        await write(() => void (this.#instance = next));
        return next;
      },
      close: () => Promise.resolve(),
    };
  }
}
