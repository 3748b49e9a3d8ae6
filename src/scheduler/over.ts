/**
 * Attempts that take nothing any more, remembered while the answer to a write that may have begun one of them is awaited.
 * Limits: what was learnt before the oldest awaited write began cannot be of what it begins, and is dropped; so there is no
 * more than what ends while one write is answered, and `MOST` at the most.
 */
import type { JobId } from '../store/store.ts';

export interface Over<Write extends object> {
  /** A write is about to be made. */
  opened(write: Write): void;
  /** It is answered, or has failed. */
  closed(write: Write): void;
  /** The job's attempts up to this epoch take nothing any more. */
  note(job: JobId, epoch: number): void;
  /** Is this attempt known to take nothing any more? */
  has(job: JobId, epoch: number): boolean;
  readonly size: number;
}

const MOST = 100_000;

export function createOver<Write extends object>(most = MOST): Over<Write> {
  /** With its number; the oldest first. */
  const open = new Map<Write, number>();
  /** By job, the epoch, and the number of the last write that was begun before this was learnt; the oldest first. */
  const over = new Map<JobId, { readonly epoch: number; readonly after: number }>();
  let writes = 0;

  const forget = (): void => {
    if (open.size === 0) {
      over.clear();
      return;
    }
    const [oldest] = open.values();
    for (const [job, { after }] of over) {
      if (after >= oldest! && over.size <= most) return;
      over.delete(job);
    }
  };

  return {
    opened: (write) => void open.set(write, ++writes),
    closed(write) {
      if (open.delete(write)) forget();
    },
    note(job, epoch) {
      if (open.size === 0 || epoch < 1) return;
      const known = over.get(job)?.epoch ?? 0;
      over.delete(job);
      over.set(job, { epoch: Math.max(known, epoch), after: writes });
      if (over.size > most) forget();
    },
    has: (job, epoch) => (over.get(job)?.epoch ?? 0) >= epoch,
    get size() {
      return over.size;
    },
  };
}
