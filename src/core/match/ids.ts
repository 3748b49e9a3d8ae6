/**
 * The ids of a cluster's vertices, as data that can be given from thread to thread: runs of consecutive numbers where
 * they are numbers, as most programs write them (nothing per vertex), else all texts in one with a hash table (the
 * text's length and 12 bytes per vertex).
 */
export type Ids =
  | {
      readonly kind: 'runs';
      /** First index, one past the last, and the number of the first; by number. */
      readonly starts: Int32Array;
      readonly ends: Int32Array;
      readonly values: Int32Array;
      /** The runs by first index; null where that is the same order. */
      readonly byStart: Int32Array | null;
    }
  | {
      readonly kind: 'texts';
      readonly text: string;
      /** Where the text of each vertex ends. */
      readonly ends: Int32Array;
      /** Open addressing, a power of two long: index + 1, or 0. */
      readonly table: Int32Array;
    };

export function packIds(ids: readonly string[]): Ids {
  return runsOf(ids) ?? textsOf(ids);
}

/** Index of the vertex with this id; −1 where there is none. */
export function findId(ids: Ids, id: string): number {
  if (ids.kind === 'texts') {
    for (let at = slotOf(ids.table, id); ; at = (at + 1) & (ids.table.length - 1)) {
      const index = (ids.table[at] as number) - 1;
      if (index === -1) return -1;
      const start = ids.ends[index - 1] ?? 0;
      if ((ids.ends[index] as number) - start === id.length && ids.text.startsWith(id, start)) return index;
    }
  }
  const value = Number(id);
  if (!Number.isInteger(value) || String(value) !== id) return -1;
  const run = lastNotAbove(ids.values.length, (i) => ids.values[i] as number, value);
  const index = (ids.starts[run] as number) + value - (ids.values[run] as number);
  return index >= (ids.starts[run] as number) && index < (ids.ends[run] as number) ? index : -1;
}

/** The id of a vertex; '' where there is none of that index. */
export function idAt(ids: Ids, index: number): string {
  if (ids.kind === 'texts') return ids.text.slice(ids.ends[index - 1] ?? 0, ids.ends[index] ?? 0);
  const { byStart, starts } = ids;
  const number = (i: number): number => (byStart === null ? i : (byStart[i] as number));
  const run = number(lastNotAbove(starts.length, (i) => starts[number(i)] as number, index));
  if (index < (starts[run] as number) || index >= (ids.ends[run] as number)) return '';
  return String((ids.values[run] as number) + index - (starts[run] as number));
}

/** The last of a rising sequence that is not above; the first where all are. */
function lastNotAbove(length: number, at: (i: number) => number, value: number): number {
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (at(middle) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

function runsOf(ids: readonly string[]): Ids | null {
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
  const starts = Int32Array.from(runs, (run) => run.start);
  const byStart = Int32Array.from(starts.keys()).sort((a, b) => (starts[a] as number) - (starts[b] as number));
  return {
    kind: 'runs',
    starts,
    ends: Int32Array.from(runs, (run) => run.end),
    values: Int32Array.from(runs, (run) => run.value),
    byStart: byStart.every((run, i) => run === i) ? null : byStart,
  };
}

function textsOf(ids: readonly string[]): Ids {
  const ends = new Int32Array(ids.length);
  const table = new Int32Array(2 ** Math.ceil(Math.log2(2 * ids.length + 1)));
  let end = 0;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as string;
    ends[i] = end += id.length;
    let at = slotOf(table, id);
    while (table[at] !== 0) at = (at + 1) & (table.length - 1);
    table[at] = i + 1;
  }
  return { kind: 'texts', text: ids.join(''), ends, table };
}

/** FNV-1a, of its characters. */
function slotOf(table: Int32Array, id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) & (table.length - 1);
}
