/** A plain table: columns separated by two spaces, as wide as their widest cell. No borders, so that it can be cut and grepped. */
import { stripVTControlCharacters } from 'node:util';
import type { Sink } from './io.ts';

export interface Column<Row> {
  readonly title: string;
  /** Already painted; without line breaks. */
  readonly cell: (row: Row) => string;
  readonly align?: 'right';
}

function width(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

function pad(text: string, to: number, align: 'left' | 'right'): string {
  const gap = ' '.repeat(Math.max(0, to - width(text)));
  return align === 'right' ? gap + text : text + gap;
}

/** How wide a table may be there: as a terminal's line; elsewhere, for pipes and files, everything is whole. */
export function tableWidth(sink: Sink): number {
  return sink.isTTY ? sink.columns : Number.POSITIVE_INFINITY;
}

/** The least that is left of a column that is cut. */
const LEAST = 10;

/** Cut to so many characters, the last of them an ellipsis. A painted text that is cut loses its paint. */
function fit(text: string, to: number): string {
  return width(text) <= to
    ? text
    : `${Array.from(stripVTControlCharacters(text))
        .slice(0, to - 1)
        .join('')}…`;
}

/** Where it is wider than `most`, the last column is cut. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  heading: (text: string) => string,
  most = Number.POSITIVE_INFINITY,
): string {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const widths = columns.map((column, i) =>
    cells.reduce((widest, line) => Math.max(widest, width(line[i] ?? '')), width(column.title)),
  );
  const others = widths.slice(0, -1).reduce((sum, each) => sum + each + 2, 0);
  const last = Math.max(LEAST, most - others);
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) =>
        pad(i === columns.length - 1 ? fit(text, last) : text, widths[i] ?? 0, columns[i]?.align ?? 'left'),
      )
      .join('  ')
      .trimEnd();
  return [line(columns.map((column) => heading(column.title))), ...cells.map(line)].join('\n');
}
