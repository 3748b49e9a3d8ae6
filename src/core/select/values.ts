/** State and parameters, which may hold any JSON, as values that expressions know; what they do not know is left out. */
import type { Value } from './expression/evaluate.ts';

const DEEPEST_LIST = 4;

export function toValues(record: Readonly<Record<string, unknown>>): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>();
  for (const [name, raw] of Object.entries(record)) {
    const value = toValue(raw, 0);
    if (value !== undefined) values.set(name, value);
  }
  return values;
}

function toValue(raw: unknown, depth: number): Value | undefined {
  if (typeof raw === 'number' || typeof raw === 'string' || typeof raw === 'boolean') return raw;
  if (!Array.isArray(raw) || depth >= DEEPEST_LIST) return undefined;
  const items = raw.map((item) => toValue(item, depth + 1));
  return items.includes(undefined) ? undefined : (items as Value[]);
}
