/** The order in which jobs that wait at one busy cluster take what falls free: priority, then id, new ones last. */
import type { JobId } from '../store/store.ts';

export interface Waiting {
  readonly jobId: JobId | null;
  readonly priority: number;
}

function before(a: Waiting, b: Waiting): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.jobId === null || b.jobId === null) return b.jobId === null && a.jobId !== null;
  return a.jobId.length === b.jobId.length ? a.jobId < b.jobId : a.jobId.length < b.jobId.length;
}

/** Keeps `queue` sorted; equal ones in order of coming. */
export function insertWaiting<W extends Waiting>(queue: W[], entry: W): void {
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (before(entry, queue[middle] as W)) high = middle;
    else low = middle + 1;
  }
  queue.splice(low, 0, entry);
}

/** Many at once, where one by one would move the rest of the queue for each: 4 s of 250,000 jobs. */
export function insertAllWaiting<W extends Waiting>(queue: W[], entries: readonly W[]): void {
  if (entries.length === 0) return;
  for (const entry of entries) queue.push(entry);
  queue.sort((a, b) => (before(a, b) ? -1 : before(b, a) ? 1 : 0));
}

export function removeWaiting<W>(queue: W[], entry: W): void {
  const place = queue.indexOf(entry);
  if (place >= 0) queue.splice(place, 1);
}
