/**
 * Which shapes of a demand can get in each other's way in a given subtree: those that claim one type, and those where
 * one may exclusively claim a vertex that has the other's below itself. Shapes that cannot are decided one by one.
 */
import { occursBelow, type Facts } from './classes.ts';
import type { Demand, Shape } from './shapes.ts';

/** Can some two of them? Where none can there is nothing to group. */
export function anyContend({ shapes }: Demand, facts: Facts): boolean {
  for (let i = 1; i < shapes.length; i++) {
    for (let j = 0; j < i; j++) if (contend(shapes[i] as Shape, shapes[j] as Shape, facts)) return true;
  }
  return false;
}

/** Numbers of the shapes in each component; a shape that cannot contend is a component of its own. */
export function components(demand: Demand, facts: Facts): readonly (readonly number[])[] {
  const count = demand.shapes.length;
  if (count === 1) return [[0]];
  const leader = demand.shapes.map((_, i) => i);
  const find = (at: number): number => {
    let top = at;
    while (leader[top] !== top) top = leader[top] as number;
    return top;
  };
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) {
      if (find(i) !== find(j) && contend(demand.shapes[i] as Shape, demand.shapes[j] as Shape, facts)) {
        leader[find(j)] = find(i);
      }
    }
  }
  const groups = new Map<number, number[]>();
  for (let i = 0; i < count; i++) {
    const group = groups.get(find(i));
    if (group === undefined) groups.set(find(i), [i]);
    else group.push(i);
  }
  return [...groups.values()];
}

function contend(a: Shape, b: Shape, facts: Facts): boolean {
  for (const [type, exclusive] of a.claims) {
    for (const [other, otherExclusive] of b.claims) {
      if (type === other) return true;
      if (exclusive && occursBelow(facts, other, type)) return true;
      if (otherExclusive && occursBelow(facts, type, other)) return true;
    }
  }
  return false;
}

/** Does the type nest in itself there? Then even one shape's units may overlap. */
export function nests(facts: Facts, type: string): boolean {
  return occursBelow(facts, type, type);
}
