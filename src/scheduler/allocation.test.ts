import { expect, test } from 'vitest';
import type { Witness } from '../core/match/matcher.ts';
import { readAllocation, writeAllocation } from './allocation.ts';

const ids = ['root', 'n"0', 'c0', 'mem'];
const witness: Witness = {
  groups: [
    {
      key: 'train',
      slots: [{ label: 'task', claims: [{ vertex: 2, amount: 1, exclusive: true, request: 'resources[0]' }] }],
      claims: [{ vertex: 3, amount: 2.5, exclusive: false, request: 'resources[1]' }],
    },
  ],
};

test('a witness survives being stored, whatever its ids look like', () => {
  const text = writeAllocation(witness, (vertex) => ids[vertex] ?? '');
  expect(readAllocation(text, (id) => ids.indexOf(id))).toEqual(witness);
  const moved = readAllocation(text, (id) => ids.indexOf(id) + 10);
  expect(moved?.groups[0]?.claims[0]?.vertex).toBe(13);
});

test('vertices that are gone are left out; what is no allocation is null', () => {
  const text = writeAllocation(witness, (vertex) => ids[vertex] ?? '');
  const partial = readAllocation(text, (id) => (id === 'mem' ? 3 : -1));
  expect(partial?.groups[0]?.slots[0]?.claims).toEqual([]);
  expect(partial?.groups[0]?.claims).toHaveLength(1);
  for (const broken of ['', 'null', '{}', '[1]', '{"groups":[{"slots":3}]}']) {
    expect(readAllocation(broken, () => 0)).toBeNull();
  }
});
