/** RFC 31 constraints. */
import { readHostlist } from './hostlist.ts';
import { joined, readIdset } from './idset.ts';
import type { Range } from './idset.ts';
import type { Constraint } from './jobspec.ts';
import { entries, items, kindOf, text, wrong } from './place.ts';
import type { Place } from './place.ts';

const MOST_VALUES = 10_000;

/** Several operators in one object hold together. `{}` is always true. */
export function readConstraint(place: Place): Constraint {
  const all = entries(place).map(([operator, operand]) => readOperator(operator, operand));
  return all.length === 1 ? all[0]! : { op: 'and', of: all };
}

function readOperator(operator: string, place: Place): Constraint {
  const operands = items(place);
  if (operands.length > MOST_VALUES) throw wrong(place, `has more than ${MOST_VALUES} values, which is the limit`);
  switch (operator) {
    case 'and':
    case 'or':
    case 'not':
      return { op: operator, of: operands.map(readConstraint) };
    case 'properties':
      return { op: operator, values: operands.map(readProperty) };
    case 'hostlist':
      return { op: operator, values: operands.flatMap((each) => readHostlist(text(each), each)) };
    case 'ranks': {
      const ranges: Range[] = [];
      for (const each of operands) ranges.push(...readIdset(text(each), each));
      return { op: operator, ranks: joined(ranges) };
    }
    default:
      throw wrong(
        place,
        `unknown constraint ${JSON.stringify(operator.slice(0, 40))}; there are properties, hostlist, ranks, and, or, not (RFC 31)`,
      );
  }
}

function readProperty(place: Place): string {
  const property = text(place);
  if (property === '' || property === '^') throw wrong(place, `must name a property, not ${kindOf(place)}`);
  return property;
}
