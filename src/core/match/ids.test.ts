import { expect, test } from 'vitest';
import { seededRandom } from '../random.ts';
import { findId, idAt, packIds } from './ids.ts';

const random = seededRandom('ids');
const shuffled = Array.from({ length: 500 }, (_, i) => i).sort(() => random.below(3) - 1);

test.each([
  ['counted up', Array.from({ length: 300 }, (_, i) => String(i)), 'runs'],
  ['counted in blocks', ['5', '6', '7', '8', '0', '1', '2', '70', '71', '40'], 'runs'],
  ['numbers in any order', shuffled.map(String), 'runs'],
  ['texts', shuffled.map((i) => `vertex-${i}`), 'texts'],
  ['numbers that are not written so', ['0', '00', '1', '01', '1e3', '-1', ' 2'], 'texts'],
  ['all sorts', ['', 'ü', '𝄞', 'a', 'aa', '__proto__', '4294967296'], 'texts'],
])('%s: every id is found, and no other', (_, ids, kind) => {
  const packed = packIds(ids);
  expect(packed.kind).toBe(kind);
  expect(ids.map((_, index) => idAt(packed, index))).toEqual(ids);
  expect(ids.map((id) => findId(packed, id))).toEqual(ids.map((_, index) => index));
  for (const other of ['no', '1.5', '2.1', '6.5', '999', '007', 'vertex-', 'vertex-500', 'constructor']) {
    expect(findId(packed, other)).toBe(ids.indexOf(other));
  }
  expect(idAt(packed, ids.length)).toBe('');
});
