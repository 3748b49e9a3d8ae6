/** A plain table: columns separated by two spaces, as wide as their widest cell. No borders, so that it can be cut and grepped. */
import { stripVTControlCharacters } from 'node:util';
import type { Sink } from './io.ts';

export interface Column<Row> {
  readonly title: string;
  /** Already painted; without line breaks. */
  readonly cell: (row: Row) => string;
  readonly align?: 'right';
  /** Is it shortened where the table is too wide? Without any such column the last one is. */
  readonly shrinks?: true;
}

/** Characters that are seen. */
export function width(text: string): number {
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

/** How wide each may be: of those that shrink the widest gives way first, and of equals the last. */
function shortened(widths: readonly number[], shrinks: readonly boolean[], most: number): readonly number[] {
  const fitting = [...widths];
  let over = widths.reduce((sum, each) => sum + each + 2, -2) - most;
  for (; over > 0; over--) {
    const widest = fitting.reduce((at, each, i) => (shrinks[i] === true && each >= (fitting[at] ?? 0) ? i : at), -1);
    if (widest < 0 || (fitting[widest] ?? 0) <= LEAST) break;
    fitting[widest] = (fitting[widest] ?? 0) - 1;
  }
  return fitting;
}

/** Where it is wider than `most`, the columns that shrink are cut, none to less than is still read. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  heading: (text: string) => string,
  most = Number.POSITIVE_INFINITY,
): string {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const widest = columns.map((column, i) =>
    cells.reduce((so, line) => Math.max(so, width(line[i] ?? '')), width(column.title)),
  );
  const some = columns.some((column) => column.shrinks === true);
  const shrinks = columns.map((column, i) => (some ? column.shrinks === true : i === columns.length - 1));
  const widths = shortened(widest, shrinks, most);
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) => pad(fit(text, widths[i] ?? 0), widths[i] ?? 0, columns[i]?.align ?? 'left'))
      .join('  ')
      .trimEnd();
  return [line(columns.map((column) => heading(column.title))), ...cells.map(line)].join('\n');
}
