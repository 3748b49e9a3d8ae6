/**
 * RFC 31 and the job's image: which nodes may be allocated at all. A node that fails is as if it were taken, with everything in it; what
 * is around it cannot be had exclusively. Only the outermost nodes are asked.
 */
import { hostTest } from '../hostlist.ts';
import type { Compatibility } from '../image/compatibility.ts';
import type { Constraint } from '../jobspec/jobspec.ts';
import type { Own } from './attributes.ts';
import type { Class, ClassTable } from './classes.ts';
import { imageTest } from './image.ts';
import { Overlay } from './overlay.ts';
import { hasProperty } from './predicate.ts';

export interface Node {
  readonly own: Own;
  name(): string;
  rank(): number;
}

/** What a node has to be like. */
export type Condition = Constraint | { readonly op: 'image'; readonly needs: Compatibility };

type Test = (node: Node) => boolean;

export class NodeFilter {
  /** Equal constraints, equal keys. */
  readonly key: string;
  /** Does it ask who a node is (host list, ranks), not only what it is like? */
  readonly namesNodes: boolean;
  readonly #test: Test;
  #known = new WeakMap<Own, boolean>();
  #filtered = new WeakMap<Class, { readonly cls: Class | null }>();

  /** All of them hold. */
  constructor(conditions: readonly Condition[]) {
    this.key = JSON.stringify(conditions);
    this.namesNodes = conditions.some(asksWho);
    const tests = conditions.map(testOf);
    this.#test = (node) => tests.every((test) => test(node));
  }

  passes(node: Node): boolean {
    if (this.namesNodes) return this.#test(node);
    let answer = this.#known.get(node.own);
    if (answer === undefined) this.#known.set(node.own, (answer = this.#test(node)));
    return answer;
  }

  /** A class without its failing nodes; null where nothing is left. For constraints that do not name nodes. */
  filter(classes: ClassTable, of: Class): Class | null {
    if (!of.facts.types.has('node')) return of;
    const known = this.#filtered.get(of);
    if (known !== undefined) return known.cls;
    const cls = of.own.type === 'node' ? (this.passes(anonymous(of.own)) ? of : null) : this.#kids(classes, of);
    this.#filtered.set(of, { cls });
    return cls;
  }

  #kids(classes: ClassTable, of: Class): Class {
    const kids = new Map<Class, number>();
    let touched = of.touched;
    for (let i = 0; i < of.kids.length; i++) {
      const kid = this.filter(classes, of.kids[i] as Class);
      if (kid === null || kid.touched) touched = true;
      if (kid !== null) kids.set(kid, (kids.get(kid) ?? 0) + (of.counts[i] as number));
    }
    return classes.intern(of.own, of.drawn, touched, kids, of.hollow || (of.kids.length > 0 && kids.size === 0));
  }

  /** The same on a tree whose nodes have names. */
  overlay(classes: ClassTable, of: Overlay): Overlay {
    const { tree } = of;
    const made = new Overlay(classes, tree, of);
    for (let spine = 0; spine < tree.length; spine++) {
      const own = tree.form(spine)?.own;
      if (own?.type !== 'node') continue;
      if (!this.passes({ own, name: () => tree.name(spine), rank: () => tree.rank(spine) })) made.setLeaf(spine, null);
    }
    made.flush();
    return made;
  }
}

/** What must all hold; each property by itself. */
export function conjuncts(constraint: Constraint): readonly Constraint[] {
  if (constraint.op === 'and') return constraint.of.flatMap(conjuncts);
  return constraint.op === 'properties'
    ? constraint.values.map((value) => ({ ...constraint, values: [value] }))
    : [constraint];
}

/** For people: `ssd and (amd64 or arm64) and not host node[1-3]`. */
export function constraintText(constraint: Constraint): string {
  switch (constraint.op) {
    case 'properties':
      return constraint.values.map((value) => (value.startsWith('^') ? `not ${value.slice(1)}` : value)).join(' and ');
    case 'hostlist':
      return `host ${constraint.values.join(',')}`;
    case 'ranks':
      return `rank ${constraint.ranks.map(([low, high]) => (low === high ? low : `${low}-${high}`)).join(',')}`;
    default: {
      const parts = constraint.of.map((each) => (isJoined(each) ? `(${constraintText(each)})` : constraintText(each)));
      return constraint.op === 'not' ? `not ${parts.join(' and ')}` : parts.join(` ${constraint.op} `);
    }
  }
}

function isJoined(constraint: Constraint): boolean {
  return constraint.op === 'properties'
    ? constraint.values.length > 1
    : constraint.op === 'and' || constraint.op === 'or';
}

/** A node of which only what it is like is known. */
export function anonymous(own: Own): Node {
  return { own, name: () => '', rank: () => -1 };
}

function asksWho(constraint: Condition): boolean {
  switch (constraint.op) {
    case 'hostlist':
    case 'ranks':
      return true;
    case 'properties':
    case 'image':
      return false;
    default:
      return constraint.of.some(asksWho);
  }
}

function testOf(constraint: Condition): Test {
  switch (constraint.op) {
    case 'properties': {
      const tests = constraint.values.map((value) => {
        const absent = value.startsWith('^');
        const property = absent ? value.slice(1) : value;
        return ({ own }: Node): boolean => hasProperty(own.metadata, property) !== absent;
      });
      return (node) => tests.every((test) => test(node));
    }
    case 'image': {
      const isGood = imageTest(constraint.needs);
      return ({ own }) => isGood(own);
    }
    case 'hostlist': {
      const isHost = hostTest(constraint.values);
      return (node) => isHost(node.name());
    }
    case 'ranks':
      return (node) => {
        const rank = node.rank();
        return rank >= 0 && constraint.ranks.some(([low, high]) => rank >= low && rank <= high);
      };
    default: {
      const tests = constraint.of.map(testOf);
      if (constraint.op === 'or') return (node) => tests.length === 0 || tests.some((test) => test(node));
      const all: Test = (node) => tests.every((test) => test(node));
      return constraint.op === 'and' ? all : (node) => !all(node);
    }
  }
}
