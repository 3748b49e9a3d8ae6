/**
 * A plan becomes a tree: what is distinct in it is interned in the tables that all clusters share. In slices, so that
 * a graph of which every vertex differs holds nobody up either; what has been made so far is *pending*, and the
 * matcher keeps it when it forgets what nobody uses.
 */
import type { Own, OwnAttributes } from './attributes.ts';
import type { Form } from './forms.ts';
import type { TreePlan } from './plan.ts';
import { Tree, type Tables } from './tree.ts';

/** Owns and forms that are about to be used. */
export interface Pending {
  readonly owns: Own[];
  readonly forms: Form[];
}

/** Forms between two yields: some 100 µs of work. */
const slice = 64;

export function* adopt(tables: Tables, plan: TreePlan, { owns, forms }: Pending): Generator<void, Tree> {
  // 1. Attributes.
  for (const text of plan.kinds) {
    for (const kind of JSON.parse(text) as readonly OwnAttributes[]) owns.push(tables.attributes.intern(kind));
    yield;
  }
  // 2. Forms, from the bottom up.
  let work = 0;
  for (let at = 0; at < plan.forms.length;) {
    const own = owns[plan.forms[at] as number] as Own;
    const runs = plan.forms[at + 1] as number;
    at += 2;
    const kids: Form[] = [];
    for (const end = at + 2 * runs; at < end; at += 2) {
      const kid = forms[plan.forms[at] as number] as Form;
      for (let times = plan.forms[at + 1] as number; times > 0; times--) kids.push(kid);
    }
    forms.push(tables.forms.intern(own, kids));
    work += 1 + kids.length / 16;
    if (work >= slice) {
      work = 0;
      yield;
    }
  }
  return new Tree(tables, plan, owns, forms);
}

/** Runs what works in slices to its end at once. */
export function atOnce<T>(work: Generator<void, T>): T {
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}
