/**
 * What is inside of a node, in document order, hash-consed: a cluster of 100,000 equal nodes keeps one form and a
 * number per node. Unlike a class a form is ordered, so that every vertex keeps its index.
 */
import type { Own } from './attributes.ts';
import type { Class, ClassTable } from './classes.ts';

export interface Form {
  readonly id: number;
  readonly own: Own;
  readonly kids: readonly Form[];
  /** Vertices, itself included: vertex 0 is the form's own, the others follow in preorder. */
  readonly size: number;
  readonly cls: Class;
}

/** A form unrolled: one entry per vertex, in preorder. */
export interface Unrolled {
  readonly forms: readonly Form[];
  readonly owns: readonly Own[];
  readonly parents: Int32Array;
  /** One past the last vertex of each subtree. */
  readonly ends: Int32Array;
}

export class FormTable {
  readonly #classes: ClassTable;
  #forms = new Map<string, Form>();
  #leaves = new Map<Own, Form>();
  #unrolled = new WeakMap<Form, Unrolled>();
  #next = 1;

  constructor(classes: ClassTable) {
    this.#classes = classes;
  }

  intern(own: Own, kids: readonly Form[]): Form {
    if (kids.length === 0) {
      let leaf = this.#leaves.get(own);
      if (leaf === undefined) this.#leaves.set(own, (leaf = this.#make(own, kids)));
      return leaf;
    }
    let key = `${own.id}:`;
    for (let i = 0; i < kids.length;) {
      const kid = kids[i] as Form;
      const start = i;
      while (i < kids.length && kids[i] === kid) i++;
      key += `${kid.id}*${i - start},`;
    }
    let form = this.#forms.get(key);
    if (form === undefined) this.#forms.set(key, (form = this.#make(own, [...kids])));
    return form;
  }

  #make(own: Own, kids: readonly Form[]): Form {
    const counts = new Map<Class, number>();
    let size = 1;
    for (const kid of kids) {
      counts.set(kid.cls, (counts.get(kid.cls) ?? 0) + 1);
      size += kid.size;
    }
    return { id: this.#next++, own, kids, size, cls: this.#classes.intern(own, 0, false, counts) };
  }

  unroll(form: Form): Unrolled {
    let unrolled = this.#unrolled.get(form);
    if (unrolled === undefined) this.#unrolled.set(form, (unrolled = unroll(form)));
    return unrolled;
  }

  /** Bottom-up over preorder: the form of a subtree whose vertices' own attributes are given. */
  fromColumns(owns: readonly Own[], parents: Int32Array): Form {
    const builder = new FormBuilder(this);
    const kids = new Int32Array(owns.length);
    for (let i = 1; i < owns.length; i++) {
      const parent = parents[i] as number;
      kids[parent] = (kids[parent] as number) + 1;
    }
    for (let i = owns.length - 1; i >= 0; i--) builder.add(owns[i] as Own, kids[i] as number);
    return builder.take();
  }

  /** Forgets all but these and what they are made of. */
  keep(used: Iterable<Form>): ReadonlySet<Form> {
    const live = new Set<Form>(used);
    for (const form of live) for (const kid of form.kids) live.add(kid);
    for (const [key, form] of this.#forms) if (!live.has(form)) this.#forms.delete(key);
    for (const [own, form] of this.#leaves) if (!live.has(form)) this.#leaves.delete(own);
    return live;
  }
}

/** Takes vertices in reverse preorder, so that the children of each are the last that were made. */
export class FormBuilder {
  readonly #table: FormTable;
  readonly #made: Form[] = [];

  constructor(table: FormTable) {
    this.#table = table;
  }

  add(own: Own, kids: number): void {
    const of: Form[] = [];
    for (let i = 0; i < kids; i++) of.push(this.#made.pop() as Form);
    this.#made.push(this.#table.intern(own, of));
  }

  take(): Form {
    return this.#made.pop() as Form;
  }
}

function unroll(form: Form): Unrolled {
  const forms: Form[] = [];
  const owns: Own[] = [];
  const parents = new Int32Array(form.size);
  const ends = new Int32Array(form.size);
  const visit = (of: Form, parent: number): void => {
    const at = forms.push(of) - 1;
    owns.push(of.own);
    parents[at] = parent;
    for (const kid of of.kids) visit(kid, at);
    ends[at] = owns.length;
  };
  visit(form, -1);
  return { forms, owns, parents, ends };
}
