/**
 * `requires` and RFC 31 properties, asked of one vertex's attributes. Pure reading of metadata: anything that a
 * graph may hold is answered, nothing throws.
 */
import { isObject, type JsonObject } from '../graph/json.ts';
import type { FieldPredicate, Requirement } from '../jobspec/jobspec.ts';
import { isWithin, textOf } from './version.ts';

/**
 * Metadata that tells vertices apart which are otherwise equal: kept out of classes. `basename` is a name without its
 * number: with it no two clusters would look alike.
 */
export const identityFields: ReadonlySet<string> = new Set(['id', 'uniq_id', 'rank', 'paths', 'name', 'basename']);

/** Does a vertex of a subsystem (or the chosen vertex itself) pass every field of one binding? */
export function passes(metadata: JsonObject, requirement: Requirement): boolean {
  return requirement.fields.every((field) => passesField(metadata, field));
}

function passesField(metadata: JsonObject, predicate: FieldPredicate): boolean {
  const value = valueOf(metadata, predicate.field);
  if (value === undefined) return false;
  if (predicate.match !== null && textOf(value) !== predicate.match) return false;
  return isWithin(value, predicate.min, predicate.max);
}

/** The exact key first, then a dotted path. */
function valueOf(metadata: JsonObject, field: string): unknown {
  if (Object.hasOwn(metadata, field)) return metadata[field];
  let value: unknown = metadata;
  for (const key of field.split('.')) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** The field's first key: the one that decides whether it is an identity field. */
export function headOf(field: string): string {
  const dot = field.indexOf('.');
  return dot === -1 ? field : field.slice(0, dot);
}

/** RFC 31 properties of a node: the keys of `metadata.properties`, or its items. */
export function hasProperty(metadata: JsonObject, property: string): boolean {
  const properties = metadata['properties'];
  if (Array.isArray(properties)) return properties.includes(property);
  return isObject(properties) && Object.hasOwn(properties, property);
}
