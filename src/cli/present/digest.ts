/** Counts and checksums of a store. */
import type { Digest } from '../../store/upkeep/digest.ts';

export function digestJson({ rows, checksum, tables }: Digest) {
  return { rows, checksum, tables: tables.map(({ table, rows, checksum }) => ({ table, rows, checksum })) };
}

export function digestText({ tables, rows, checksum }: Digest): string {
  const lines = tables
    .filter((each) => each.rows > 0)
    .map((each) => `${each.table.padEnd(20)}${String(each.rows).padStart(10)}  ${each.checksum.slice(0, 16)}`);
  return [...lines, `${'all'.padEnd(20)}${String(rows).padStart(10)}  ${checksum.slice(0, 16)}`].join('\n');
}
