/** The accepted values of a count (RFC 14, RFC 45): the least, and the largest up to a bound. */
import type { Count } from '../jobspec/jobspec.ts';

/** Feasibility of the least decides: whoever can have more can have less. Infinity where nothing is accepted. */
export function least(count: Count): number {
  if (count.values !== null) return count.values[0] ?? Infinity;
  return count.min <= count.max ? count.min : Infinity;
}

export function isRange(count: Count): boolean {
  if (count.values !== null) return count.values.length > 1;
  return next(count, count.min) <= count.max;
}

/** The accepted values from the least on, up to `bound`, ascending; at most `limit` of them. */
export function acceptedUpTo(count: Count, bound: number, limit = 100_000): number[] {
  if (count.values !== null) return count.values.filter((value) => value <= bound).slice(0, limit);
  const top = Math.min(bound, count.max);
  const values: number[] = [];
  for (let value = count.min; value <= top && values.length < limit; value = next(count, value)) values.push(value);
  return values;
}

/** Infinity where the operator does not lead upwards: then there is one value only. */
function next(count: Count, value: number): number {
  const { operator, operand } = count;
  const to = operator === '+' ? value + operand : operator === '*' ? value * operand : value ** operand;
  return to > value ? to : Infinity;
}
