/**
 * Tier 3: shapes that compete for shared hosts. For each class the front of vectors that it can hold at once
 * (front.ts), from the bottom up: children add up, and a class's own vertex is left alone or used in one of the ways
 * that `uses` lists. What a use needs below the vertex joins the shapes that are counted there.
 */
import type { Class } from './classes.ts';
import { covers, maxima, power, sum, zero, type Front, type Vector } from './front.ts';
import { pack, type Packing } from './packing.ts';
import { grainsOf, shareOut, type Grains } from './pool.ts';
import { addDemand, type Demand, type Shape } from './shapes.ts';
import { closes, type Solver } from './solver.ts';

/** Shapes counted together, each up to a cap. */
export interface Frame {
  readonly key: string;
  readonly shapes: readonly Shape[];
  readonly caps: Vector;
  readonly grains: Grains;
}

/** Sums of fronts may take so many steps before packing is tried. */
const exactSteps = 20_000;

export type Plan =
  | { readonly kind: 'split' }
  | { readonly kind: 'packed'; readonly hosts: readonly Class[]; readonly packing: Packing };

/** One way to use a vertex for itself. */
export type Use =
  /** `gain` and nothing else in the subtree. */
  | { readonly kind: 'closed'; readonly gain: Vector; readonly shape: Shape | null }
  /** `gain`, and what is left of the subtree when `needs` is below; copies of the bundles come on top. */
  | {
      readonly kind: 'open';
      readonly gain: Vector;
      readonly shape: Shape | null;
      readonly needs: Demand;
      readonly bundles: readonly number[];
      /** At least one copy of the first bundle: it is what claims the vertex. */
      readonly claims: boolean;
    };

export class Profiles {
  readonly #solver: Solver;
  readonly #of = new Map<string, Map<Class, Front>>();
  readonly #below = new Map<string, Map<Class, Front>>();

  constructor(solver: Solver) {
    this.#solver = solver;
  }

  hosts(demand: Demand, of: Class): boolean {
    return this.plan(this.frame(demand.shapes, demand.counts, grainsOf(demand, of)), of) !== null;
  }

  /** How the caps of a frame are held below: by splitting them among the children, or host by host; null: not at all. */
  plan(frame: Frame, of: Class): Plan | null {
    const { steps } = this.#solver;
    const front = steps.within(exactSteps, () => this.below(frame, of));
    if (front !== null) return covers(front, frame.caps) ? { kind: 'split' } : null;
    const hosts = this.hostsOf(frame, of);
    const packing = pack(
      [...hosts].map(([cls, count]) => ({ front: this.of(frame, cls), count })),
      frame.caps,
      steps,
    );
    return packing === null ? null : { kind: 'packed', hosts: [...hosts.keys()], packing };
  }

  /** The outermost vertices below that can be used for themselves, by class: what is above them only adds up. */
  hostsOf(frame: Frame, of: Class): ReadonlyMap<Class, number> {
    const found = new Map<Class, number>();
    const visit = (at: Class, times: number): void => {
      at.kids.forEach((kid, i) => {
        if (!concerns(frame, kid)) return;
        const count = times * (at.counts[i] as number);
        if (isHost(frame, kid)) found.set(kid, (found.get(kid) ?? 0) + count);
        else visit(kid, count);
      });
    };
    visit(of, 1);
    return found;
  }

  frame(shapes: readonly Shape[], caps: Vector, grains: Grains): Frame {
    const key = [...grains.values()].join();
    return { key: `${key}|${shapes.map((shape, i) => `${shape.id}*${caps[i]}`).join()}`, shapes, caps, grains };
  }

  /** What fits strictly below. */
  below(frame: Frame, of: Class): Front {
    const known = this.#table(this.#below, frame);
    let front = known.get(of);
    if (front === undefined) {
      front = this.#sum(frame, of);
      known.set(of, front);
    }
    return front;
  }

  #sum(frame: Frame, of: Class): Front {
    const { steps } = this.#solver;
    let front = zero(frame.shapes.length);
    for (let i = 0; i < of.kids.length; i++) {
      const kid = of.kids[i] as Class;
      if (!concerns(frame, kid)) continue;
      front = sum(front, power(this.of(frame, kid), of.counts[i] as number, frame.caps, steps), frame.caps, steps);
    }
    return front;
  }

  /** What fits into a subtree, its own vertex included. */
  of(frame: Frame, of: Class): Front {
    const known = this.#table(this.#of, frame);
    let front = known.get(of);
    if (front === undefined) {
      front = this.#compute(frame, of);
      known.set(of, front);
    }
    return front;
  }

  #table(of: Map<string, Map<Class, Front>>, frame: Frame): Map<Class, Front> {
    let known = of.get(frame.key);
    if (known === undefined) of.set(frame.key, (known = new Map()));
    return known;
  }

  #compute(frame: Frame, of: Class): Front {
    const { steps } = this.#solver;
    steps.spend(1);
    const points: Vector[] = [];
    for (const use of this.uses(frame, of)) {
      if (use.kind === 'closed') points.push(use.gain);
      else if (use.needs.shapes.length === 0 && use.bundles.length === 0) {
        for (const point of this.below(frame, of)) points.push(plus(use.gain, point, frame.caps));
      } else this.#open(frame, of, use, points);
    }
    return maxima(points, steps);
  }

  /** Every way in which the vertex itself may be used, the first being not at all. */
  uses(frame: Frame, of: Class): Use[] {
    const { shapes, caps } = frame;
    const nothing = this.#solver.shapes.nothing;
    const none = caps.map(() => 0);
    const fitting: number[] = [];
    for (let i = 0; i < shapes.length; i++) {
      const shape = shapes[i] as Shape;
      if (shape.type === of.own.type && shape.requires?.pass(of.own) !== false) fitting.push(i);
    }
    const bundles = fitting.filter((i) => shapes[i]?.kind === 'bundle' && !shapes[i]?.anchored);
    const uses: Use[] = [{ kind: 'open', gain: none, shape: null, needs: nothing, bundles, claims: false }];
    const shared: number[] = [];
    const closing: number[] = [];
    for (const at of fitting) {
      const shape = shapes[at] as Shape;
      if (shape.kind === 'units') {
        if (!closes(shape, of)) shared.push(at);
        else if (!of.touched) closing.push(at);
        continue;
      }
      if ((shape.kind === 'bundle' && !shape.anchored) || of.drawn > 0) continue;
      if (shape.exclusive) {
        const most = this.#solver.own(shape, of);
        if (most > 0) uses.push({ kind: 'closed', gain: only(at, most, caps), shape });
      } else if (shape.kind === 'vertex') {
        uses.push({ kind: 'open', gain: only(at, 1, caps), shape, needs: shape.demand, bundles, claims: false });
      } else {
        uses.push({ kind: 'open', gain: none, shape, needs: nothing, bundles: [at, ...bundles], claims: true });
      }
    }
    for (const gain of shareOut(frame, closing, of, this.#solver.steps))
      uses.push({ kind: 'closed', gain, shape: null });
    for (const gain of shareOut(frame, shared, of, this.#solver.steps)) {
      uses.push({ kind: 'open', gain, shape: null, needs: nothing, bundles, claims: false });
    }
    return uses;
  }

  /** The frame that counts a use's needs and its bundles' contents below the vertex, too. */
  widened(frame: Frame, of: Class, use: Use & { kind: 'open' }): { frame: Frame; needs: Vector; contents: Vector[] } {
    const solver = this.#solver;
    const inner = use.bundles.map((at) => solver.expanded((frame.shapes[at] as Shape).demand, of));
    const needs = solver.expanded(use.needs, of);
    const caps = new Map<Shape, number>(frame.shapes.map((shape, i) => [shape, frame.caps[i] as number] as const));
    addDemand(caps, needs, 1);
    inner.forEach((demand, i) => addDemand(caps, demand, frame.caps[use.bundles[i] as number] as number));
    const shapes = [...caps.keys()];
    const vectorOf = (demand: Demand): Vector => {
      const counts = new Map<Shape, number>();
      addDemand(counts, demand, 1);
      return shapes.map((shape) => counts.get(shape) ?? 0);
    };
    return {
      frame: this.frame(shapes, [...caps.values()], frame.grains),
      needs: vectorOf(needs),
      contents: inner.map(vectorOf),
    };
  }

  #open(frame: Frame, of: Class, use: Use & { kind: 'open' }, points: Vector[]): void {
    const wide = this.widened(frame, of, use);
    const own = frame.shapes.length;
    for (const point of this.below(wide.frame, of)) {
      const left = point.map((value, i) => value - (wide.needs[i] as number));
      if (left.every((value) => value >= 0)) this.#copies(frame, use, wide.contents, 0, left, use.gain, own, points);
    }
  }

  /** Numbers of copies for bundle `at` and those after it, with what is `left` for them. */
  #copies(
    frame: Frame,
    use: Use & { kind: 'open' },
    contents: readonly Vector[],
    at: number,
    left: Vector,
    gain: Vector,
    own: number,
    points: Vector[],
  ): void {
    const content = contents[at];
    if (content === undefined) {
      points.push(plus(gain, left.slice(0, own), frame.caps));
      return;
    }
    const dimension = use.bundles[at] as number;
    let most = frame.caps[dimension] as number;
    for (let i = 0; i < content.length; i++) {
      const each = content[i] as number;
      if (each > 0) most = Math.min(most, Math.floor((left[i] as number) / each));
    }
    // Fewer copies help only those who want the same things.
    const alone = at === contents.length - 1 && content.every((each, i) => each === 0 || i >= own);
    const fewest = use.claims && at === 0 ? 1 : 0;
    for (let copies = most; copies >= fewest; copies--) {
      this.#solver.steps.spend(1);
      const rest = left.map((value, i) => value - copies * (content[i] as number));
      const more = gain.map((value, i) => (i === dimension ? value + copies : value));
      this.#copies(frame, use, contents, at + 1, rest, more, own, points);
      if (alone) break;
    }
  }
}

/** Is there anything in a subtree that the frame counts? */
export function concerns(frame: Frame, of: Class): boolean {
  return frame.shapes.some((shape) => of.facts.types.has(shape.type));
}

export function isHost(frame: Frame, of: Class): boolean {
  return frame.shapes.some((shape) => shape.type === of.own.type);
}

function plus(a: Vector, b: Vector, caps: Vector): Vector {
  return caps.map((cap, i) => Math.min(cap, (a[i] as number) + (b[i] as number)));
}

function only(at: number, value: number, caps: Vector): Vector {
  return caps.map((cap, i) => (i === at ? Math.min(cap, value) : 0));
}
