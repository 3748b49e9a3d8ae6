/** However a text is cut, what is read of it is what JSON.parse makes of it. */
import { expect, test } from 'vitest';
import { RainbowError } from '../errors.ts';
import { seededRandom, type SeededRandom } from '../random.ts';
import { JsonCutter } from './cut-json.ts';

/** The value that the cutter hands on, put together again; containers down to `depth` are entered. */
function rebuilt(pieces: readonly string[], depth: number): unknown {
  const open: (unknown[] | Map<string, unknown>)[] = [];
  let whole: unknown;
  const put = (at: number, key: string, value: unknown): void => {
    const into = open[at - 1];
    if (into === undefined) whole = value;
    else if (Array.isArray(into)) into.push(value);
    else into.set(key, value);
  };
  const cutter = new JsonCutter({
    enters(at, key, kind) {
      if (at >= depth) return false;
      const made = kind === '[' ? [] : new Map<string, unknown>();
      put(at, key, made);
      open.length = at;
      open.push(made);
      return true;
    },
    take: put,
    skim: (_depth, _key, _text, at) => at,
  });
  for (const piece of pieces) cutter.push(piece);
  cutter.finish();
  return plain(whole);
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  return value instanceof Map ? Object.fromEntries([...value].map(([key, of]) => [key, plain(of)])) : value;
}

function cut(text: string, random: SeededRandom): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    const end = at + 1 + random.below(1 + random.below(12));
    pieces.push(text.slice(at, end));
    at = end;
  }
  return pieces;
}

const tokens = [
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  '"a"',
  '"b\\"\\\\"',
  '"ü\\n}"',
  '12',
  '-0.5e3',
  'true',
  'null',
  ' ',
  '\n',
];

function valueText(random: SeededRandom, depth: number): string {
  const items = Array.from({ length: random.below(4) }, () => (depth === 0 ? '7' : valueText(random, depth - 1)));
  const space = [' ', '', '\n  '][random.below(3)] as string;
  switch (random.below(4)) {
    case 0:
      return `[${space}${items.join(`${space},`)}${space}]`;
    case 1:
      return `{${space}${items.map((item, i) => `"k${i}\\u0041"${space}:${item}`).join(`,${space}`)}}`;
    case 2:
      return ['"x\\\\"', '"\\"{["', '"é𝄞"', '""'][random.below(4)] as string;
    default:
      return ['-1.5e-7', '0', 'false', 'null'][random.below(4)] as string;
  }
}

test('2,000 texts, cut anywhere, entered to any depth', () => {
  const random = seededRandom('cuts');
  for (let i = 0; i < 2_000; i++) {
    const text = `${valueText(random, 4)}${' '.repeat(random.below(2))}`;
    expect(rebuilt(cut(text, random), random.below(4))).toEqual(JSON.parse(text));
  }
});

test('what is no JSON is refused, at one place however it is cut', () => {
  const random = seededRandom('no cuts');
  const wrong: string[] = [];
  let refused = 0;
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from({ length: 1 + random.below(7) }, () => tokens[random.below(tokens.length)]).join('');
    const depth = random.below(3);
    const place = placeOf(() => rebuilt([text], depth));
    const isRefused = /^line \d+, column \d+$/.test(place ?? '');
    if (isRefused) refused++;
    if (isRefused === isJson(text) || placeOf(() => rebuilt(cut(text, random), depth)) !== place) wrong.push(text);
  }
  expect(wrong).toEqual([]);
  expect(refused).toBeGreaterThan(10_000);
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function placeOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof RainbowError && error.code === 'invalid_input') return error.place;
    throw error;
  }
  return 'it was taken';
}
