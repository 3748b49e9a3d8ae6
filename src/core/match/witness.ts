/**
 * Hands the chosen vertices out to the request vertices that asked for them, slot by slot: the request is walked in
 * the way in which it was compiled, and takes from the bag what each part of it became.
 */
import type { RequestGroup, RequestVertex } from '../jobspec/jobspec.ts';
import type { Bag, Found } from './bag.ts';
import { balance, below, contentsOf, takesItsVertex, topScope, type Compiler, type Scope } from './compile.ts';
import type { Claim, WitnessGroup, WitnessSlot } from './matcher.ts';
import type { Shape } from './shapes.ts';
import { worth } from './units.ts';

export function witnessOf(compiler: Compiler, group: RequestGroup, bag: Bag): WitnessGroup {
  const writer = new Writer(compiler);
  const claims: Claim[] = [];
  if (group.simple !== null) writer.simple(group, bag);
  else for (const vertex of group.vertices) writer.vertex(vertex, topScope, bag, claims);
  return { key: group.key, slots: writer.slots, claims: merged(claims) };
}

class Writer {
  readonly slots: WitnessSlot[] = [];
  readonly #compiler: Compiler;

  constructor(compiler: Compiler) {
    this.#compiler = compiler;
  }

  vertex(vertex: RequestVertex, scope: Scope, bag: Bag, claims: Claim[]): void {
    if (vertex.type === 'slot') this.#slot(vertex, scope, bag);
    else if (vertex.replicas === null) {
      this.#claimed(vertex, this.#compiler.claimed(vertex, scope), this.#compiler.amountOf(vertex), scope, bag, claims);
    } else if (takesItsVertex(vertex)) this.#taken(vertex, vertex.replicas, scope, bag);
    else this.#anchored(vertex, vertex.replicas, scope, bag, claims);
  }

  #claimed(vertex: RequestVertex, shape: Shape, amount: number, scope: Scope, bag: Bag, claims: Claim[]): void {
    if (shape.kind === 'units') {
      for (const chunk of bag.takeUnits(shape, amount)) {
        const each = worth(chunk.own.unit, shape.basis, shape.factor);
        claims.push({
          vertex: chunk.vertex,
          amount: chunk.amount / each,
          exclusive: shape.exclusive,
          request: vertex.path,
        });
      }
      return;
    }
    for (let i = 0; i < amount; i++) {
      const found = must(bag.take(shape), vertex);
      claims.push(claim(found, shape.exclusive, vertex.path));
      const inner = below(vertex, scope, scope.inSlot);
      for (const kid of vertex.with) this.vertex(kid, inner, found.inner, claims);
    }
  }

  #slot(slot: RequestVertex, scope: Scope, bag: Bag): void {
    const bundle = this.#compiler.slotBundle(slot, scope);
    const copies = this.#compiler.countOf(slot) * (slot.replicas ?? 1);
    const inner = below(slot, scope, true);
    for (let i = 0; i < copies; i++) {
      // Inside of a node there was nothing to gather: then the bundle has become its contents.
      const copy = bundle === null ? undefined : bag.take(bundle);
      const contents = copy === undefined ? contentsOf(slot) : slot.with;
      this.#copy(slot.label, (claims) => {
        for (const kid of contents) this.vertex(kid, inner, copy?.inner ?? bag, claims);
      });
    }
  }

  #taken(vertex: RequestVertex, replicas: number, scope: Scope, bag: Bag): void {
    const { shape, amount, gathered } = this.#compiler.takenCopy(vertex, scope);
    for (let i = 0; i < replicas; i++) {
      const copy = gathered === null ? undefined : bag.take(gathered);
      this.#copy(vertex.label, (claims) => {
        this.#claimed(vertex, shape, amount, { ...scope, inSlot: true }, copy?.inner ?? bag, claims);
      });
    }
  }

  #anchored(vertex: RequestVertex, replicas: number, scope: Scope, bag: Bag, claims: Claim[]): void {
    const { gathered } = this.#compiler.anchoredCopy(vertex, scope);
    const inner = below(vertex, scope, true);
    const anchors = new Set<number>();
    let shape = this.#compiler.anchored(vertex, scope);
    let all: Found | null = null;
    for (let i = 0, instance = 0; i < replicas; i++) {
      let found: Found | undefined = all ?? bag.take(shape);
      // A sibling that is alike has had its share: what is left is another instance's.
      while (found === undefined && instance < bag.size) {
        shape = this.#compiler.anchored(vertex, scope, ++instance);
        found = bag.take(shape);
      }
      const { vertex: anchor, own, inner: contents } = must(found, vertex);
      if (shape.kind === 'vertex') all = found ?? null;
      if (!anchors.has(anchor))
        claims.push(claim({ vertex: anchor, own, inner: contents }, shape.exclusive, vertex.path));
      anchors.add(anchor);
      const copy = gathered === null ? undefined : contents.take(gathered);
      this.#copy(vertex.label, (claims) => {
        for (const kid of vertex.with) this.vertex(kid, inner, copy?.inner ?? contents, claims);
      });
    }
  }

  #copy(label: string | null, fill: (claims: Claim[]) => void): void {
    const claims: Claim[] = [];
    // The outer slot comes before those inside of it.
    const at = this.slots.push({ label, claims }) - 1;
    fill(claims);
    this.slots[at] = { label, claims: merged(claims) };
  }

  /** Tasks balanced over nodes: one slot of them all. */
  simple(group: RequestGroup, bag: Bag): void {
    if (group.simple === null) return;
    const { nodes, tasks } = group.simple;
    const top = group.vertices[0];
    const nodePath = top?.with[0]?.path ?? `resources.${group.key}`;
    this.#copy(top?.label ?? null, (claims) => {
      for (const { count, cores } of balance(nodes, tasks)) {
        const shape = this.#compiler.simpleNode(cores);
        const request = { path: nodePath };
        for (let i = 0; i < count; i++) {
          if (shape.kind === 'units') {
            for (const { vertex, own } of bag.takeUnits(shape, 1)) {
              claims.push({ vertex, amount: own.size, exclusive: true, request: nodePath });
            }
            continue;
          }
          const found = must(bag.take(shape), request);
          claims.push(claim(found, false, nodePath));
          for (const core of found.inner.takeUnits(shape.demand.shapes[0] as Shape, cores)) {
            claims.push({ vertex: core.vertex, amount: core.amount, exclusive: true, request: `${nodePath}.with[0]` });
          }
        }
      }
    });
  }
}

function claim(found: Found, exclusive: boolean, request: string): Claim {
  return { vertex: found.vertex, amount: exclusive ? Math.max(1, found.own.size) : 1, exclusive, request };
}

function must(found: Found | undefined, vertex: { readonly path: string }): Found {
  if (found === undefined) throw new Error(`nothing was chosen for ${vertex.path}`);
  return found;
}

/** Several draws of one request vertex on one pool, as one. */
function merged(claims: readonly Claim[]): Claim[] {
  const byPlace = new Map<string, Claim>();
  for (const of of claims) {
    const key = `${of.vertex} ${of.request}`;
    const known = byPlace.get(key);
    byPlace.set(key, known === undefined ? of : { ...known, amount: known.amount + of.amount });
  }
  return [...byPlace.values()];
}
