/**
 * What a placement takes away from what is free. Whatever is exclusive goes with all below it, except that a slot draws
 * only its share of a pool. Outside of slots a request that is not exclusive takes its leaves: the vertices around them
 * may be shared by other jobs.
 */
import type { Claim, Witness } from './matcher.ts';
import type { Take } from './residual.ts';

/** Size of a vertex by its index, and whether there is anything below it. */
export type Lookup = (vertex: number) => { readonly size: number; readonly hasKids: boolean };

export function takesOf(witness: Witness, lookup: Lookup): Take[] {
  const takes: Take[] = [];
  for (const group of witness.groups) {
    const all = [group.claims, ...group.slots.map((slot) => slot.claims)];
    const around = new Set<string>();
    for (const claims of all) for (const { request } of claims) for (const outer of outers(request)) around.add(outer);
    for (const claim of group.claims) {
      if (claim.exclusive) takes.push({ vertex: claim.vertex, amount: claim.amount, whole: true });
      else if (!around.has(claim.request)) takes.push(part(claim, lookup));
    }
    for (const slot of group.slots) {
      for (const claim of slot.claims) {
        if (claim.exclusive || !around.has(claim.request)) takes.push(part(claim, lookup));
      }
    }
  }
  return takes;
}

function part(claim: Claim, lookup: Lookup): Take {
  const { size, hasKids } = lookup(claim.vertex);
  const whole = claim.exclusive && (hasKids || claim.amount >= size);
  return { vertex: claim.vertex, amount: claim.amount, whole };
}

/** Paths of the request vertices around one: `a.with[0].with[1]` is in `a.with[0]` and `a`. */
function* outers(path: string): Generator<string> {
  for (let at = path.lastIndexOf('.with['); at > 0; at = path.lastIndexOf('.with[', at - 1)) yield path.slice(0, at);
}
