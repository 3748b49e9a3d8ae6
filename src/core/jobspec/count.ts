/** RFC 14 counts: a whole number, an RFC 22 id set, an RFC 45 range, or {min, max, operator, operand}. */
import { readIdset } from './idset.ts';
import type { Count } from './jobspec.ts';
import { checkPositive, child, kindOf, LARGEST, positive, refuseMisspelt, required, text, wrong } from './place.ts';
import type { Place } from './place.ts';

/** An id set with gaps may list this many counts. */
const MOST_VALUES = 10_000;

export function exactly(n: number): Count {
  return { min: n, max: n, operator: '+', operand: 1, values: null };
}

export function readCount(place: Place): Count {
  const { node } = place;
  if (node.kind === 'map') return readRangeMap(place);
  if (node.kind === 'scalar' && typeof node.value === 'number') return exactly(positive(place));
  if (node.kind === 'scalar' && typeof node.value === 'string') return readCountText(node.value.trim(), place);
  throw wrong(place, `must be a count (4, "2-8", "2,4,8", "2+:2:*" or a map with min), not ${kindOf(place)}`);
}

function readCountText(written: string, place: Place): Count {
  const inner = /^\[(.*)\]$/s.exec(written)?.[1] ?? written;
  const found = /^([1-9]\d{0,14})(?:-([1-9]\d{0,14})|(\+))(?::([1-9]\d{0,14})(?::([+*^]))?)?$/.exec(inner);
  if (found !== null) {
    const [, min, max, , operand, operator] = found;
    const bound = max === undefined ? Infinity : Number(max);
    return checked(Number(min), bound, (operator ?? '+') as Count['operator'], Number(operand ?? 1), place);
  }
  if (/^-\d/.test(inner)) throw wrong(place, `must be a whole number of at least 1, not ${inner.slice(0, 30)}`);
  const ranges = readIdset(inner, place);
  for (const range of ranges) for (const end of range) checkPositive(end, String(end), place);
  const first = ranges[0]!;
  if (ranges.length === 1) return checked(first[0], first[1], '+', 1, place);
  const values: number[] = [];
  for (const [from, to] of ranges) {
    if (values.length + (to - from) >= MOST_VALUES) {
      throw wrong(place, `lists more than ${MOST_VALUES} counts, which is the limit; write it as min and max`);
    }
    for (let value = from; value <= to; value++) values.push(value);
  }
  return { min: values[0]!, max: values.at(-1)!, operator: '+', operand: 1, values };
}

function readRangeMap(place: Place): Count {
  refuseMisspelt(place, ['min', 'max', 'operator', 'operand']);
  const min = positive(required(place, 'min', 'a range of counts needs its least'));
  const maxPlace = child(place, 'max');
  const operatorPlace = child(place, 'operator');
  const operandPlace = child(place, 'operand');
  const max = maxPlace === null ? Infinity : positive(maxPlace);
  const operator = operatorPlace === null ? '+' : text(operatorPlace);
  if (operatorPlace !== null && !/^[+*^]$/.test(operator)) {
    throw wrong(operatorPlace, `must be "+", "*" or "^", not ${kindOf(operatorPlace)}`);
  }
  if (operatorPlace !== null && operator !== '+' && operandPlace === null) {
    throw wrong(place, `\`operand\` is missing: the operator "${operator}" needs one of at least 2`);
  }
  const operand = operandPlace === null ? 1 : positive(operandPlace);
  return checked(min, max, operator as Count['operator'], operand, place);
}

function checked(min: number, max: number, operator: Count['operator'], operand: number, place: Place): Count {
  for (const value of [min, max, operand]) {
    if (value !== Infinity && value > LARGEST) checkPositive(value, String(value), place);
  }
  if (max < min) throw wrong(place, `max ${max} is less than min ${min}`);
  if (operator !== '+' && operand < 2) throw wrong(place, `the operator "${operator}" needs an operand of at least 2`);
  if (operator === '^' && min < 2) throw wrong(place, 'the operator "^" needs a min of at least 2');
  return { min, max, operator, operand, values: null };
}
