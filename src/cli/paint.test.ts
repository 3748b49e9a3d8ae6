import { describe, expect, test } from 'vitest';
import { clean, paint, wantsColour } from './paint.ts';
import { table } from './table.ts';
import { wrapped } from './wrap.ts';

const terminal = { write() {}, isTTY: true, columns: 80 };
const pipe = { ...terminal, isTTY: false };

describe('colours', () => {
  test('on a terminal only, and never with NO_COLOR or a dumb terminal', () => {
    expect(wantsColour(terminal, {})).toBe(true);
    expect(wantsColour(pipe, {})).toBe(false);
    expect(wantsColour(terminal, { NO_COLOR: '1' })).toBe(false);
    expect(wantsColour(terminal, { NO_COLOR: '' })).toBe(true);
    expect(wantsColour(terminal, { TERM: 'dumb' })).toBe(false);
    expect(paint(terminal, {}).red('x')).toBe('\u001b[31mx\u001b[39m');
    expect(paint(pipe, {}).red('x')).toBe('x');
  });
});

test('text from elsewhere cannot move the cursor', () => {
  // oxlint-disable-next-line no-control-regex -- these are what must not be there
  expect(clean('a\u001b[2Jb\r\nc\u0007\u009bd')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  expect(clean('größer 数')).toBe('größer 数');
  expect(clean('a\u202eb\u2066c\u2069d\u2028e\u2029f')).toBe('a b c d e f');
});

test('a table is as wide as its widest cell, painted or not, and ends no line in blanks', () => {
  const { red } = paint(terminal, {});
  const text = table(
    [
      { title: 'ID', cell: ([id]: readonly [string, string]) => id, align: 'right' },
      { title: 'STATE', cell: ([, state]) => red(state) },
      { title: 'WHY', cell: () => '' },
    ],
    [
      ['5', 'failed'],
      ['1234', 'up'],
    ],
    (title) => title,
  );
  // oxlint-disable-next-line no-control-regex -- these are what is cut out
  const lines = text.split('\n').map((line) => line.replaceAll(/\u001b\[\d+m/g, ''));
  expect(lines).toEqual(['  ID  STATE   WHY', '   5  failed', '1234  up']);
});

test('a table that is wider than there is room has its last column cut', () => {
  const columns = [
    { title: 'A', cell: (row: string) => row },
    { title: 'WHY', cell: (row: string) => `\u001b[31m${row.repeat(9)}\u001b[39m` },
  ];
  const plain = (text: string): string => text;
  expect(table(columns, ['abcd'], plain, 20)).toBe('A     WHY\nabcd  abcdabcdabcda…');
  expect(table(columns, ['abcd'], plain)).toContain('abcd'.repeat(9));
  expect(table(columns, ['ab'], plain, 22)).toContain('ab'.repeat(9));
});

test('a table whose columns say that they shrink has the widest of these cut, and its last one whole', () => {
  const columns = [
    { title: 'NAME', cell: (row: string) => row.repeat(3) },
    { title: 'FREE', cell: (row: string) => row.repeat(12), shrinks: true as const },
    { title: 'JOBS', cell: (row: string) => row.repeat(4), shrinks: true as const },
    { title: 'LAST SEEN', cell: () => '3 s ago' },
  ];
  const text = table(columns, ['abcd'], (title) => title, 61);
  expect(text.split('\n')).toEqual([
    'NAME          FREE                JOBS              LAST SEEN',
    'abcdabcdabcd  abcdabcdabcdabcda…  abcdabcdabcdabcd  3 s ago',
  ]);
  // None to nothing, however little room there is.
  expect(table(columns, ['abcd'], (title) => title, 5)).toContain('abcdabcda…  abcdabcda…  3 s ago');
});

test('lines for a terminal break at words, below where their text begins; elsewhere they do not', () => {
  const narrow = { ...terminal, columns: 30 };
  const lines = [
    'why           no partition: it is a plain machine',
    `  red  does not \u001b[31mfit\u001b[39m: ${'x'.repeat(40)} there`,
  ];
  expect(wrapped(lines, narrow)).toEqual([
    'why           no partition: it',
    '              is a plain',
    '              machine',
    '  red  does not \u001b[31mfit\u001b[39m:',
    `       ${'x'.repeat(40)}`,
    '       there',
  ]);
  expect(wrapped(lines, { ...narrow, isTTY: false })).toEqual(lines);
  expect(wrapped(['', '  short'], narrow)).toEqual(['', '  short']);
});
