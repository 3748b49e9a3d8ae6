import { expect, test } from 'vitest';
import { pooled } from './pooled-entropy.ts';
import { realSystem } from './real.ts';

/** 1, 2, 3 … over all draws, and how often it drew. */
function counting() {
  let next = 0;
  const blocks: Uint8Array[] = [];
  const draw = (length: number): Uint8Array => {
    // A Buffer, as the system's own draw gives: it differs where it is cut.
    const block = Buffer.from(Uint8Array.from({ length }, () => ++next % 251));
    blocks.push(block);
    return block;
  };
  return { draw, blocks };
}

test('no byte is given twice, across draws and whatever the lengths', () => {
  const { draw, blocks } = counting();
  const entropy = pooled(draw);
  const lengths = Array.from({ length: 900 }, (_, number) => 1 + (number % 17));
  const given = lengths.map((length) => [...entropy.bytes(length)]);
  // Each goes on where the one before ended, or begins a block: together they are what was drawn, but for what was left
  // of a block that did not suffice.
  const steps = given.flat().map((byte, at, all) => (byte - (all[at - 1] ?? byte - 1) + 251) % 251);
  expect(given.map(({ length }) => length)).toEqual(lengths);
  expect(steps).not.toContain(0);
  expect(steps.filter((step) => step !== 1).length).toBeLessThan(blocks.length);
  expect(blocks.length).toBeGreaterThan(1);
  expect(blocks.length).toBeLessThan(5);
});

test('what was given is not kept, and changing it changes nothing to come', () => {
  const { draw, blocks } = counting();
  const entropy = pooled(draw);
  const first = entropy.bytes(8);
  expect([...blocks[0]!.subarray(0, 9)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 9]);
  first.fill(7);
  expect([...entropy.bytes(2)]).toEqual([9, 10]);
});

test('the real one gives other bytes each time', () => {
  const { entropy } = realSystem;
  const seen = new Set(Array.from({ length: 2_000 }, () => Buffer.from(entropy.bytes(16)).toString('hex')));
  expect(seen.size).toBe(2_000);
});

test('what is large is drawn by itself', () => {
  const { draw, blocks } = counting();
  expect(pooled(draw).bytes(5_000)).toHaveLength(5_000);
  expect(blocks.map(({ length }) => length)).toEqual([5_000]);
});
