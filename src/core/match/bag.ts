/** Vertices that were chosen for a demand, by shape, before they are handed out to the requests that want them. */
import type { Own } from './attributes.ts';
import type { Shape } from './shapes.ts';

/** A claimed vertex and what was chosen below it. */
export interface Found {
  readonly vertex: number;
  readonly own: Own;
  readonly inner: Bag;
}

/** Quantity of one vertex, in the shape's basis. */
export interface Chunk {
  readonly vertex: number;
  readonly own: Own;
  readonly amount: number;
}

export class Bag {
  readonly #found = new Map<Shape, Found[]>();
  readonly #chunks = new Map<Shape, Chunk[]>();

  /** A `vertex`, or one copy of a `bundle` (several copies may share what is inside). */
  add(shape: Shape, found: Found): void {
    const known = this.#found.get(shape);
    if (known === undefined) this.#found.set(shape, [found]);
    else known.push(found);
  }

  addUnits(shape: Shape, chunk: Chunk): void {
    const known = this.#chunks.get(shape);
    if (known === undefined) this.#chunks.set(shape, [chunk]);
    else known.push(chunk);
  }

  /** Distinct shapes of vertices and bundles. */
  get size(): number {
    return this.#found.size;
  }

  take(shape: Shape): Found | undefined {
    return this.#found.get(shape)?.pop();
  }

  takeUnits(shape: Shape, amount: number): Chunk[] {
    const taken: Chunk[] = [];
    const chunks = this.#chunks.get(shape) ?? [];
    for (let missing = amount; missing > 0;) {
      const chunk = chunks.pop();
      if (chunk === undefined) break;
      const used = Math.min(missing, chunk.amount);
      taken.push({ ...chunk, amount: used });
      if (used < chunk.amount) chunks.push({ ...chunk, amount: chunk.amount - used });
      missing -= used;
    }
    return taken;
  }

  /** Moves so many of a shape into another bag. */
  move(shape: Shape, amount: number, into: Bag): void {
    if (shape.kind === 'units') {
      for (const chunk of this.takeUnits(shape, amount)) into.addUnits(shape, chunk);
      return;
    }
    for (let i = 0; i < amount; i++) {
      const found = this.take(shape);
      if (found === undefined) return;
      into.add(shape, found);
    }
  }
}
