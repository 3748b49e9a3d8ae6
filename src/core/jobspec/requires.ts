/**
 * `requires`: predicates on subsystem vertices, grouped into bindings (spec 3.4). Entries of one subsystem with
 * distinct fields bind the same subsystem vertex; a repeated field starts a new binding. Scalars count by their
 * source text. An entry without a name, a field or a predicate is an error: dropped, it would change what is asked.
 */
import type { FieldPredicate, Requirement, Scalar } from './jobspec.ts';
import { child, entries, isNull, items, kindOf, refuseMisspelt, text, wrong } from './place.ts';
import type { Place } from './place.ts';

const ENTRY_KEYS = ['name', 'field', 'match', 'value', 'attribute', 'min', 'max'];
/** The containment graph's own name: its vertices' own metadata, not a linked subsystem's. */
const DOMINANT = 'cluster';

export function readRequires(place: Place): readonly Requirement[] {
  const bindings = new Bindings();
  if (place.node.kind === 'map') {
    readNested(place, bindings);
  } else {
    for (const entry of items(place)) {
      if (isNestedEntry(entry)) readNested(entry, bindings);
      else readEntry(entry, bindings);
    }
  }
  return bindings.requirements;
}

class Bindings {
  readonly requirements: Requirement[] = [];
  private readonly current = new Map<string, { fields: FieldPredicate[]; seen: Set<string> }>();

  add(subsystem: string, predicates: readonly FieldPredicate[], path: string): void {
    let binding = this.current.get(subsystem);
    if (binding === undefined || predicates.some(({ field }) => binding!.seen.has(field))) {
      binding = { fields: [], seen: new Set() };
      this.current.set(subsystem, binding);
      this.requirements.push({ subsystem: subsystem === DOMINANT ? null : subsystem, fields: binding.fields, path });
    }
    for (const predicate of predicates) {
      binding.fields.push(predicate);
      binding.seen.add(predicate.field);
    }
  }
}

/** `{name: io, field: type, match: shm}` */
function readEntry(place: Place, bindings: Bindings): void {
  refuseMisspelt(place, ENTRY_KEYS);
  const name = word(place, 'name', 'the subsystem to look in');
  const attribute = child(place, 'attribute');
  const fieldPlace = child(place, 'field');
  const value = child(place, 'value');
  const predicates: FieldPredicate[] = [];
  if (fieldPlace !== null || attribute === null) {
    const field = word(place, 'field', 'the key in the metadata that is compared');
    predicates.push(readPredicate(place, field, attribute === null ? value : null));
  }
  if (attribute !== null) {
    if (value === null) throw wrong(place, '`value` is missing: what the attribute must be');
    if (text(attribute) === '') throw wrong(attribute, 'must not be empty');
    predicates.push({ field: `attributes.${text(attribute)}`, match: text(value), min: null, max: null });
  }
  bindings.add(name, predicates, place.path);
}

/** `match` (or `value` in its place) and/or `min` and `max`. */
function readPredicate(place: Place, field: string, value: Place | null): FieldPredicate {
  const match = child(place, 'match');
  if (match !== null && value !== null && text(match) !== text(value)) {
    throw wrong(value, '`match` and `value` say different things; give one');
  }
  const equal = match ?? value;
  if (equal !== null && text(equal) === '') throw wrong(equal, 'must not be empty');
  const min = child(place, 'min');
  const max = child(place, 'max');
  if (equal === null && min === null && max === null) {
    throw wrong(place, `\`match\`, \`min\` or \`max\` is missing: what ${JSON.stringify(field)} must be`);
  }
  return { field, match: equal === null ? null : text(equal), min: bound(min), max: bound(max) };
}

function bound(place: Place | null): Scalar | null {
  if (place === null) return null;
  const written = text(place);
  if (written === '') throw wrong(place, 'must not be empty');
  const value = place.node.kind === 'scalar' ? place.node.value : null;
  return { text: written, number: typeof value === 'number' && Number.isFinite(value) ? value : null };
}

function isNestedEntry(place: Place): boolean {
  if (place.node.kind !== 'map') return false;
  const values = [...place.node.entries.values()];
  return values.length > 0 && values.every((value) => value.kind === 'map');
}

/** `{io: {type: shm}}`, or `{spack: {version: {min: "0.5"}}}` */
function readNested(place: Place, bindings: Bindings): void {
  for (const [name, fields] of entries(place)) {
    if (name === '') throw wrong(fields, 'the name of the subsystem must not be empty');
    const within = entries(fields);
    if (within.length === 0)
      throw wrong(fields, `says nothing about ${JSON.stringify(name)}; give a field and its value`);
    for (const [field, wanted] of within) {
      if (field === '') throw wrong(wanted, 'the name of the field must not be empty');
      if (isNull(wanted)) throw wrong(wanted, 'must say what the field must be');
      if (wanted.node.kind === 'map') refuseMisspelt(wanted, ENTRY_KEYS);
      const predicate =
        wanted.node.kind === 'map'
          ? readPredicate(wanted, field, child(wanted, 'value'))
          : { field, match: text(wanted), min: null, max: null };
      bindings.add(name, [predicate], wanted.path);
    }
  }
}

function word(place: Place, key: string, what: string): string {
  const found = child(place, key);
  if (found === null) throw wrong(place, `\`${key}\` is missing: ${what}`);
  const read = text(found);
  if (read === '') throw wrong(found, `must not be empty, not ${kindOf(found)}: ${what}`);
  return read;
}
