/**
 * Hash-consed classes of subtrees, in one table for all clusters: two subtrees that no request can tell apart are one
 * object. A class is its own vertex, what is drawn of it, whether anything in it is taken, and the multiset of its
 * children's classes. Answers are kept on the class, so they live as long as it does.
 *
 * Invariant: equal content, same object; a class never changes. Limits: ids grow for ever; `sweep` forgets classes
 * that no root reaches.
 */
import type { Own } from './attributes.ts';
import type { Fits } from './matcher.ts';

export interface Class {
  readonly id: number;
  readonly own: Own;
  /** Units of the vertex itself that are taken. */
  readonly drawn: number;
  /** Something of this vertex or below is taken: it cannot be had exclusively. */
  readonly touched: boolean;
  /** There was something below it, and all of that is gone: no leaf, though it has no children. */
  readonly hollow: boolean;
  /** Distinct classes of the children, by id, and how many of each. */
  readonly kids: readonly Class[];
  readonly counts: readonly number[];
  /** Vertices, itself included. */
  readonly size: number;
  readonly facts: Facts;
  readonly memo: Memo;
}

/** Which types are where in a subtree; interned, because few subtrees differ in it. */
export interface Facts {
  readonly id: number;
  /** Of itself and below. */
  readonly types: ReadonlySet<string>;
  /** For each type: the types that occur below a vertex of it. */
  readonly below: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Answers, by shape or demand (shapes.ts). */
export interface Memo {
  units: Map<number, number> | null;
  hosts: Map<number, boolean> | null;
  copies: Map<number, number> | null;
  outermost: Map<string, Histogram> | null;
  /** Of a class above a root: how a whole group was decided (decide.ts). */
  decided: Map<string | number, Fits> | null;
}

/** The outermost descendants of one type, by class. */
export interface Histogram {
  readonly classes: readonly Class[];
  readonly counts: readonly number[];
}

const noTypes: ReadonlySet<string> = new Set();

export class ClassTable {
  #buckets = new Map<number, Class[]>();
  #facts = new Map<string, Facts>();
  #nextFacts = 1;
  #nextId = 1;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** `kids` is a multiset and may be in any order; counts are positive. */
  intern(own: Own, drawn: number, touched: boolean, kids: ReadonlyMap<Class, number>, hollow = false): Class {
    const sorted = [...kids.keys()];
    if (sorted.length > 1) sorted.sort((a, b) => a.id - b.id);
    let hash = mix(own.id, (hollow ? 2 : touched ? 1 : 0) + drawn * 4);
    for (const kid of sorted) hash = (hash + mix(kid.id, kids.get(kid) as number)) | 0;
    let bucket = this.#buckets.get(hash);
    if (bucket === undefined) this.#buckets.set(hash, (bucket = []));
    for (const known of bucket) {
      if (known.own !== own || known.drawn !== drawn || known.touched !== touched || known.hollow !== hollow) continue;
      if (sameKids(known, sorted, kids)) return known;
    }
    const counts = sorted.map((kid) => kids.get(kid) as number);
    let size = 1;
    for (let i = 0; i < sorted.length; i++) size += (sorted[i] as Class).size * (counts[i] as number);
    const made: Class = {
      id: this.#nextId++,
      own,
      drawn,
      touched,
      hollow,
      kids: sorted,
      counts,
      size,
      facts: this.#factsOf(own.type, sorted),
      memo: { units: null, hosts: null, copies: null, outermost: null, decided: null },
    };
    bucket.push(made);
    this.#count++;
    return made;
  }

  #factsOf(type: string, kids: readonly Class[]): Facts {
    const distinct = new Map<number, Facts>();
    for (const kid of kids) distinct.set(kid.facts.id, kid.facts);
    const key = `${type}\n${[...distinct.keys()].sort((a, b) => a - b).join()}`;
    const known = this.#facts.get(key);
    if (known !== undefined) return known;
    const types = new Set([type]);
    const below = new Map<string, ReadonlySet<string>>();
    const under = new Set<string>();
    for (const facts of distinct.values()) {
      for (const of of facts.types) under.add(of);
      for (const [of, set] of facts.below) below.set(of, union(below.get(of), set));
    }
    for (const of of under) types.add(of);
    below.set(type, union(below.get(type), under));
    const made: Facts = { id: this.#nextFacts++, types, below };
    this.#facts.set(key, made);
    return made;
  }

  /** Forgets all answers: the shapes that they are kept under are gone. */
  forgetAnswers(): void {
    for (const bucket of this.#buckets.values()) {
      for (const { memo } of bucket) {
        memo.units = null;
        memo.hosts = null;
        memo.copies = null;
        memo.decided = null;
      }
    }
  }

  /** Forgets every class that none of the roots reaches. Returns those that stay. */
  sweep(roots: Iterable<Class>): ReadonlySet<Class> {
    const live = new Set<Class>(roots);
    for (const of of live) for (const kid of of.kids) live.add(kid);
    for (const [hash, bucket] of this.#buckets) {
      const kept = bucket.filter((of) => live.has(of));
      if (kept.length === 0) this.#buckets.delete(hash);
      else if (kept.length < bucket.length) this.#buckets.set(hash, kept);
    }
    this.#count = live.size;
    return live;
  }
}

/** Does one type occur below a vertex of another in this subtree? */
export function occursBelow(facts: Facts, type: string, above: string): boolean {
  return (facts.below.get(above) ?? noTypes).has(type);
}

/** Outermost vertices of a type strictly below; a request that skips levels skips them at once. */
export function outermost(of: Class, type: string): Histogram {
  const memo = (of.memo.outermost ??= new Map());
  const known = memo.get(type);
  if (known !== undefined) return known;
  const total = new Map<Class, number>();
  for (let i = 0; i < of.kids.length; i++) {
    const kid = of.kids[i] as Class;
    const count = of.counts[i] as number;
    if (kid.own.type === type) total.set(kid, (total.get(kid) ?? 0) + count);
    else if (kid.facts.types.has(type)) {
      const inner = outermost(kid, type);
      for (let j = 0; j < inner.classes.length; j++) {
        const found = inner.classes[j] as Class;
        total.set(found, (total.get(found) ?? 0) + count * (inner.counts[j] as number));
      }
    }
  }
  const histogram = { classes: [...total.keys()], counts: [...total.values()] };
  memo.set(type, histogram);
  return histogram;
}

/** All vertices of a type, itself included, by class, and how many of each. */
export function allOf(of: Class, type: string): ReadonlyMap<Class, number> {
  const found = new Map<Class, number>();
  const times = new Map<Class, number>([[of, 1]]);
  // Children are older than those around them: the youngest first meets each class when all above it are done.
  const queue = [of];
  while (queue.length > 0) {
    queue.sort((a, b) => a.id - b.id);
    const at = queue.pop() as Class;
    const count = times.get(at) as number;
    if (at.own.type === type) found.set(at, count);
    at.kids.forEach((kid, i) => {
      if (!kid.facts.types.has(type)) return;
      if (!times.has(kid)) queue.push(kid);
      times.set(kid, (times.get(kid) ?? 0) + count * (at.counts[i] as number));
    });
  }
  return found;
}

function sameKids(known: Class, sorted: readonly Class[], kids: ReadonlyMap<Class, number>): boolean {
  if (known.kids.length !== sorted.length) return false;
  for (let i = 0; i < sorted.length; i++) {
    if (known.kids[i] !== sorted[i] || known.counts[i] !== kids.get(sorted[i] as Class)) return false;
  }
  return true;
}

function union(a: ReadonlySet<string> | undefined, b: ReadonlySet<string>): ReadonlySet<string> {
  if (a === undefined || a.size === 0 || a === b) return b;
  return new Set([...a, ...b]);
}

/** A hash of two numbers. */
export function mix(a: number, b: number): number {
  let z = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b | 0, 0xc2b2ae35);
  z = Math.imul(z ^ (z >>> 15), 0x2c1b3c6d);
  return z ^ (z >>> 13);
}
