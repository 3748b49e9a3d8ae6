/**
 * Which vertices: the solver's decision carried out on the tree itself. Follows the same three ways, so it finds a
 * choice wherever the solver says that there is one, without searching.
 */
import { Bag } from './bag.ts';
import type { Class } from './classes.ts';
import { competeForOneType, type Competition } from './compete.ts';
import { components, nests } from './contention.ts';
import { covers, dominates, power, sum, zero, type Front, type Vector } from './front.ts';
import { capped } from './packing.ts';
import { grainsOf } from './pool.ts';
import { concerns, isHost, type Frame, type Use } from './profile.ts';
import type { Demand, Shape } from './shapes.ts';
import type { Solver } from './solver.ts';
import type { Spot } from './spot.ts';

export class Chooser {
  readonly #solver: Solver;

  constructor(solver: Solver) {
    this.#solver = solver;
  }

  /** Vertices for a demand below a spot whose class hosts it. */
  choose(asked: Demand, below: Spot): Bag {
    const bag = new Bag();
    const demand = this.#solver.expanded(asked, below.cls);
    for (const component of components(demand, below.cls.facts)) {
      const first = demand.shapes[component[0] as number] as Shape;
      if (component.length === 1 && !nests(below.cls.facts, first.type)) {
        this.#alone(first, demand.counts[component[0] as number] as number, below, bag);
        continue;
      }
      const part = this.#solver.part(demand, component);
      const competition = competeForOneType(this.#solver, part, below.cls);
      if (competition) this.#assigned(part, competition, below, bag);
      else {
        this.#planned(this.#solver.profiles.frame(part.shapes, part.counts, grainsOf(part, below.cls)), below, bag);
      }
    }
    return bag;
  }

  // Tier 1: the first that will do.
  #alone(shape: Shape, count: number, below: Spot, bag: Bag): void {
    let missing = count;
    for (const spot of this.#candidates(shape.type, below, (cls) => this.#solver.units(shape, cls) > 0)) {
      if (missing <= 0) return;
      missing -= this.#use(shape, Math.min(missing, this.#solver.own(shape, spot.cls)), spot, bag);
    }
  }

  /** Outermost vertices of a type below, leaving out subtrees that do not pass. */
  *#candidates(type: string, below: Spot, pass: (cls: Class) => boolean): Generator<Spot> {
    for (const kid of below.kids()) {
      if (!kid.cls.facts.types.has(type) || !pass(kid.cls)) continue;
      if (kid.cls.own.type === type) yield kid;
      else yield* this.#candidates(type, kid, pass);
    }
  }

  /** Takes so many units of a shape at a vertex of its type. Returns how many it took. */
  #use(shape: Shape, count: number, spot: Spot, bag: Bag): number {
    const { vertex } = spot;
    const { own } = spot.cls;
    if (shape.kind === 'units') {
      bag.addUnits(shape, { vertex, own, amount: count });
      return count;
    }
    const wanted = shape.kind === 'bundle' ? this.#solver.shapes.times(shape.demand, count) : shape.demand;
    const inner = this.choose(wanted, spot);
    for (let i = 0; i < count; i++) bag.add(shape, { vertex, own, inner });
    return count;
  }

  // Tier 2: as assigned.
  #assigned(demand: Demand, competition: Competition, below: Spot, bag: Bag): void {
    const type = (demand.shapes[0] as Shape).type;
    const quotas = new Map<Class, number[]>();
    competition.classes.forEach((cls, i) => quotas.set(cls, [...(competition.quotas[i] ?? [])]));
    for (const spot of this.#candidates(type, below, () => true)) {
      const quota = quotas.get(spot.cls);
      if (quota === undefined) continue;
      let left = Math.max(...demand.shapes.map((shape) => this.#solver.own(shape, spot.cls)));
      for (let j = 0; j < quota.length && left > 0; j++) {
        const amount = Math.min(left, quota[j] as number);
        if (amount <= 0) continue;
        this.#use(demand.shapes[j] as Shape, amount, spot, bag);
        quota[j] = (quota[j] as number) - amount;
        left -= amount;
      }
    }
  }

  // Tier 3, many hosts: as packed, then the rest among those that hold nothing yet.
  #planned(frame: Frame, below: Spot, bag: Bag): void {
    const plan = this.#solver.profiles.plan(frame, below.cls);
    if (plan === null) throw new Error('a class cannot hold what it can');
    if (plan.kind === 'split') {
      this.#below(frame, frame.caps, below, bag);
      return;
    }
    const spots = new Map<Class, Spot[]>(plan.hosts.map((cls) => [cls, []]));
    for (const spot of hostSpots(frame, below)) spots.get(spot.cls)?.push(spot);
    plan.hosts.forEach((cls, i) => {
      for (const { point, count } of plan.packing.points[i] ?? []) {
        for (const spot of spots.get(cls)?.splice(0, count) ?? []) this.#at(frame, point, spot, bag);
      }
    });
    const { rest } = plan.packing;
    const { profiles, steps } = this.#solver;
    const small = profiles.frame(frame.shapes, rest, frame.grains);
    this.#share(
      small,
      rest,
      [...spots].map(([cls, of]) => ({ cls, of, front: capped(profiles.of(frame, cls), rest, steps) })),
      bag,
    );
  }

  // Tier 3: the target is split among the children, then at each vertex between its use and what is below.
  #below(frame: Frame, target: Vector, below: Spot, bag: Bag): void {
    const groups = new Map<Class, Spot[]>();
    for (const kid of below.kids()) {
      const group = groups.get(kid.cls);
      if (group !== undefined) group.push(kid);
      else if (frame.shapes.some((shape) => kid.cls.facts.types.has(shape.type))) groups.set(kid.cls, [kid]);
    }
    const { profiles } = this.#solver;
    this.#share(
      frame,
      target,
      [...groups].map(([cls, of]) => ({ cls, of, front: profiles.of(frame, cls) })),
      bag,
    );
  }

  /** Shares a target out among groups of equal spots. */
  #share(frame: Frame, target: Vector, groups: readonly Group[], bag: Bag): void {
    const { steps } = this.#solver;
    const fronts = groups.map(({ front, of }) => power(front, of.length, frame.caps, steps));
    const before: Front[] = [zero(frame.caps.length)];
    for (const front of fronts) before.push(sum(before[before.length - 1] as Front, front, frame.caps, steps));
    let rest = target;
    for (let i = groups.length - 1; i >= 0; i--) {
      const { of, front } = groups[i] as Group;
      const part = split(rest, fronts[i] as Front, before[i] as Front);
      this.#among(frame, front, of, minimum(part, rest), bag);
      rest = minus(rest, part);
    }
  }

  /** Among equal spots, by halves. */
  #among(frame: Frame, front: Front, spots: readonly Spot[], target: Vector, bag: Bag): void {
    if (target.every((value) => value === 0)) return;
    if (spots.length === 1) {
      this.#at(frame, target, spots[0] as Spot, bag);
      return;
    }
    const { steps } = this.#solver;
    const half = Math.floor(spots.length / 2);
    const left = power(front, half, frame.caps, steps);
    const right = power(front, spots.length - half, frame.caps, steps);
    const part = split(target, left, right);
    this.#among(frame, front, spots.slice(0, half), minimum(part, target), bag);
    this.#among(frame, front, spots.slice(half), minus(target, part), bag);
  }

  #at(frame: Frame, target: Vector, spot: Spot, bag: Bag): void {
    for (const use of this.#solver.profiles.uses(frame, spot.cls)) {
      if (use.kind === 'closed') {
        if (!dominates(use.gain, target)) continue;
        if (use.shape === null) this.#units(frame, target, use.gain, spot, bag);
        else this.#use(use.shape, target[frame.shapes.indexOf(use.shape)] as number, spot, bag);
        return;
      }
      if (this.#open(frame, target, use, spot, bag)) return;
    }
    throw new Error('a vertex cannot hold what its class can');
  }

  #open(frame: Frame, target: Vector, use: Use & { kind: 'open' }, spot: Spot, bag: Bag): boolean {
    const wide = this.#solver.profiles.widened(frame, spot.cls, use);
    const front = this.#solver.profiles.below(wide.frame, spot.cls);
    const wanted = minus(target, use.gain);
    for (const copies of countdowns(use.bundles.map((at) => wanted[at] as number))) {
      this.#solver.steps.spend(1);
      if (use.claims && copies[0] === 0) continue;
      const rest = [...wanted];
      use.bundles.forEach((at, i) => (rest[at] = (rest[at] as number) - (copies[i] as number)));
      const all = wide.frame.shapes.map((_, i) => {
        let value = (rest[i] ?? 0) + (wide.needs[i] as number);
        wide.contents.forEach((content, j) => (value += (content[i] as number) * (copies[j] as number)));
        return value;
      });
      if (!covers(front, all)) continue;
      const inner = new Bag();
      this.#below(wide.frame, all, spot, inner);
      frame.shapes.forEach((shape, i) => inner.move(shape, rest[i] as number, bag));
      this.#own(frame, target, use, copies, spot, inner, bag);
      return true;
    }
    return false;
  }

  /** What an open use gives at the vertex itself. */
  #own(
    frame: Frame,
    target: Vector,
    use: Use & { kind: 'open' },
    copies: readonly number[],
    spot: Spot,
    inner: Bag,
    bag: Bag,
  ): void {
    const { vertex } = spot;
    const { own } = spot.cls;
    if (use.shape?.kind === 'vertex') bag.add(use.shape, { vertex, own, inner });
    else this.#units(frame, target, use.gain, spot, bag);
    use.bundles.forEach((at, i) => {
      for (let n = copies[i] as number; n > 0; n--) bag.add(frame.shapes[at] as Shape, { vertex, own, inner });
    });
  }

  #units(frame: Frame, target: Vector, gain: Vector, spot: Spot, bag: Bag): void {
    frame.shapes.forEach((shape, i) => {
      const amount = Math.min(gain[i] as number, target[i] as number);
      if (amount > 0) bag.addUnits(shape, { vertex: spot.vertex, own: spot.cls.own, amount });
    });
  }
}

/** Equal spots, and what each of them can hold. */
interface Group {
  readonly cls: Class;
  readonly of: readonly Spot[];
  readonly front: Front;
}

/** The outermost spots below that can be used for themselves. */
function* hostSpots(frame: Frame, below: Spot): Generator<Spot> {
  for (const kid of below.kids()) {
    if (!concerns(frame, kid.cls)) continue;
    if (isHost(frame, kid.cls)) yield kid;
    else yield* hostSpots(frame, kid);
  }
}

/** A point of one front such that the other covers the rest. */
function split(target: Vector, front: Front, other: Front): Vector {
  const part = front.find((point) => covers(other, minus(target, point)));
  if (part === undefined) throw new Error('a sum of fronts cannot be taken apart');
  return part;
}

function minus(a: Vector, b: Vector): number[] {
  return a.map((value, i) => Math.max(0, value - (b[i] as number)));
}

function minimum(a: Vector, b: Vector): Vector {
  return a.map((value, i) => Math.min(value, b[i] as number));
}

/** All vectors from `most` down to zero, the largest first. */
function* countdowns(most: readonly number[], at = 0): Generator<readonly number[]> {
  const top = most[at];
  if (top === undefined) {
    yield [];
    return;
  }
  for (let value = top; value >= 0; value--) for (const rest of countdowns(most, at + 1)) yield [value, ...rest];
}
