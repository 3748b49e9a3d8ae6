import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readMoment } from './job/moment.ts';
import { isoOf, readIso } from './iso-time.ts';

test('there and back, as the Date global has it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (ms) => {
      expect(isoOf(ms)).toBe(new Date(ms).toISOString());
      expect(readIso(isoOf(ms))).toEqual({ ms, hasZone: true });
    }),
  );
});

test.each([
  ['2024-02-29', Date.UTC(2024, 1, 29), false],
  ['2024-05-01T12:30', Date.UTC(2024, 4, 1, 12, 30), false],
  ['2024-05-01T12:30+02:00', Date.UTC(2024, 4, 1, 10, 30), true],
  ['2024-05-01 12:30:15.5-0130', Date.UTC(2024, 4, 1, 14, 0, 15, 500), true],
])('%s', (text, ms, hasZone) => expect(readIso(text)).toEqual({ ms, hasZone }));

test.each(['2023-02-29', '2024-13-01', '2024-05-01T24:00Z', '2024-05-01T12', 'soon', ''])('%s is no time', (text) => {
  expect(readIso(text)).toBeNull();
});

test.each([
  ['now', 1000],
  ['+90s', 91_000],
  ['+1h30m', 5_401_000],
  ['-1s', 0],
  ['now+2hours', 7_201_000],
  ['now+5', 6000],
  ['1970-01-01T00:01Z', 60_000],
])('%s, a second after 1970', (text, ms) => expect(readMoment(text, '--begin', 1000)).toBe(ms));

test('a time without a zone is refused, and says why', () => {
  expect(() => readMoment('2030-01-31T12:00', '--begin', 0)).toThrow(/says no zone: add Z/);
  expect(() => readMoment('16:00', '--begin', 0)).toThrow(/write it as \+90m/);
});
