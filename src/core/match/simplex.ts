/**
 * Linear programs in the one form that packing needs: maximize c·x for A·x ≤ b, x ≥ 0 with b ≥ 0. A dense tableau,
 * since there are few rows; floating point, so its answers are proposals that the caller checks.
 */
import type { Steps } from './steps.ts';

export interface Optimum {
  readonly x: readonly number[];
  /** One price per row. */
  readonly prices: readonly number[];
  readonly value: number;
}

const epsilon = 1e-9;

/** Null where it does not end (numerically bad, or unbounded). Rows are sparse: column and coefficient. */
export function maximize(
  columns: number,
  objective: readonly (readonly [number, number])[],
  rows: readonly (readonly (readonly [number, number])[])[],
  bounds: readonly number[],
  steps: Steps,
): Optimum | null {
  const width = columns + rows.length + 1;
  const table = rows.map((row, i) => {
    const line = new Float64Array(width);
    for (const [column, value] of row) line[column] = value;
    line[columns + i] = 1;
    line[width - 1] = bounds[i] as number;
    return line;
  });
  const costs = new Float64Array(width);
  for (const [column, value] of objective) costs[column] = -value;
  const basis = rows.map((_, i) => columns + i);
  const limit = 50 * (rows.length + 10);
  for (let pivots = 0; ; pivots++) {
    // After a while Bland's rule: slow, but it never goes in circles.
    const column = pivots < limit / 2 ? steepest(costs, width) : first(costs, width);
    if (column === -1) break;
    const row = tightest(table, basis, column, width);
    if (row === -1 || pivots > limit) return null;
    steps.spend(1 + ((rows.length * width) >> 8));
    pivot(table, costs, row, column, width);
    basis[row] = column;
  }
  const x = Array.from({ length: columns }, () => 0);
  basis.forEach((column, i) => {
    if (column < columns) x[column] = Math.max(0, table[i]?.[width - 1] ?? 0);
  });
  return {
    x,
    prices: rows.map((_, i) => Math.max(0, costs[columns + i] as number)),
    value: costs[width - 1] as number,
  };
}

function steepest(costs: Float64Array, width: number): number {
  let best = -1;
  let least = -epsilon;
  for (let i = 0; i < width - 1; i++) {
    if ((costs[i] as number) < least) {
      least = costs[i] as number;
      best = i;
    }
  }
  return best;
}

function first(costs: Float64Array, width: number): number {
  for (let i = 0; i < width - 1; i++) if ((costs[i] as number) < -epsilon) return i;
  return -1;
}

function tightest(table: readonly Float64Array[], basis: readonly number[], column: number, width: number): number {
  let row = -1;
  let least = Infinity;
  for (let i = 0; i < table.length; i++) {
    const line = table[i] as Float64Array;
    const value = line[column] as number;
    if (value <= epsilon) continue;
    const ratio = (line[width - 1] as number) / value;
    if (
      ratio < least - epsilon ||
      (ratio < least + epsilon && row !== -1 && (basis[i] as number) < (basis[row] as number))
    ) {
      least = ratio;
      row = i;
    }
  }
  return row;
}

function pivot(table: readonly Float64Array[], costs: Float64Array, row: number, column: number, width: number): void {
  const line = table[row] as Float64Array;
  const by = line[column] as number;
  for (let j = 0; j < width; j++) line[j] = (line[j] as number) / by;
  for (const other of [...table, costs]) {
    if (other === line) continue;
    const factor = other[column] as number;
    if (factor === 0) continue;
    for (let j = 0; j < width; j++) other[j] = (other[j] as number) - factor * (line[j] as number);
  }
}
