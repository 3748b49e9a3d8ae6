/** The regular expressions of `=~`: the same answers as RegExp's where both know the syntax, and linear time. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileRegex, isRegex } from './regex.ts';
import { cpuTime } from '../../../system/testing/cpu-time.ts';

test.each([
  ['', 'anything', true],
  ['b', 'abc', true],
  ['^b', 'abc', false],
  ['^a.*c$', 'abbbc', true],
  ['a|bc|d', 'xbcx', true],
  ['^(a|b)+$', 'abba', true],
  ['^(?:ab){2,3}$', 'ababab', true],
  ['^(?:ab){2,3}$', 'abababab', false],
  ['^a{2}$', 'aa', true],
  ['^a{2,}$', 'aaaa', true],
  ['^a??b*?$', 'abbb', true],
  ['[^a-c]', 'abc', false],
  ['[]a]', ']', true],
  ['[a-]', '-', true],
  ['^[\\w.-]+@\\w+$', 'a.b-c@d', true],
  ['\\d{4}-\\d\\d', 'on 2024-06', true],
  ['\\bfoo\\b', 'a foo b', true],
  ['\\bfoo\\b', 'afoo', false],
  ['(?i)^GPU$', 'gpu', true],
  ['(?i)[^A]', 'a', false],
  ['a.b', 'a\nb', false],
  ['(?s)a.b', 'a\nb', true],
  ['^\\D\\S\\W$', 'ab!', true],
  ['a{,2}', 'a{,2}', true],
  ['^.$', '😀', true],
  ['\\Aab\\z', 'ab', true],
  ['(|a)+b', 'aab', true],
])('/%s/ on %j: %s', (pattern, text, expected) => {
  expect(compileRegex(pattern).test(text)).toBe(expected);
});

test.each([
  '(',
  ')',
  '[a',
  'a**',
  '*a',
  '\\1',
  '(?=a)',
  '(?P<n>a)',
  '\\p{L}',
  '[[:alpha:]]',
  'a{1001}',
  'a{3,2}',
  '\\',
  '[b-a]',
  `${'('.repeat(40)}a${')'.repeat(40)}`,
  'x'.repeat(600),
  '((a{100}){100}){100}',
])('/%s/ is refused', (pattern) => {
  expect(isRegex(pattern)).not.toBeNull();
});

test('nested repetitions of nothing cost nothing', () => {
  expect(compileRegex(`${'('.repeat(20)}${'){200}'.repeat(20)}`).test('')).toBe(true);
});

test.each(['^(a+)+$', '^(a|a)*$', '^(a*)*b', '(.*)*x', '^(([a-z])+.)+[A-Z]([a-z])+$'])(
  '/%s/ takes linear time',
  (pattern) => {
    const regex = compileRegex(pattern);
    const began = cpuTime();
    regex.test(`${'a'.repeat(4000)}!`);
    expect(cpuTime() - began).toBeLessThan(2000);
  },
);

test('agrees with RegExp', () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    '.',
    '[ab]',
    '[^a]',
    '\\w',
    '\\b',
    'a*',
    'b+',
    'a?',
    '(a|b)',
    '(ab)*',
    '(a|bc){1,2}',
    '^',
    '$',
  );
  const pattern = fc.array(atom, { minLength: 1, maxLength: 6 }).map((atoms) => atoms.join(''));
  const text = fc.array(fc.constantFrom('a', 'b', 'c', ' '), { maxLength: 8 }).map((letters) => letters.join(''));
  fc.assert(
    fc.property(pattern, fc.boolean(), pattern, text, (left, either, right, subject) => {
      const whole = either ? `${left}|${right}` : left;
      expect(compileRegex(whole).test(subject)).toBe(new RegExp(whole).test(subject));
    }),
    { numRuns: 3000 },
  );
});
