import { expect, test } from 'vitest';
import { seededRandom } from '../random.ts';
import { errorOffset } from './json-error.ts';

test.each([
  ['{"a": }', 6],
  ['', 0],
  ['  ', 2],
  ['{"a": 1,}', 8],
  ['[1 2]', 3],
  ['[1, 2', 5],
  ['{"a" 1}', 5],
  ['nope', 0],
  ['{"a": 01}', 6],
  ['{"a": "x\ny"}', 6],
  ['{} {}', 3],
  ['{a: 1}', 1],
  ['[1}', 2],
])('%j stops being JSON at %i', (text, offset) => {
  expect(errorOffset(text)).toBe(offset);
});

test('a text is JSON exactly where nothing is found in it', () => {
  const random = seededRandom('texts');
  const parts = ['{', '}', '[', ']', ':', ',', '"a"', '1', '-0.5e3', 'true', ' ', '\n', '"', 'x', '\\u00e9', '1.'];
  let valid = 0;
  const wrong: string[] = [];
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from({ length: 1 + random.below(6) }, () => parts[random.below(parts.length)]).join('');
    const offset = errorOffset(text);
    // Up to the end of JSON nothing is found; before the place found in another text nothing is wrong yet.
    if (isJson(text) ? offset !== text.length : offset === null || offset > text.length) wrong.push(text);
    if (isJson(text)) valid++;
  }
  expect(wrong).toEqual([]);
  expect(valid).toBeGreaterThan(100);
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
