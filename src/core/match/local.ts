/** The classes of the vertices inside of one node, when some of them are taken. */
import type { Class, ClassTable } from './classes.ts';
import type { Form, FormTable } from './forms.ts';

export interface LocalTake {
  /** Number in the node's form: 0 is the node itself. */
  readonly local: number;
  readonly amount: number;
  readonly whole: boolean;
}

/** One class per vertex of the form, in preorder; null: gone. */
export function localClasses(
  classes: ClassTable,
  forms: FormTable,
  form: Form,
  takes: Iterable<LocalTake>,
): readonly (Class | null)[] {
  const { owns, parents } = forms.unroll(form);
  const size = owns.length;
  const drawn = new Float64Array(size);
  const gone = new Uint8Array(size);
  for (const take of takes) {
    if (take.whole) gone[take.local] = 1;
    else drawn[take.local] = (drawn[take.local] as number) + take.amount;
  }
  const kids: Map<Class, number>[] = owns.map(() => new Map<Class, number>());
  const touched = new Uint8Array(size);
  const made: (Class | null)[] = owns.map(() => null);
  for (let i = size - 1; i >= 0; i--) {
    const parent = parents[i] as number;
    if (gone[i] === 1) {
      if (parent !== -1) touched[parent] = 1;
      continue;
    }
    const own = owns[i];
    if (own === undefined) continue;
    const taken = Math.min(own.size, drawn[i] as number);
    if (taken > 0) touched[i] = 1;
    const cls = classes.intern(own, taken, touched[i] === 1, kids[i] as Map<Class, number>);
    made[i] = cls;
    if (parent === -1) continue;
    if (cls.touched) touched[parent] = 1;
    const siblings = kids[parent] as Map<Class, number>;
    siblings.set(cls, (siblings.get(cls) ?? 0) + 1);
  }
  return made;
}
