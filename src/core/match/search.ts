/**
 * The rules of docs/matching.md carried out on vertices, one claim after the other, going back where it gets stuck.
 * Exact and exponential: the measure that the class-based solver is tested against, and its last resort on small trees.
 * It shares no code with the solver but the reading of counts, units and predicates.
 */
import type { RequestVertex } from '../jobspec/jobspec.ts';
import { least } from './accepted.ts';
import type { Claim, WitnessSlot } from './matcher.ts';
import type { Steps } from './steps.ts';
import { basisOf, divisor, tidy, wholes, worth } from './units.ts';

/** A tree vertex by vertex, in preorder. */
export interface SearchTree {
  readonly types: readonly string[];
  readonly sizes: readonly number[];
  readonly units: readonly string[];
  /** −1 for the root. */
  readonly parents: readonly number[];
  /** One past the last vertex of each subtree. */
  readonly ends: readonly number[];
  /** Units that are not to be had. */
  readonly drawn: readonly number[];
  /** Something here or below is not to be had: no exclusive claim. */
  readonly touched: readonly boolean[];
  /** All that was below is gone: it is no leaf. */
  readonly hollow: readonly boolean[];
  passes(vertex: number, requires: RequestVertex['requires']): boolean;
}

/** Claims of request vertices around the one that is being placed. */
interface Chain {
  readonly vertex: number;
  readonly outer: Chain | null;
}

interface Held {
  readonly vertex: number;
  /** Nobody else may have anything below. */
  readonly closes: boolean;
}

interface Place {
  /** −1: above the root. */
  readonly parent: number;
  readonly inSlot: boolean;
  /** Number of the slot copy that it belongs to; −1 outside of slots. */
  readonly slot: number;
  readonly chain: Chain | null;
}

type Then = () => boolean;

/** What was found: claims on vertices of the tree, in slots and outside. */
export interface Arrangement {
  readonly slots: readonly WitnessSlot[];
  readonly claims: readonly Claim[];
}

/** A way to hold all of these at once, or null where there is none. Throws when the steps are spent. */
export function search(tree: SearchTree, vertices: readonly RequestVertex[], steps: Steps): Arrangement | null {
  const searching = new Search(tree, vertices, steps);
  const top = { parent: -1, inSlot: false, slot: -1, chain: null };
  return searching.all(vertices, 0, top, () => true) ? searching.arrangement() : null;
}

class Search {
  readonly #tree: SearchTree;
  readonly #steps: Steps;
  readonly #held: Held[] = [];
  readonly #claimed: boolean[];
  /** What this request draws, and whether those who draw close the vertex. */
  readonly #drawn: number[];
  readonly #closing: (boolean | null)[];
  /** Quantities that matter are multiples of these, by type and basis. */
  readonly #grains = new Map<string, number>();
  /** The way so far. */
  readonly #claims: { readonly slot: number; readonly claim: Claim }[] = [];
  readonly #labels: (string | null)[] = [];

  constructor(tree: SearchTree, vertices: readonly RequestVertex[], steps: Steps) {
    this.#tree = tree;
    this.#steps = steps;
    vertices.forEach((vertex) => this.#measure(vertex));
    this.#claimed = tree.types.map(() => false);
    this.#drawn = tree.types.map(() => 0);
    this.#closing = tree.types.map(() => null);
  }

  arrangement(): Arrangement {
    const of = (slot: number): Claim[] => this.#claims.filter((log) => log.slot === slot).map(({ claim }) => claim);
    return { slots: this.#labels.map((label, i) => ({ label, claims: of(i) })), claims: of(-1) };
  }

  /** Siblings from number `at` on. */
  all(vertices: readonly RequestVertex[], at: number, place: Place, then: Then): boolean {
    const vertex = vertices[at];
    if (vertex === undefined) return then();
    return this.#one(vertex, place, () => this.all(vertices, at + 1, place, then));
  }

  #one(vertex: RequestVertex, place: Place, then: Then): boolean {
    const count = least(vertex.count);
    if (vertex.type === 'slot') return this.#slots(vertex, count * (vertex.replicas ?? 1), place, then);
    if (vertex.replicas === null) return this.#count(vertex, count, place, then);
    const own = vertex.with.length === 0 || vertex.countGiven || vertex.exclusive === true;
    if (!own) return this.#shared(vertex, vertex.replicas, [], place, then);
    return this.#own(vertex, vertex.replicas, vertex.countGiven ? count : 1, place, then);
  }

  #slots(slot: RequestVertex, copies: number, place: Place, then: Then): boolean {
    if (copies === 0) return then();
    const next: Then = () => this.#slots(slot, copies - 1, place, then);
    return this.#copy(slot.label, place, (inner) => {
      if (this.#isInNode(place.parent) || slot.with.some(namesNode)) {
        const contents = slot.with.map((of) => ({ ...of, requires: [...slot.requires, ...of.requires] }));
        return this.all(contents, 0, inner, next);
      }
      for (const node of this.#below(place.parent, 'node')) {
        if (!this.#tree.passes(node, slot.requires)) continue;
        if (this.all(slot.with, 0, { ...inner, parent: node }, next)) return true;
      }
      return false;
    });
  }

  /** One more copy of a slot. */
  #copy(label: string | null, place: Place, fill: (inner: Place) => boolean): boolean {
    const slot = this.#labels.push(label) - 1;
    if (fill({ ...place, inSlot: true, slot })) return true;
    this.#labels.pop();
    return false;
  }

  /** Replicas inside of vertices that they may share among themselves. */
  #shared(vertex: RequestVertex, copies: number, anchors: readonly number[], place: Place, then: Then): boolean {
    if (copies === 0) return then();
    for (const anchor of this.#below(place.parent, vertex.type)) {
      const known = anchors.includes(anchor);
      if (!known && !this.#canClaim(anchor, vertex, place, place.inSlot)) continue;
      if (!known) this.#hold(anchor, place.inSlot, vertex, place);
      const more = known ? anchors : [...anchors, anchor];
      const next: Then = () => this.#shared(vertex, copies - 1, more, place, then);
      const chain = { vertex: anchor, outer: place.chain };
      const gather = !this.#isInNode(anchor) && !namesNode(vertex);
      const nodes = gather ? this.#below(anchor, 'node') : [anchor];
      const fill = (inner: Place): boolean =>
        nodes.some((node) => this.all(vertex.with, 0, { ...inner, chain, parent: node }, next));
      if (this.#copy(vertex.label, place, fill)) return true;
      if (!known) this.#release(anchor);
    }
    return false;
  }

  /** Replicas that each have vertices of their own. */
  #own(vertex: RequestVertex, copies: number, each: number, place: Place, then: Then): boolean {
    if (copies === 0) return then();
    const next: Then = () => this.#own(vertex, copies - 1, each, place, then);
    return this.#copy(vertex.label, place, (inner) => {
      if (each <= 1 || this.#isInNode(place.parent) || namesNode(vertex)) return this.#count(vertex, each, inner, next);
      const nodes = this.#below(place.parent, 'node');
      return nodes.some((node) => this.#count(vertex, each, { ...inner, parent: node }, next));
    });
  }

  #count(vertex: RequestVertex, count: number, place: Place, then: Then): boolean {
    const candidates = this.#below(place.parent, vertex.type);
    if (vertex.with.length > 0) return this.#vertices(vertex, count, candidates, 0, place, then);
    return this.#units(vertex, count * basisOf(vertex.unit).factor, candidates, 0, place, then);
  }

  #vertices(
    vertex: RequestVertex,
    count: number,
    candidates: readonly number[],
    from: number,
    place: Place,
    then: Then,
  ): boolean {
    if (count <= 0) return then();
    const exclusive = place.inSlot || vertex.exclusive === true;
    for (let i = from; i < candidates.length; i++) {
      const at = candidates[i] as number;
      if (!this.#canClaim(at, vertex, place, exclusive)) continue;
      this.#hold(at, exclusive, vertex, place);
      const inner: Place = { ...place, parent: at, chain: { vertex: at, outer: place.chain } };
      const next: Then = () => this.#vertices(vertex, count - 1, candidates, i + 1, place, then);
      if (this.all(vertex.with, 0, inner, next)) return true;
      this.#release(at);
    }
    return false;
  }

  /** Quantity from the candidates, each giving as much as it can or less. */
  #units(
    vertex: RequestVertex,
    missing: number,
    candidates: readonly number[],
    from: number,
    place: Place,
    then: Then,
  ): boolean {
    if (missing <= 0) return then();
    const at = candidates[from];
    if (at === undefined) return false;
    const { basis, factor } = basisOf(vertex.unit);
    const each = worth(this.#tree.units[at] as string, basis, factor);
    const grain = this.#grains.get(`${vertex.type}\n${basis}`) as number;
    const most = each > 0 && this.#canDraw(at, vertex, place) ? Math.min(missing, this.#supply(vertex, at)) : 0;
    let atLeast = 0;
    const before = this.#closing[at] as boolean | null;
    for (let amount = most; amount > 0 && amount >= atLeast; amount -= grain) {
      this.#steps.spend(1);
      const taken = amount / each;
      this.#drawn[at] = (this.#drawn[at] as number) + taken;
      this.#closing[at] = this.#closes(at, vertex, place);
      this.#held.push({ vertex: at, closes: this.#closes(at, vertex, place) });
      this.#log(at, taken, place.inSlot || vertex.exclusive === true, vertex, place);
      if (this.#units(vertex, missing - amount, candidates, from + 1, place, then)) return true;
      this.#held.pop();
      this.#claims.pop();
      this.#drawn[at] -= taken;
      this.#closing[at] = before;
      // What the others cannot make up for is not left to them.
      if (amount === most) {
        atLeast = missing - grain / 2;
        for (let i = from + 1; i < candidates.length; i++) atLeast -= this.#supply(vertex, candidates[i] as number);
      }
    }
    return atLeast <= 0 && this.#units(vertex, missing, candidates, from + 1, place, then);
  }

  /** What is left of a vertex, in whole grains, however much the others have drawn in other units. */
  #supply(vertex: RequestVertex, at: number): number {
    const { basis, factor } = basisOf(vertex.unit);
    const each = worth(this.#tree.units[at] as string, basis, factor);
    const free = (this.#tree.sizes[at] as number) - (this.#tree.drawn[at] as number) - (this.#drawn[at] as number);
    const grain = this.#grains.get(`${vertex.type}\n${basis}`) as number;
    return wholes(tidy(free * each, basis), grain) * grain;
  }

  /** The greatest common divisor of all that is asked for and all that is there. */
  #measure(vertex: RequestVertex): void {
    vertex.with.forEach((kid) => this.#measure(kid));
    const { basis, factor } = basisOf(vertex.unit);
    const key = `${vertex.type}\n${basis}`;
    const asked = least(vertex.count);
    let grain = divisor(this.#grains.get(key) ?? 0, Number.isFinite(asked) ? asked * factor : 0);
    // One replica draws one, whatever its count says.
    if (vertex.replicas !== null) grain = divisor(grain, factor);
    this.#tree.types.forEach((type, at) => {
      if (type !== vertex.type) return;
      const free = (this.#tree.sizes[at] as number) - (this.#tree.drawn[at] as number);
      grain = divisor(grain, tidy(free * worth(this.#tree.units[at] as string, basis, factor), basis));
    });
    this.#grains.set(key, grain > 0 ? grain : factor);
  }

  #closes(at: number, vertex: RequestVertex, place: Place): boolean {
    const hasKids = (this.#tree.ends[at] as number) > at + 1 || this.#tree.hollow[at] === true;
    return place.inSlot ? hasKids : vertex.exclusive === true;
  }

  #canDraw(at: number, vertex: RequestVertex, place: Place): boolean {
    if (this.#claimed[at] === true || !this.#isOpen(at, place.chain)) return false;
    if (!this.#tree.passes(at, vertex.requires)) return false;
    const closes = this.#closes(at, vertex, place);
    const others = this.#closing[at];
    if (others !== null && others !== closes) return false;
    return !closes || (this.#tree.touched[at] === false && !this.#isHeldBelow(at));
  }

  #canClaim(at: number, vertex: RequestVertex, place: Place, exclusive: boolean): boolean {
    if (this.#claimed[at] === true || this.#closing[at] !== null || (this.#tree.drawn[at] as number) > 0) return false;
    if (!this.#isOpen(at, place.chain) || !this.#tree.passes(at, vertex.requires)) return false;
    return !exclusive || (this.#tree.touched[at] === false && !this.#isHeldBelow(at));
  }

  /** Is nobody's exclusive vertex around it, but for those of the request vertices around the one placed? */
  #isOpen(at: number, chain: Chain | null): boolean {
    return this.#held.every(({ vertex, closes }) => {
      if (!closes || at <= vertex || at >= (this.#tree.ends[vertex] as number)) return true;
      for (let of = chain; of !== null; of = of.outer) if (of.vertex === vertex) return true;
      return false;
    });
  }

  #isHeldBelow(at: number): boolean {
    return this.#held.some(({ vertex }) => vertex > at && vertex < (this.#tree.ends[at] as number));
  }

  #hold(at: number, closes: boolean, vertex: RequestVertex, place: Place): void {
    this.#steps.spend(1);
    this.#claimed[at] = true;
    this.#held.push({ vertex: at, closes });
    const size = this.#tree.sizes[at] as number;
    this.#log(at, closes ? Math.max(1, size) : 1, closes, vertex, place);
  }

  #log(at: number, amount: number, exclusive: boolean, vertex: RequestVertex, { slot }: Place): void {
    this.#claims.push({ slot, claim: { vertex: at, amount, exclusive, request: vertex.path } });
  }

  #release(at: number): void {
    this.#claimed[at] = false;
    this.#held.pop();
    this.#claims.pop();
  }

  #below(parent: number, type: string): number[] {
    this.#steps.spend(1);
    const found: number[] = [];
    const end = parent === -1 ? this.#tree.types.length : (this.#tree.ends[parent] as number);
    for (let i = parent + 1; i < end; i++) if (this.#tree.types[i] === type) found.push(i);
    return found;
  }

  #isInNode(at: number): boolean {
    for (let of = at; of !== -1; of = this.#tree.parents[of] as number)
      if (this.#tree.types[of] === 'node') return true;
    return false;
  }
}

function namesNode(vertex: RequestVertex): boolean {
  return vertex.type === 'node' || vertex.with.some(namesNode);
}
