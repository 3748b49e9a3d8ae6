/** Pools that several shapes draw from: the ways to share one vertex's quantity out. */
import type { Class } from './classes.ts';
import type { Vector } from './front.ts';
import type { Frame } from './profile.ts';
import type { Demand, Shape } from './shapes.ts';
import { supply } from './solver.ts';
import type { Steps } from './steps.ts';
import { divisor, tidy, wholes } from './units.ts';

/** Maximal ways to give a vertex's quantity to the shapes with these numbers; none where there is nothing to give. */
export function shareOut(frame: Frame, numbers: readonly number[], of: Class, steps: Steps): Vector[] {
  const ways: Vector[] = [];
  const given = frame.caps.map(() => 0);
  const supplies = numbers.map((number) => supply(frame.shapes[number] as Shape, of));
  const share = (at: number): void => {
    const number = numbers[at];
    if (number === undefined) {
      steps.spend(1);
      if (given.some((value) => value > 0)) ways.push([...given]);
      return;
    }
    const grain = frame.grains.get(drawKey(frame.shapes[number] as Shape)) ?? 1;
    const { basis } = frame.shapes[number] as Shape;
    const most = Math.min(frame.caps[number] as number, left(supplies, numbers, given, at, grain, basis));
    // The last one takes what is left; the others every multiple of the grain.
    const last = at === numbers.length - 1 ? 0 : wholes(most, grain);
    for (let less = 0; less <= last; less++) {
      given[number] = Math.max(0, most - less * grain);
      share(at + 1);
    }
    given[number] = 0;
  };
  share(0);
  return ways;
}

/** What the shapes before it leave for number `at`. In whole numbers where all of them count alike. */
function left(
  supplies: readonly number[],
  numbers: readonly number[],
  given: readonly number[],
  at: number,
  grain: number,
  basis: string,
): number {
  const all = supplies[at] as number;
  let rest = all;
  let alike = true;
  for (let i = 0; i < at; i++) {
    const of = supplies[i] as number;
    const used = given[numbers[i] as number] as number;
    if (of === all) rest -= used;
    else if (used > 0) {
      rest -= (used / of) * all;
      alike = false;
    }
  }
  return alike ? rest : wholes(tidy(rest, basis), grain) * grain;
}

/** Quantities come in multiples of these, by type and basis (`drawKey`). */
export type Grains = ReadonlyMap<string, number>;

export function drawKey(shape: Shape): string {
  return `${shape.type}\n${shape.basis}`;
}

/** The greatest common divisors of all quantities that a demand may draw below a class, and of what it asks for. */
export function grainsOf(demand: Demand, of: Class): Grains {
  const drawn = new Map<string, Shape>();
  const grains = new Map<string, number>();
  const visit = (of: Demand): void => {
    of.shapes.forEach((shape, i) => {
      if (shape.kind === 'units') {
        const key = drawKey(shape);
        drawn.set(key, shape);
        grains.set(key, divisor(grains.get(key) ?? 0, of.counts[i] as number));
      }
      visit(shape.demand);
    });
  };
  visit(demand);
  const seen = new Set<Class>([of]);
  for (const at of seen) {
    for (const [key, shape] of drawn) {
      if (shape.type === at.own.type) grains.set(key, divisor(grains.get(key) ?? 0, supply(shape, at)));
    }
    for (const kid of at.kids) seen.add(kid);
  }
  for (const [key, grain] of grains) if (grain === 0) grains.set(key, 1);
  return grains;
}
