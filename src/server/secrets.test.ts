import { expect, test } from 'vitest';
import { realSystem } from '../system/real.ts';
import { hashHex, hashSecret, newUuid, NO_SECRET, sameSecret } from './secrets.ts';

test('a secret is a version 4 UUID, and no two are the same', () => {
  const made = Array.from({ length: 1_000 }, () => newUuid(realSystem.entropy));
  for (const secret of made) {
    expect(secret).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  expect(new Set(made).size).toBe(made.length);
});

test('the entropy handed in decides the secret, but for the six bits of version and variant', () => {
  const all = (byte: number) => ({ bytes: (length: number) => new Uint8Array(length).fill(byte) });
  expect(newUuid(all(0))).toBe('00000000-0000-4000-8000-000000000000');
  expect(newUuid(all(255))).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff');
});

test('only the very text matches its hash', () => {
  const hash = hashSecret('chocolate-cookies');
  expect(hash).toHaveLength(32);
  expect(sameSecret('chocolate-cookies', hash)).toBe(true);
  for (const wrong of ['', 'chocolate-cookie', 'Chocolate-cookies', 'chocolate-cookies ', 'chocolate-cookies\0']) {
    expect(sameSecret(wrong, hash)).toBe(false);
  }
});

test('nothing matches a hash that is none', () => {
  expect(sameSecret('', NO_SECRET)).toBe(false);
  expect(sameSecret('anything', NO_SECRET)).toBe(false);
  expect(sameSecret('anything', new Uint8Array(0))).toBe(false);
  expect(sameSecret('anything', hashSecret('anything').subarray(0, 31))).toBe(false);
});

test('the hex form is the SHA-256 (FIPS 180-4, "abc")', () => {
  expect(hashHex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
