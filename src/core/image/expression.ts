/**
 * One match expression: read (operator, number of values, their kind) and evaluated. Whatever is wrong with the
 * expression itself is found when it is read; a node's value that is no number simply does not match.
 */
import { boolean, child, isNull, items, kindOf, refuseMisspelt, text, wrong } from '../jobspec/place.ts';
import type { Place } from '../jobspec/place.ts';
import { compileRegex, isRegex, type Regex } from '../select/expression/regex.ts';
import type { Expression, Operator } from './compatibility.ts';
import type { Budget } from './limits.ts';

/** How many values: exactly so many, or at least one. */
const VALUES: Readonly<Record<Operator, number | 'some'>> = {
  any: 0,
  In: 'some',
  NotIn: 'some',
  InRegexp: 'some',
  Exists: 0,
  DoesNotExist: 0,
  IsTrue: 0,
  IsFalse: 0,
  Gt: 1,
  Ge: 1,
  Lt: 1,
  Le: 1,
  GtLt: 2,
  GeLe: 2,
};

/** As other writers spell them. */
const ALIASES: Readonly<Record<string, Operator>> = { '': 'any', Gte: 'Ge', Lte: 'Le' };

export function readExpression(place: Place, budget: Budget, keys: readonly string[] = []): Expression {
  budget.expression(place);
  refuseMisspelt(place, ['op', 'value', 'type', ...keys]);
  const written = child(place, 'op');
  const word = written === null ? '' : text(written);
  const op = Object.hasOwn(ALIASES, word)
    ? ALIASES[word]
    : Object.hasOwn(VALUES, word)
      ? (word as Operator)
      : undefined;
  if (op === undefined || word === 'any') {
    const known = Object.keys(VALUES).filter((each) => each !== 'any');
    throw wrong(
      written ?? place,
      `unknown operator ${JSON.stringify(word.slice(0, 40))}; there are ${known.join(', ')}`,
    );
  }
  const values = readValues(child(place, 'value'), budget);
  const wanted = VALUES[op];
  if (wanted === 'some' ? values.length === 0 : values.length !== wanted) {
    const needs = wanted === 'some' ? 'at least one value' : wanted === 0 ? 'no value' : `exactly ${wanted}`;
    throw wrong(place, `${word === '' ? 'an empty operator' : word} takes ${needs}, not ${values.length}`);
  }
  const expression: Expression = { op, values, type: readType(child(place, 'type')) };
  checkValues(expression, place);
  return expression;
}

function readValues(place: Place | null, budget: Budget): readonly string[] {
  if (place === null) return [];
  // One value is also written without the list around it.
  const list = place.node.kind === 'scalar' ? [place] : items(place);
  budget.values(place, list.length);
  return list.map((each) => {
    if (isNull(each)) throw wrong(each, 'a value is text, not null');
    return text(each);
  });
}

function readType(place: Place | null): Expression['type'] {
  if (place === null || text(place) === '') return 'integer';
  if (text(place) === 'version') return 'version';
  throw wrong(place, `the only type is version, not ${kindOf(place)}`);
}

function checkValues({ op, values, type }: Expression, place: Place): void {
  if (op === 'InRegexp') {
    for (const value of values) {
      const problem = isRegex(value);
      if (problem !== null) throw wrong(place, `the pattern ${JSON.stringify(value.slice(0, 60))}: ${problem}`);
    }
  }
  if (typeof VALUES[op] !== 'number' || VALUES[op] === 0) return;
  const read = values.map((value) => {
    const ordered = orderedOf(value, type);
    if (ordered === null) {
      const kind = type === 'version' ? 'a version, as in 1.2.3' : 'a whole number (for versions: `type: version`)';
      throw wrong(place, `${op} compares with ${kind}, not ${JSON.stringify(value.slice(0, 40))}`);
    }
    return ordered;
  });
  const [low, high] = read;
  if (low === undefined || high === undefined) return;
  const order = compare(low, high);
  if (order > 0 || (order === 0 && op === 'GtLt')) throw wrong(place, `${op} takes the smaller value first`);
}

/** As in a flat map: any scalar, by its text; true and false as these words. */
export function scalarText(place: Place): string {
  const { node } = place;
  if (node.kind === 'scalar' && typeof node.value === 'boolean') return String(boolean(place));
  return text(place);
}

/** `value` undefined: there is no such element. Null: it is there and has no value, as a flag. */
export type ExpressionTest = (value: string | null | undefined) => boolean;

export function compileExpression({ op, values, type }: Expression): ExpressionTest {
  switch (op) {
    case 'any':
      return () => true;
    case 'Exists':
      return (value) => value !== undefined;
    case 'DoesNotExist':
      return (value) => value === undefined;
    case 'In':
      return withValue((value) => values.includes(value));
    case 'NotIn':
      return withValue((value) => !values.includes(value));
    case 'IsTrue':
      return withValue((value) => value === 'true');
    case 'IsFalse':
      return withValue((value) => value === 'false');
    case 'InRegexp': {
      const patterns: readonly Regex[] = values.map(compileRegex);
      return withValue((value) => value.length <= LONGEST && patterns.some((pattern) => pattern.test(value)));
    }
    default:
      return ordered(op, values, type);
  }
}

/** Characters of a node's value that are searched. */
const LONGEST = 10_000;

function withValue(test: (value: string) => boolean): ExpressionTest {
  return (value) => value !== undefined && value !== null && test(value);
}

type Ordering = 'Gt' | 'Ge' | 'Lt' | 'Le' | 'GtLt' | 'GeLe';

function ordered(op: Ordering, values: readonly string[], type: Expression['type']): ExpressionTest {
  const [first = [], second = []] = values.map((value) => orderedOf(value, type) ?? []);
  return withValue((text) => {
    const value = orderedOf(text, type);
    if (value === null) return false;
    const order = compare(value, first);
    if (op === 'Gt') return order > 0;
    if (op === 'Ge') return order >= 0;
    if (op === 'Lt') return order < 0;
    if (op === 'Le') return order <= 0;
    const above = compare(value, second);
    return op === 'GtLt' ? order > 0 && above < 0 : order >= 0 && above <= 0;
  });
}

/** Its numbers, most significant first; null where it is none of that type. */
function orderedOf(text: string, type: Expression['type']): readonly bigint[] | null {
  if (text.length > 100) return null;
  if (type === 'integer') return /^[+-]?\d+$/.test(text) ? [BigInt(text.replace(/^\+/, ''))] : null;
  // What stands behind the numbers (-rc1, +build, -91-generic) does not count.
  const found = /^v?(\d+(?:\.\d+)*)(?:[-+_~ ].*)?$/.exec(text);
  return found === null ? null : (found[1] ?? '').split('.').map(BigInt);
}

function compare(a: readonly bigint[], b: readonly bigint[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const x = a[i] ?? 0n;
    const y = b[i] ?? 0n;
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

/** For people: `AVX512F Exists`, `version Ge 5.4 (version)`. */
export function wordsOf(element: string, { op, values, type }: Expression): string {
  const said = [
    element,
    ...(op === 'any' ? [] : [op]),
    ...(values.length === 0 ? [] : [values.slice(0, 5).join(', ')]),
  ];
  const kind = type === 'version' ? ' (version)' : '';
  return `${said.join(' ')}${values.length > 5 ? ', …' : ''}${kind}`.slice(0, 200);
}
