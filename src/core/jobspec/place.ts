/**
 * A value in the document together with its path, and the questions that readers ask of it. Every error says the
 * path, the line and the column.
 */
import { invalid } from '../errors.ts';
import type { RainbowError } from '../errors.ts';
import type { DocumentNode } from './document.ts';

export interface Place {
  readonly node: DocumentNode;
  /** `resources.train.with[0].count`; '' for the document itself. */
  readonly path: string;
}

/** The largest count, size or number of tasks that is accepted (2^31 − 1, as the prototype's int32). */
export const LARGEST = 2 ** 31 - 1;

export function wrong(place: Place, message: string): RainbowError {
  const { line, column } = place.node.at;
  return invalid(`${place.path === '' ? 'jobspec' : place.path} (line ${line}, column ${column})`, message);
}

export function below(place: Place, key: string): string {
  if (!/^[A-Za-z_][\w-]*$/.test(key)) return `${place.path}[${JSON.stringify(key.slice(0, 80))}]`;
  return place.path === '' ? key : `${place.path}.${key}`;
}

/** The value under `key`; null where there is none or where it is null. */
export function child(place: Place, key: string): Place | null {
  if (place.node.kind !== 'map') throw wrong(place, `must be a map, not ${kindOf(place)}`);
  const node = place.node.entries.get(key);
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return null;
  return { node, path: below(place, key) };
}

export function required(place: Place, key: string, why: string): Place {
  const found = child(place, key);
  if (found === null) throw wrong(place, `\`${key}\` is missing: ${why}`);
  return found;
}

/** Entries of a map, in the order in which they were written; null values included. */
export function entries(place: Place): readonly (readonly [string, Place])[] {
  if (place.node.kind !== 'map') throw wrong(place, `must be a map, not ${kindOf(place)}`);
  return [...place.node.entries].map(([key, node]) => [key, { node, path: below(place, key) }] as const);
}

export function items(place: Place): readonly Place[] {
  if (place.node.kind !== 'list') throw wrong(place, `must be a list, not ${kindOf(place)}`);
  return place.node.items.map((node, index) => ({ node, path: `${place.path}[${index}]` }));
}

export function isNull(place: Place): boolean {
  return place.node.kind === 'scalar' && place.node.value === null;
}

/** Does it say nothing: null, '', false, or an empty map or list? */
export function isNothing(place: Place): boolean {
  const { node } = place;
  if (node.kind === 'map') return node.entries.size === 0;
  if (node.kind === 'list') return node.items.length === 0;
  return node.value === null || node.value === '' || node.value === false;
}

/** Any scalar but null, by its source text. */
export function text(place: Place): string {
  const { node } = place;
  if (node.kind !== 'scalar' || node.value === null) throw wrong(place, `must be text, not ${kindOf(place)}`);
  return node.text;
}

export function number(place: Place): number {
  const { node } = place;
  if (node.kind !== 'scalar' || typeof node.value !== 'number' || !Number.isFinite(node.value)) {
    throw wrong(place, `must be a number, not ${kindOf(place)}`);
  }
  return node.value;
}

/** A whole number from 1 to 2^31 − 1. */
export function positive(place: Place): number {
  const { node } = place;
  if (node.kind !== 'scalar' || typeof node.value !== 'number') {
    throw wrong(place, `must be a whole number of at least 1, not ${kindOf(place)}`);
  }
  checkPositive(node.value, node.text, place);
  return node.value;
}

/** Refuses what is not a whole number from 1 to 2^31 − 1; `shown` is how it was written. */
export function checkPositive(value: number, shown: string, place: Place): void {
  const said = shown.length > 30 ? `${shown.slice(0, 30)}…` : shown;
  if (value > LARGEST) {
    throw wrong(place, `${said} is more than ${LARGEST}, which is the limit; ask for less or use a larger unit`);
  }
  if (!Number.isInteger(value) || value < 1) {
    throw wrong(place, `must be a whole number of at least 1, not ${said}`);
  }
}

export function boolean(place: Place): boolean {
  const { node } = place;
  if (node.kind === 'scalar') {
    if (typeof node.value === 'boolean') return node.value;
    // YAML 1.1 wrote them so, and the prototype's clients still read them so.
    if (/^(yes|on)$/i.test(node.text)) return true;
    if (/^(no|off)$/i.test(node.text)) return false;
  }
  throw wrong(place, `must be true or false, not ${kindOf(place)}`);
}

export function kindOf(place: Place): string {
  const { node } = place;
  if (node.kind === 'map') return 'a map';
  if (node.kind === 'list') return 'a list';
  if (node.value === null) return 'null';
  const shown = node.text.length > 40 ? `${node.text.slice(0, 40)}…` : node.text;
  return typeof node.value === 'string' ? JSON.stringify(shown) : shown;
}

/** Names for people only: what is nearly one of them may be somebody's own key. */
const HARMLESS = ['label', 'name'];

/** Refuses a key that is nearly one of `known`: dropped in silence, it would change what is asked. */
export function refuseMisspelt(place: Place, known: readonly string[]): void {
  for (const [key, value] of entries(place)) {
    if (known.includes(key)) continue;
    const meant = known.find((name) => name.length >= 4 && !HARMLESS.includes(name) && isNear(key, name));
    if (meant !== undefined) throw wrong(value, `unknown key \`${key}\`; did you mean \`${meant}\`?`);
  }
}

/** Equal but for case, or one letter added or dropped, or one changed. */
function isNear(a: string, b: string): boolean {
  const x = a.toLowerCase();
  const y = b.toLowerCase();
  if (x === y) return true;
  if (Math.abs(x.length - y.length) > 1) return false;
  let start = 0;
  while (start < x.length && start < y.length && x[start] === y[start]) start += 1;
  const rest = (skipX: number, skipY: number): boolean => x.slice(start + skipX) === y.slice(start + skipY);
  return rest(1, 1) || rest(1, 0) || rest(0, 1);
}
