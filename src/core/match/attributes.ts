/**
 * What a vertex is by itself: type, size, unit, metadata and what subsystems hang on it. Interned, so that equal
 * vertices share one record and a predicate is evaluated once per record. Identity fields (id, name, rank, paths) are
 * left out: with them no two vertices would be equal.
 */
import type { Subsystem } from '../graph/graph.ts';
import type { JsonObject } from '../graph/json.ts';
import { identityFields } from './predicate.ts';

export interface Own {
  readonly id: number;
  readonly type: string;
  readonly size: number;
  readonly unit: string;
  /** Strictly below a vertex of type `node`. */
  readonly inNode: boolean;
  /** Without identity fields. */
  readonly metadata: JsonObject;
  /** By subsystem, in the order of their names: the vertices linked here and all below them. */
  readonly links: readonly Link[];
  /** Of everything but the links. */
  readonly key: string;
}

export interface Link {
  readonly subsystem: string;
  readonly set: LinkSet;
}

export interface LinkSet {
  readonly id: number;
  readonly vertices: readonly JsonObject[];
}

export interface OwnAttributes {
  readonly type: string;
  readonly size: number;
  readonly unit: string;
  readonly inNode: boolean;
  readonly metadata: JsonObject;
}

/** Equal attributes, equal keys; what only tells vertices apart is left out. */
export function keyOf(of: OwnAttributes): string {
  return `${of.inNode ? '+' : '-'}${JSON.stringify(of.type)}${of.size}${JSON.stringify(of.unit)}${asWritten(of)}${textOf(of.metadata, null)}`;
}

const noLinks: readonly Link[] = [];
const nothing: ReadonlySet<string> = new Set();

export class AttributeTable {
  #owns = new Map<string, Own>();
  #sets = new Map<string, LinkSet>();
  #nextOwn = 1;
  #nextSet = 1;
  /** Identity fields that somebody asked for, per subsystem: part of the records from then on. */
  #asks = 0;
  readonly #asked = new Map<string, Set<string>>();

  intern(of: OwnAttributes): Own {
    const key = keyOf(of);
    return this.#owns.get(key) ?? this.#make(key, key, of, noLinks);
  }

  /** The same vertex with other links of one subsystem; null takes them away. */
  withLinks(own: Own, subsystem: string, set: LinkSet | null): Own {
    const links = own.links.filter((link) => link.subsystem !== subsystem);
    if (set !== null) links.push({ subsystem, set });
    links.sort((a, b) => (a.subsystem < b.subsystem ? -1 : 1));
    if (links.length === 0) return this.#owns.get(own.key) ?? this.#make(own.key, own.key, own, noLinks);
    const key = own.key + links.map((link) => `\n${JSON.stringify(link.subsystem)}${link.set.id}`).join('');
    return this.#owns.get(key) ?? this.#make(key, own.key, own, links);
  }

  #make(key: string, base: string, of: OwnAttributes, links: readonly Link[]): Own {
    const own: Own = {
      id: this.#nextOwn++,
      type: of.type,
      size: of.size,
      unit: of.unit,
      inNode: of.inNode,
      metadata: keptOf(of.metadata, null),
      links,
      key: base,
    };
    this.#owns.set(key, own);
    return own;
  }

  /**
   * What each vertex of the resource graph reaches in a subsystem: linked vertices and all below them. In slices: the
   * caller may do something else at each yield.
   */
  *linkSets(subsystem: Subsystem): Generator<void, Map<number, LinkSet>> {
    const direct = new Map<number, number[]>();
    for (const [vertex, target] of subsystem.links) {
      const known = direct.get(vertex);
      if (known === undefined) direct.set(vertex, [target]);
      else known.push(target);
    }
    const texts = new Map<number, string>();
    const sets = new Map<number, LinkSet>();
    const byTargets = new Map<string, LinkSet>();
    let work = 0;
    for (const [vertex, targets] of direct) {
      if (work++ % 256 === 255) yield;
      const targetKey = targets.sort((a, b) => a - b).join();
      let set = byTargets.get(targetKey);
      if (set === undefined) {
        set = this.#setOf(subsystem, reach(subsystem, targets), texts);
        byTargets.set(targetKey, set);
      }
      sets.set(vertex, set);
    }
    return sets;
  }

  #setOf(subsystem: Subsystem, vertices: readonly number[], texts: Map<number, string>): LinkSet {
    const asked = this.#asked.get(subsystem.name) ?? nothing;
    const byText = new Map<string, JsonObject>();
    for (const vertex of vertices) {
      const metadata = subsystem.metadata(vertex);
      let text = texts.get(vertex);
      if (text === undefined) {
        text = textOf(metadata, asked);
        texts.set(vertex, text);
      }
      byText.set(text, metadata);
    }
    const sorted = [...byText.keys()].sort();
    const key = `${JSON.stringify(subsystem.name)}${sorted.join('\n')}`;
    let set = this.#sets.get(key);
    if (set === undefined) {
      const kept = sorted.map((text) => keptOf(byText.get(text) as JsonObject, asked));
      set = { id: this.#nextSet++, vertices: kept };
      this.#sets.set(key, set);
    }
    return set;
  }

  /** How often `ask` has had news. */
  get asks(): number {
    return this.#asks;
  }

  /** From now on this identity field is part of that subsystem's records. True where that is news. */
  ask(subsystem: string, field: string): boolean {
    let asked = this.#asked.get(subsystem);
    if (asked === undefined) this.#asked.set(subsystem, (asked = new Set()));
    if (asked.has(field)) return false;
    asked.add(field);
    this.#asks++;
    return true;
  }

  /** Forgets what is not among these. */
  keep(live: ReadonlySet<Own>): void {
    const sets = new Set<LinkSet>();
    for (const own of live) for (const link of own.links) sets.add(link.set);
    for (const [key, own] of this.#owns) if (!live.has(own)) this.#owns.delete(key);
    for (const [key, set] of this.#sets) if (!sets.has(set)) this.#sets.delete(key);
  }
}

function reach(subsystem: Subsystem, from: readonly number[]): number[] {
  const seen = new Set(from);
  for (const vertex of seen) for (const child of subsystem.children[vertex] ?? []) seen.add(child);
  return [...seen];
}

/**
 * Is a key left out of the record? `asked` null: of the resource graph, where names only tell vertices apart. In a
 * subsystem a name that only numbers (`shm0`) is left out, one that says something (`gcc`) is kept.
 */
function isLeftOut(key: string, metadata: JsonObject, asked: ReadonlySet<string> | null): boolean {
  if (!identityFields.has(key)) return false;
  if (asked === null) return true;
  return !asked.has(key) && (key !== 'name' || isNumbered(metadata));
}

function isNumbered(metadata: JsonObject): boolean {
  const name = metadata['name'];
  const stem = metadata['basename'] ?? metadata['type'];
  return (
    typeof name === 'string' &&
    typeof stem === 'string' &&
    name.startsWith(stem) &&
    /^\d*$/.test(name.slice(stem.length))
  );
}

const inKey: ReadonlySet<string> = new Set(['type', 'size', 'unit']);

/** Type, size and unit as the document writes them, where that is not how they are read: a default is not written. */
function asWritten({ metadata, type, size, unit }: OwnAttributes): string {
  if (metadata['type'] === type && metadata['size'] === size && metadata['unit'] === unit) return '';
  return [...inKey].map((key) => `,${Object.hasOwn(metadata, key) ? stable(metadata[key]) : ''}`).join('');
}

/** Everything that is kept, as a key; of the resource graph beyond type, size and unit, which its key has already. */
function textOf(metadata: JsonObject, asked: ReadonlySet<string> | null): string {
  const kept: string[] = [];
  for (const key in metadata) {
    if ((asked !== null || !inKey.has(key)) && !isLeftOut(key, metadata, asked)) kept.push(key);
  }
  if (kept.length > 1) kept.sort();
  let text = '';
  for (const key of kept) text += `,${JSON.stringify(key)}:${stable(metadata[key])}`;
  return text;
}

/** Without what only tells vertices apart; `asked` as in `isLeftOut`. */
export function keptOf(metadata: JsonObject, asked: ReadonlySet<string> | null): JsonObject {
  const kept = Object.create(null) as Record<string, unknown>;
  for (const key in metadata) if (!isLeftOut(key, metadata, asked)) kept[key] = metadata[key];
  return kept;
}

/** JSON with sorted keys: equal values, equal text. */
function stable(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(stable).join()}]`;
  const of = value as JsonObject;
  return `{${Object.keys(of)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${stable(of[key])}`)
    .join()}}`;
}
