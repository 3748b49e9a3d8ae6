import { assert, integer, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agoText, durationText, isoOf, isoTime } from './time.ts';

describe('times', () => {
  test('ISO 8601 as Date writes it, for any millisecond of 3000 years', () => {
    assert(
      property(integer({ min: -30_000_000_000_000, max: 60_000_000_000_000 }), (ms) => {
        expect(isoOf(ms)).toBe(new Date(ms).toISOString());
      }),
    );
  });

  test('of the wire, and none', () => {
    expect(isoTime({ seconds: 1_714_564_800n, nanos: 5_900_000 })).toBe('2024-05-01T12:00:00.005Z');
    expect(isoTime(undefined)).toBeNull();
  });

  test.each([
    [800, '0.8 s'],
    [42_000, '42 s'],
    [180_000, '3 min'],
    [7_500_000, '2 h 5 min'],
    [356_400_000, '4 d 3 h'],
    [-5, '0.0 s'],
  ])('%d ms', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });

  test('ago', () => {
    expect(agoText({ seconds: 100n, nanos: 0 }, 160_000)).toBe('60 s ago');
    expect(agoText(undefined, 0)).toBe('');
  });
});
