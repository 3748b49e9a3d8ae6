/** A tree vertex by vertex, for the search: where classes do not decide and the tree is small. */
import type { Class } from './classes.ts';
import { passesAll } from './shapes.ts';
import type { SearchTree } from './search.ts';
import type { Spot } from './spot.ts';

/** Larger trees are not searched. */
const sizeLimit = 2_000;

export interface Explicit {
  readonly tree: SearchTree;
  /** Index in the ResourceGraph of each of its vertices. */
  readonly vertices: readonly number[];
}

/** What is below a spot; null where that is too much. */
export function explicit(top: Spot): Explicit | null {
  if (top.cls.size > sizeLimit) return null;
  const classes: Class[] = [];
  const parents: number[] = [];
  const ends: number[] = [];
  const vertices: number[] = [];
  const visit = (spot: Spot, parent: number): void => {
    const at = classes.push(spot.cls) - 1;
    parents.push(parent);
    vertices.push(spot.vertex);
    for (const kid of spot.kids()) visit(kid, at);
    ends[at] = classes.length;
  };
  for (const kid of top.kids()) visit(kid, -1);
  const tree: SearchTree = {
    types: classes.map((cls) => cls.own.type),
    sizes: classes.map((cls) => cls.own.size),
    units: classes.map((cls) => cls.own.unit),
    parents,
    ends,
    drawn: classes.map((cls) => cls.drawn),
    touched: classes.map((cls) => cls.touched),
    hollow: classes.map((cls) => cls.hollow),
    passes: (vertex, requires) => passesAll((classes[vertex] as Class).own, requires),
  };
  return { tree, vertices };
}

/** A class as if it were a place: for asking only whether, not where. */
export function anywhere(cls: Class): Spot {
  return {
    vertex: -1,
    cls,
    *kids() {
      for (let i = 0; i < cls.kids.length; i++) {
        for (let n = cls.counts[i] as number; n > 0; n--) yield anywhere(cls.kids[i] as Class);
      }
    },
  };
}
