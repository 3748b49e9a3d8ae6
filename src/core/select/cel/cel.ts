/**
 * The `cel` policy: filter, score and order in the Common Expression Language, over `cluster`, `state`, `match`, `bid`
 * and `job` (docs/bidding.md). Options, each an expression, at least one of them:
 *   `filter`  true keeps the cluster; anything else, or no value, drops it;
 *   `score`   a number, the highest first;
 *   `order`   a value or a list of values to sort by, the smallest first: numbers, texts, booleans (false first).
 * The score decides before the order. A cluster for which one of them has no value comes after those for which it has;
 * it is not lost. Ties are broken by the seed.
 */
import { invalid } from '../../errors.ts';
import { listed, ordered } from '../order.ts';
import type { Contender, Policy, Select, SelectInput } from '../policy.ts';
import { compileExpression, type Expression } from './compile.ts';
import { factsOf } from './facts.ts';

const NUMBERS = ['double', 'int', 'uint'];
const SORTABLE = ['list', 'string', 'bool', ...NUMBERS];

type Facts = ReadonlyMap<Contender, Readonly<Record<string, unknown>>>;
type Key = number | string;

export const celPolicy: Policy = {
  compile(options) {
    const read = (name: string, types: readonly string[]): Expression | null => {
      const text = options[name];
      return text === undefined || text.trim() === '' ? null : compileExpression(name, text, types);
    };
    const unknown = Object.keys(options).find((name) => !['filter', 'score', 'order'].includes(name));
    if (unknown !== undefined)
      throw invalid(unknown.slice(0, 80), 'is no option of cel; there are filter, score, order');
    const filter = read('filter', ['bool']);
    const score = read('score', NUMBERS);
    const order = read('order', SORTABLE);
    const all = [filter, score, order].filter((each) => each !== null);
    if (all.length === 0) throw invalid('cel', 'needs one of the options filter, score, order: each a CEL expression');
    const select: Select = (input) => choose({ filter, score, order }, input);
    return Object.assign(select, { weighsOffers: all.some((each) => each.usesBid) });
  },
};

interface Written {
  readonly filter: Expression | null;
  readonly score: Expression | null;
  readonly order: Expression | null;
}

function choose({ filter, score, order }: Written, input: SelectInput): ReturnType<Select> {
  const facts: Facts = new Map(input.contenders.map((each) => [each, factsOf(each, input)]));
  const notes: string[] = [];
  let left = input.contenders;
  if (filter !== null) {
    const { kept, note } = runFilter(filter, left, facts);
    left = kept;
    notes.push(note);
  }
  const scores = score === null ? null : valuesOf('score', score, left, facts, scoreOf, notes);
  const keys = order === null ? null : valuesOf('order', order, left, facts, keysOf, notes);
  const places = keys === null ? null : placesOf(keys);
  const sorted = ordered(left, input.seed, (each) => {
    const value = scores?.get(each);
    const place = places?.get(each);
    return [
      scores === null || value !== undefined ? 0 : 1,
      value === undefined ? 0 : -value,
      places === null || place !== undefined ? 0 : 1,
      place ?? 0,
    ];
  });
  return { order: sorted, notes };
}

function runFilter(filter: Expression, contenders: readonly Contender[], facts: Facts) {
  const dropped: string[] = [];
  const kept = contenders.filter((each) => {
    const result = filter.run(facts.get(each)!);
    if ('value' in result && result.value === true) return true;
    dropped.push('problem' in result ? `${each.cluster} (${result.problem})` : each.cluster);
    return false;
  });
  return { kept, note: `filter ${filter.text}: kept ${kept.length}${listed(', dropped ', dropped)}` };
}

function valuesOf<T>(
  name: string,
  expression: Expression,
  contenders: readonly Contender[],
  facts: Facts,
  read: (value: unknown) => T | null,
  notes: string[],
): ReadonlyMap<Contender, T> {
  const values = new Map<Contender, T>();
  const without: string[] = [];
  for (const each of contenders) {
    const result = expression.run(facts.get(each)!);
    const value = 'value' in result ? read(result.value) : null;
    if (value !== null) values.set(each, value);
    else without.push('problem' in result ? `${each.cluster} (${result.problem})` : each.cluster);
  }
  notes.push(`${name} ${expression.text}${listed('; without a value, so last: ', without)}`);
  return values;
}

function scoreOf(value: unknown): number | null {
  const number = typeof value === 'bigint' ? Number(value) : value;
  return typeof number === 'number' && !Number.isNaN(number) ? number : null;
}

function keysOf(value: unknown): readonly Key[] | null {
  const keys = (Array.isArray(value) ? value : [value]).map((each: unknown): Key | null => {
    if (typeof each === 'boolean') return each ? 1 : 0;
    return typeof each === 'string' ? each : scoreOf(each);
  });
  return keys.includes(null) ? null : (keys as Key[]);
}

/** Lists of keys, which may hold texts, as places: equal lists have equal places. */
function placesOf(keys: ReadonlyMap<Contender, readonly Key[]>): ReadonlyMap<Contender, number> {
  const sorted = [...keys].sort(([, a], [, b]) => compareLists(a, b));
  const places = new Map<Contender, number>();
  let place = 0;
  for (const [index, [contender, list]] of sorted.entries()) {
    if (index > 0 && compareLists(sorted[index - 1]![1], list) !== 0) place = index;
    places.set(contender, place);
  }
  return places;
}

/** By the first that differs; numbers before texts; a list before what it is the beginning of. */
function compareLists(a: readonly Key[], b: readonly Key[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x, y] = [a[i]!, b[i]!];
    if (typeof x !== typeof y) return typeof x === 'number' ? -1 : 1;
    if (x !== y) return x < y ? -1 : 1;
  }
  return a.length - b.length;
}
