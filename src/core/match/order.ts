/**
 * Two small maps of a cluster's vertices: index in its ResourceGraph to position in preorder and back, and id to
 * index. Graphs that `readGraph` made are in preorder already, and ids mostly count upwards: then both cost nothing.
 */
import type { ResourceGraph } from '../graph/graph.ts';

export interface Order {
  /** Parents in preorder. */
  readonly parents: Int32Array;
  /** Null where position and index are the same. */
  readonly indices: Int32Array | null;
  readonly positions: Int32Array | null;
}

export function orderOf(graph: ResourceGraph): Order {
  if (isPreorder(graph.parents)) return { parents: graph.parents, indices: null, positions: null };
  const size = graph.size;
  const first = new Int32Array(size).fill(-1);
  const next = new Int32Array(size).fill(-1);
  for (let i = size - 1; i > 0; i--) {
    const parent = graph.parents[i] as number;
    next[i] = first[parent] as number;
    first[parent] = i;
  }
  const indices = new Int32Array(size);
  const positions = new Int32Array(size);
  const parents = new Int32Array(size).fill(-1);
  const stack = [0];
  for (let position = 0; stack.length > 0; position++) {
    const index = stack.pop() as number;
    indices[position] = index;
    positions[index] = position;
    if (index !== 0) parents[position] = positions[graph.parents[index] as number] as number;
    const kids: number[] = [];
    for (let kid = first[index] as number; kid !== -1; kid = next[kid] as number) kids.push(kid);
    for (let i = kids.length - 1; i >= 0; i--) stack.push(kids[i] as number);
  }
  return { parents, indices, positions };
}

function isPreorder(parents: Int32Array): boolean {
  for (let i = 1; i < parents.length; i++) {
    let at = i - 1;
    while (at !== -1 && at !== parents[i]) at = parents[at] as number;
    if (at === -1) return false;
  }
  return true;
}

export interface IdIndex {
  /** −1 where there is none. */
  find(id: string): number;
  id(index: number): string;
}

/** Ids as runs of consecutive numbers where they are numbers, else as a map. */
export function idIndex(ids: readonly string[]): IdIndex {
  const runs = runsOf(ids);
  // Two functions, so that the first does not keep the ids alive.
  return runs === null ? byMap([...ids]) : byRuns(runs);
}

function byMap(ids: readonly string[]): IdIndex {
  const map = new Map(ids.map((id, i) => [id, i] as const));
  return { find: (id) => map.get(id) ?? -1, id: (index) => ids[index] ?? '' };
}

function byRuns({ starts, ends, values }: Runs): IdIndex {
  return {
    id(index) {
      const run = starts.findIndex((start, i) => index >= start && index < (ends[i] as number));
      return run === -1 ? '' : String((values[run] as number) + index - (starts[run] as number));
    },
    find(id) {
      const value = Number(id);
      if (!Number.isInteger(value) || String(value) !== id) return -1;
      let low = 0;
      let high = values.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((values[middle] as number) <= value) low = middle;
        else high = middle - 1;
      }
      const index = (starts[low] as number) + value - (values[low] as number);
      return index >= (starts[low] as number) && index < (ends[low] as number) ? index : -1;
    },
  };
}

interface Runs {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly values: Int32Array;
}

/** Sorted by value. */
function runsOf(ids: readonly string[]): Runs | null {
  const runs: { start: number; end: number; value: number }[] = [];
  let previous = -2;
  for (let i = 0; i < ids.length; i++) {
    const value = Number(ids[i]);
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** 31 || String(value) !== ids[i]) return null;
    if (value !== previous + 1) runs.push({ start: i, end: i + 1, value });
    else (runs[runs.length - 1] as { end: number }).end = i + 1;
    previous = value;
  }
  runs.sort((a, b) => a.value - b.value);
  return {
    starts: Int32Array.from(runs, (run) => run.start),
    ends: Int32Array.from(runs, (run) => run.end),
    values: Int32Array.from(runs, (run) => run.value),
  };
}
