/**
 * What a placement uses, as it is stored: the matcher's witness with the vertices by their id in the registered
 * graph, so that it outlives the process and a replaced graph. Compact, because a job on a thousand nodes stores it
 * once per attempt:
 *   {"groups":[{"key":"train","slots":[{"label":null,"claims":[CLAIM]}],"claims":[CLAIM]}]}
 *   CLAIM = [vertex id, amount, 1 if exclusive else 0, path of the request vertex]
 */
import type { Claim, Witness } from '../core/match/matcher.ts';

type StoredClaim = readonly [string, number, 0 | 1, string];
interface StoredGroup {
  readonly key: string;
  readonly slots: readonly { readonly label: string | null; readonly claims: readonly StoredClaim[] }[];
  readonly claims: readonly StoredClaim[];
}

/** `idOf`: the id of a vertex of that cluster's graph. */
export function writeAllocation(witness: Witness, idOf: (vertex: number) => string): string {
  const claim = (c: Claim): StoredClaim => [idOf(c.vertex), c.amount, c.exclusive ? 1 : 0, c.request];
  const groups: StoredGroup[] = witness.groups.map((group) => ({
    key: group.key,
    slots: group.slots.map((slot) => ({ label: slot.label, claims: slot.claims.map(claim) })),
    claims: group.claims.map(claim),
  }));
  return JSON.stringify({ groups });
}

/** Null where the text is no allocation. Vertices that the graph no longer has are left out. */
export function readAllocation(text: string, indexOf: (id: string) => number): Witness | null {
  let stored: { readonly groups: readonly StoredGroup[] };
  try {
    stored = JSON.parse(text) as typeof stored;
    const claims = (list: readonly StoredClaim[]): Claim[] =>
      list.flatMap(([id, amount, exclusive, request]) => {
        const vertex = indexOf(id);
        return vertex < 0 ? [] : [{ vertex, amount, exclusive: exclusive === 1, request }];
      });
    return {
      groups: stored.groups.map((group) => ({
        key: group.key,
        slots: group.slots.map((slot) => ({ label: slot.label, claims: claims(slot.claims) })),
        claims: claims(group.claims),
      })),
    };
  } catch {
    return null;
  }
}
