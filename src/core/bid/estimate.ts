/**
 * When a job would start, from a snapshot of the queue: list scheduling, first come first served, on counts of
 * resources. `backlogOf` walks what runs and waits once, O((R + W) · log R); `startIn` then answers for any job behind
 * it in O(log R). 10,000 entries take a few milliseconds.
 *
 * The median walks with the mean run time, since a sum of many jobs comes out near the sum of their means. A walk with
 * everybody's P90 gives a bound that is right for one job in a row and far too late for many; so the P90 is
 * median + (bound − median) / √depth, where depth is the number of jobs that have to end one after the other.
 *
 * Limits: only counts, so that fragmentation and what ties resources together are not seen; no overtaking. What is
 * systematically wrong in that, the cluster's record corrects (correct.ts).
 */
import { MinHeap } from './heap.ts';
import { runtimeModel, type Expected, type Ratios } from './ratios.ts';

/** Counts by type: {node: 4, core: 64}. A type that a cluster does not list is not counted there. */
export type Counts = Readonly<Record<string, number>>;

export interface QueueSnapshot {
  /** Everything there is. */
  readonly total: Counts;
  /** What nobody has now. */
  readonly free: Counts;
  readonly running: readonly RunningEntry[];
  /** In the order in which they are to start; only those that the new job would stand behind. */
  readonly waiting: readonly WaitingEntry[];
  readonly ratios: Ratios;
}

export interface WaitingEntry {
  readonly takes: Counts;
  /** Seconds. */
  readonly walltime: number;
}

export interface RunningEntry extends WaitingEntry {
  /** Seconds since it started. */
  readonly elapsed: number;
}

/** A walk's end: everything that waited has started. Times are seconds from the snapshot. */
interface Walk {
  /** When the last of the waiting started. */
  readonly from: number;
  readonly depth: number;
  /** Ends of what runs then, ascending; `free[i]` by type is free once the first i have ended. */
  readonly ends: Float64Array;
  readonly depths: Int32Array;
  readonly free: readonly Float64Array[];
}

export interface Backlog {
  readonly types: readonly string[];
  readonly total: Counts;
  readonly typical: Walk;
  readonly bound: Walk;
}

export function backlogOf(snapshot: QueueSnapshot): Backlog {
  const types = Object.keys(snapshot.total);
  const model = runtimeModel(snapshot.ratios);
  const fitting = snapshot.waiting.filter(({ takes }) => fits(takes, snapshot.total));
  const expected: readonly Expected[] = [
    ...snapshot.running.map(({ walltime, elapsed }) => model.remaining(walltime, elapsed)),
    ...fitting.map(({ walltime }) => model.remaining(walltime, 0)),
  ];
  const entries = [...snapshot.running, ...fitting];
  const takes = types.map((type) => Float64Array.from(entries, (entry) => entry.takes[type] ?? 0));
  const walkWith = (of: 'mean' | 'p90'): Walk =>
    walk(
      takes,
      Float64Array.from(expected, (each) => each[of]),
      types.map((type) => snapshot.free[type] ?? 0),
      snapshot.running.length,
    );
  return { types, total: snapshot.total, typical: walkWith('mean'), bound: walkWith('p90') };
}

/** Seconds from the snapshot; null where even the empty cluster could not hold it. */
export function startIn(backlog: Backlog, takes: Counts): { readonly p50: number; readonly p90: number } | null {
  if (!fits(takes, backlog.total)) return null;
  const needs = backlog.types.map((type) => takes[type] ?? 0);
  const typical = startOf(backlog.typical, needs);
  const bound = startOf(backlog.bound, needs);
  const spread = Math.max(0, bound.at - typical.at) / Math.sqrt(Math.max(1, typical.depth));
  return { p50: typical.at, p90: typical.at + spread };
}

/** The first `running` entries run; each of the others starts, in order, as soon as its counts are free. */
function walk(takes: readonly Float64Array[], lasts: Float64Array, free: number[], running: number): Walk {
  const depthOf = new Int32Array(lasts.length);
  const heap = new MinHeap(lasts.length);
  for (let i = 0; i < running; i++) {
    heap.push(lasts[i]!, i);
    depthOf[i] = 1;
  }
  let at = 0;
  let depth = 0;
  for (let i = running; i < lasts.length; i++) {
    while (!takes.every((each, type) => each[i]! <= free[type]!) && heap.size > 0) {
      at = Math.max(at, heap.least);
      const ended = heap.pop();
      depth = Math.max(depth, depthOf[ended]!);
      for (let type = 0; type < takes.length; type++) free[type]! += takes[type]![ended]!;
    }
    for (let type = 0; type < takes.length; type++) free[type]! -= takes[type]![i]!;
    heap.push(at + lasts[i]!, i);
    depthOf[i] = depth + 1;
  }
  const left = heap.size;
  const ends = new Float64Array(left);
  const depths = new Int32Array(left);
  const after = free.map((each) => new Float64Array(left + 1).fill(each, 0, 1));
  for (let i = 0; i < left; i++) {
    ends[i] = heap.least;
    const ended = heap.pop();
    depths[i] = Math.max(depthOf[ended]!, i > 0 ? depths[i - 1]! : depth);
    for (let type = 0; type < takes.length; type++) after[type]![i + 1] = after[type]![i]! + takes[type]![ended]!;
  }
  return { from: at, depth, ends, depths, free: after };
}

/** What is free only grows from end to end, so the first moment that suffices is found by halving. */
function startOf(walk: Walk, needs: readonly number[]): { readonly at: number; readonly depth: number } {
  const suffices = (ended: number): boolean => needs.every((need, type) => walk.free[type]![ended]! >= need);
  let [low, high] = [0, walk.ends.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (suffices(middle)) high = middle;
    else low = middle + 1;
  }
  if (low === 0) return { at: walk.from, depth: walk.depth };
  return { at: Math.max(walk.from, walk.ends[low - 1]!), depth: walk.depths[low - 1]! };
}

function fits(takes: Counts, total: Counts): boolean {
  for (const type in total) if ((takes[type] ?? 0) > total[type]!) return false;
  return true;
}
