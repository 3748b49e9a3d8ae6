/** A tree's vertices one by one, with the classes that an overlay gives them: for choosing which ones to use. */
import type { Class } from './classes.ts';
import type { Form, FormTable, Unrolled } from './forms.ts';
import type { LocalClasses } from './local.ts';
import type { Overlay } from './overlay.ts';

export interface Spot {
  /** Index in the ResourceGraph; −1: above the root. */
  readonly vertex: number;
  readonly cls: Class;
  /** What is not gone below. */
  kids(): Iterable<Spot>;
}

export interface Ground {
  readonly forms: FormTable;
  readonly overlay: Overlay;
  /** What is left inside of a leaf; null: as its form says. */
  inLeaf: ((spine: number) => LocalClasses) | null;
}

/** The place above the root: so that a request may name the root itself. */
export function above(ground: Ground, cls: Class): Spot {
  return { vertex: -1, cls, kids: () => onSpine(ground, [0]) };
}

function* onSpine(ground: Ground, spines: Iterable<number>): Generator<Spot> {
  const { overlay } = ground;
  for (const spine of spines) {
    const cls = overlay.at(spine);
    if (cls === null) continue;
    const inner = overlay.tree.inner(spine);
    yield {
      vertex: overlay.tree.index(overlay.tree.start(spine)),
      cls,
      kids: () => (inner === -1 ? inLeaf(ground, spine) : onSpine(ground, overlay.tree.children(inner))),
    };
  }
}

function inLeaf(ground: Ground, spine: number): Iterable<Spot> {
  const form = ground.overlay.tree.form(spine) as Form;
  if (form.size === 1) return [];
  const unrolled = ground.forms.unroll(form);
  const classes = ground.inLeaf?.(spine) ?? ((local: number): Class => (unrolled.forms[local] as Form).cls);
  return local(ground, spine, unrolled, classes, 0);
}

function* local(
  ground: Ground,
  spine: number,
  unrolled: Unrolled,
  classes: LocalClasses,
  parent: number,
): Generator<Spot> {
  const { tree } = ground.overlay;
  for (let i = parent + 1; i < (unrolled.ends[parent] as number); i = unrolled.ends[i] as number) {
    const cls = classes(i);
    if (cls === null) continue;
    const at = i;
    yield {
      vertex: tree.index(tree.start(spine) + at),
      cls,
      kids: () => local(ground, spine, unrolled, classes, at),
    };
  }
}
