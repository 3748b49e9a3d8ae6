/**
 * The classes of the vertices inside of one node when some of them are taken: only those on the way from a taken vertex
 * to the node are made anew.
 */
import type { Class, ClassTable } from './classes.ts';
import type { Form, FormTable } from './forms.ts';

export interface LocalTake {
  /** Number in the node's form: 0 is the node itself. */
  readonly local: number;
  readonly amount: number;
  readonly whole: boolean;
}

/** The class of a vertex by its number in the form; null: gone. */
export type LocalClasses = (local: number) => Class | null;

export function localClasses(
  classes: ClassTable,
  forms: FormTable,
  form: Form,
  takes: Iterable<LocalTake>,
): LocalClasses {
  const unrolled = forms.unroll(form);
  const drawn = new Map<number, number>();
  const changed = new Map<number, Class | null>();
  // 1. Which vertices are not as their form says: those taken, and all around them. Those that are gone need no class.
  const around = new Set<number>();
  for (const { local, amount, whole } of takes) {
    if (whole) changed.set(local, null);
    else drawn.set(local, (drawn.get(local) ?? 0) + amount);
    const from = whole ? (unrolled.parents[local] as number) : local;
    for (let at = from; at !== -1 && !around.has(at); at = unrolled.parents[at] as number) around.add(at);
  }
  // 2. Those from the bottom up: what is below a vertex has a larger number.
  for (const at of [...around].sort((a, b) => b - a)) {
    if (changed.get(at) === null) continue;
    const of = unrolled.forms[at] as Form;
    const taken = Math.min(of.own.size, drawn.get(at) ?? 0);
    const kids = new Map<Class, number>();
    let touched = taken > 0;
    for (let kid = at + 1, i = 0; i < of.kids.length; i++, kid = unrolled.ends[kid] as number) {
      const known = changed.get(kid);
      const cls = known === undefined ? (of.kids[i] as Form).cls : known;
      if (cls === null || cls.touched) touched = true;
      if (cls !== null) kids.set(cls, (kids.get(cls) ?? 0) + 1);
    }
    const hollow = of.kids.length > 0 && kids.size === 0;
    changed.set(at, classes.intern(of.own, taken, touched, kids, hollow));
  }
  return (local) => {
    const known = changed.get(local);
    return known === undefined ? (unrolled.forms[local] as Form).cls : known;
  };
}
