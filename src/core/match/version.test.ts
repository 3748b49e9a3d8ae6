import { expect, test } from 'vitest';
import type { Scalar } from '../jobspec/jobspec.ts';
import { isWithin } from './version.ts';

function text(of: string | null): Scalar | null {
  return of === null ? null : { text: of, number: null };
}

test.each<[value: unknown, min: string | null, max: string | null, expected: boolean]>([
  ['0.5.2', '0.5.1', '0.5.5', true],
  ['0.5.2', '0.5.2', '0.5.2', true],
  ['0.5.2', '0.7.1', null, false],
  ['0.5.9', null, '0.5', true],
  ['0.6.0', null, '0.5', false],
  ['1.9.9', null, '1', true],
  ['0.5', '0.5.0', null, true],
  ['v1.2', '1.1.9', null, true],
  ['1.10', '1.9', null, true],
  ['5.4.0-91-generic', '5.0', null, true],
  ['5.4.0-91-generic', '5.4.0', '5.4.0', true],
  ['1.0.0-alpha', '1.0.0-beta', null, false],
  ['1.0.0-beta.2', '1.0.0-beta.11', null, false],
  ['1.0.0', '1.0.0-rc.1', null, true],
  ['1.0.0+build5', '1.0.0', '1.0.0', true],
  ['1.2.3.4', '1.0', null, false],
  ['latest', '1.0', null, false],
  ['1.0', 'latest', null, false],
  ['', '1.0', null, false],
  ['123456789012345678901234567890.1', '123456789012345678901234567889', null, true],
  [12, '11', '13', true],
  [true, '0', null, false],
  [{ a: 1 }, '0', null, false],
  ['2', null, null, true],
])('%j within %j and %j: %s', (value, min, max, expected) => {
  expect(isWithin(value, text(min), text(max))).toBe(expected);
});

test('two numbers compare as numbers, a text compares as it is written', () => {
  const bound = (number: number, text = String(number)): Scalar => ({ text, number });
  expect(isWithin(0.75, bound(0.8), null)).toBe(false);
  expect(isWithin(0.85, bound(0.8), null)).toBe(true);
  expect(isWithin(-3, null, bound(-2))).toBe(true);
  expect(isWithin('0.10', bound(0.1, '0.10'), null)).toBe(true);
  expect(isWithin('0.9', bound(0.1, '0.10'), null)).toBe(false);
});
