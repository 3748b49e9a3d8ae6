/** The expression language, against the results that govaluate gives and documents. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExpressionError } from './error.ts';
import { evaluate } from './evaluate.ts';
import type { Value } from './evaluate.ts';
import { parseExpression } from './parse.ts';

const NAMES: Readonly<Record<string, Value>> = {
  a: 1,
  b: 2,
  text: 'foobar',
  yes: true,
  list: ['x', 'y', 3],
  'cost-per-node': 7,
  'any name': 8,
  cost: 10,
  per: 2,
  node: 3,
  größe: 4,
};

function run(text: string, fuel = 100_000): Value {
  return evaluate(parseExpression(text), { get: (name) => NAMES[name], fuel: { left: fuel } });
}

test.each<[string, Value]>([
  // arithmetic and its precedence
  ['1 + 2 * 3', 7],
  ['(1 + 2) * 3', 9],
  ['10 - 2 - 3', 5],
  ['100 / 10 / 2', 5],
  ['7 % 4', 3],
  ['-7 % 4', -3],
  ['10 ** 2', 100],
  ['1 + 5 ** 3 % 2 * 5', 6],
  ['2 ** 3 ** 2', 64],
  ['-2 ** 2', 4],
  ['2 ** -1', 0.5],
  ['--2', 2],
  ['0x1F + .5 + 1e2', 131.5],
  ['1/0', Infinity],
  // bits: 64 of them
  ['1 | 2 ^ 3 & 1', 0],
  ['~0', -1],
  ['1 << 4 + 1', 32],
  ['1 << 40', 2 ** 40],
  ['1 << 64', 0],
  ['256 >> 2', 64],
  // comparators, text, logic
  ['1 < 2 == true', true],
  ['"a" < "b"', true],
  ['1 == "1"', false],
  ['1 != "1"', true],
  ["text == 'foobar'", true],
  ['1 + "a" + 2', '1a2'],
  ['true && false || true', true],
  ['true || 1', true],
  ['false && missing', false],
  ['!yes || !false', true],
  // membership and patterns
  ['"x" in list', true],
  ['4 in (1, 2, 3)', false],
  ['3 IN (1, (2 + 1))', true],
  ['(1, 2) == (1, 2)', true],
  ['text =~ "^foo"', true],
  ['text !~ "bar$"', false],
  ['"a.b" =~ "a\\\\.b"', true],
  // ternary and coalescing
  ['true ? 1 : 5 > 10', 1],
  ['false ? 35.50 : 50', 50],
  ['true ?? true ? 100 + 200 : 400', 300],
  ['a == 2 ? 1 : a == 1 ? 2 : 3', 2],
  ['false ? 10', null],
  ['missing ?? 5', 5],
  ['(false ? 1) ?? 6', 6],
  // functions and names
  ['min(3, a, 2)', 1],
  ['max(1, b) + 1', 3],
  ['cost-per-node', 5],
  ['[cost-per-node]', 7],
  ['cost\\-per\\-node', 7],
  ['[any name] * größe', 32],
  ['"it\\\'s"', "it's"],
])('%s is %j', (text, expected) => {
  expect(run(text)).toEqual(expected);
});

test.each<[string, RegExp]>([
  ['', /ends where a value should be \(at character 1\)/],
  ['1 +', /at character 4/],
  ['1 2', /stands where an operator should \(at character 3\)/],
  ['(1', /parenthesis is not closed \(at character 1\)/],
  ['()', /nothing stands between/],
  ['a = 1', /to compare, write ==/],
  ['"a', /string is not closed/],
  ['[a', /name in brackets is not closed/],
  ['[ ]', /name in brackets is empty/],
  ['1.2.3', /is no number/],
  ['1a', /is no number/],
  ['a $ b', /"\$" is no operator \(at character 3\)/],
  ['foo(1)', /there is no function foo; there are min and max/],
  ['min', /min is a function/],
  ['a ? 1 :', /ends where a value should be/],
  ['a =~ 5', /regular expression must be a string/],
  ['a =~ "(?=x)"', /may have only/],
  [`${'('.repeat(100)}1`, /nested deeper than 64/],
  [`${'-'.repeat(100)}1`, /nested deeper than 64/],
  ['1'.repeat(5000), /longer than 4096/],
])('%s is refused', (text, message) => {
  expect(() => parseExpression(text)).toThrow(message);
});

test.each<[string, RegExp]>([
  ['missing + 1', /missing is not known/],
  ['constructor', /constructor is not known/],
  ['yes + 1', /needs numbers, not true or false/],
  ['1 < "a"', /compares two numbers or two texts/],
  ['1 && true', /needs true or false, not a number/],
  ['1 ? 2 : 3', /needs true or false/],
  ['1 in 2', /needs a list/],
  ['1 =~ "a"', /matches a text/],
  ['1/0 | 1', /64 bits/],
  ['min("a")', /needs numbers, not a text/],
])('%s fails', (text, message) => {
  const scope = { get: (name: string) => new Map(Object.entries(NAMES)).get(name), fuel: { left: 1000 } };
  expect(() => evaluate(parseExpression(text), scope)).toThrow(message);
});

test('work is bounded', () => {
  expect(() => run(Array.from({ length: 500 }, () => '1').join('+'), 300)).toThrow(/more steps than are allowed/);
  expect(() => run(`text =~ '${'(a|b)*'.repeat(40)}c'`, 300)).toThrow(/more steps/);
});

test('any text gives a value or an ExpressionError', () => {
  const pieces = 'a b 1 2.5 ( ) , + - * / ** == && || ?? ? : in ! ~ "x" [ ] \\ min( =~ << % text list'.split(' ');
  const piece = fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 2 }));
  const outcome = (text: string): string => {
    try {
      return typeof run(text);
    } catch (error) {
      return error instanceof ExpressionError ? 'refused' : `threw ${String(error)}`;
    }
  };
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (each) => {
      expect(outcome(each.join(' '))).toMatch(/^(number|string|boolean|object|refused)$/);
    }),
    { numRuns: 2000 },
  );
});

interface Sum {
  readonly text: string;
  readonly value: number;
}

const OPERATORS: readonly (readonly [string, (a: number, b: number) => number])[] = [
  ['+', (a, b) => a + b],
  ['-', (a, b) => a - b],
  ['*', (a, b) => a * b],
  ['/', (a, b) => a / b],
  ['%', (a, b) => a % b],
];

test('arithmetic is that of float64', () => {
  const { sum } = fc.letrec<{ sum: Sum }>((tie) => ({
    sum: fc.oneof(
      { maxDepth: 6 },
      fc.integer({ min: 0, max: 99 }).map((value): Sum => ({ text: String(value), value })),
      fc.tuple(tie('sum'), fc.constantFrom(...OPERATORS), tie('sum')).map(([left, [operator, apply], right]): Sum => ({
        text: `(${left.text} ${operator} ${right.text})`,
        value: apply(left.value, right.value),
      })),
      tie('sum').map((inner): Sum => ({ text: `-(${inner.text})`, value: -inner.value })),
    ),
  }));
  fc.assert(
    fc.property(sum, ({ text, value }) => {
      expect(run(text)).toEqual(value);
    }),
  );
});
