/**
 * Who gets what where several may want the same: each group of equal candidates has a capacity and a set of takers.
 * Maximum flow by augmenting paths; exact for whole numbers and for quantities alike.
 */
export interface Candidates {
  /** Which takers may use them, by number. */
  readonly takers: readonly boolean[];
  readonly capacity: number;
}

/** quotas[group][taker] that meet every need, or null where there are none. */
export function assign(groups: readonly Candidates[], needs: readonly number[]): number[][] | null {
  const quotas = groups.map(() => needs.map(() => 0));
  const spare = groups.map((group) => group.capacity);
  for (let taker = 0; taker < needs.length; taker++) {
    let missing = needs[taker] as number;
    while (missing > 0) {
      const got = augment(groups, quotas, spare, taker, missing);
      if (got === 0) return null;
      missing -= got;
    }
  }
  return quotas;
}

/** Moves as much as it can along one shortest path from the taker to a group with spare capacity. */
function augment(
  groups: readonly Candidates[],
  quotas: number[][],
  spare: number[],
  taker: number,
  wanted: number,
): number {
  const fromTaker = new Int32Array(groups.length).fill(-1); // how a group was reached
  const fromGroup = new Map<number, number>([[taker, -1]]); // how a taker was reached
  const queue = [taker];
  for (const at of queue) {
    for (let g = 0; g < groups.length; g++) {
      if (fromTaker[g] !== -1 || groups[g]?.takers[at] !== true) continue;
      fromTaker[g] = at;
      if ((spare[g] as number) > 0) return move(quotas, spare, fromTaker, fromGroup, g, wanted);
      const quota = quotas[g] as number[];
      for (let other = 0; other < quota.length; other++) {
        if ((quota[other] as number) > 0 && !fromGroup.has(other)) {
          fromGroup.set(other, g);
          queue.push(other);
        }
      }
    }
  }
  return 0;
}

function move(
  quotas: number[][],
  spare: number[],
  fromTaker: Int32Array,
  fromGroup: ReadonlyMap<number, number>,
  end: number,
  wanted: number,
): number {
  let amount = Math.min(wanted, spare[end] as number);
  for (let g = end; ;) {
    const taker = fromTaker[g] as number;
    const before = fromGroup.get(taker) as number;
    if (before === -1) break;
    amount = Math.min(amount, quotas[before]?.[taker] as number);
    g = before;
  }
  spare[end] = (spare[end] as number) - amount;
  for (let g = end; ;) {
    const taker = fromTaker[g] as number;
    const quota = quotas[g] as number[];
    quota[taker] = (quota[taker] as number) + amount;
    const before = fromGroup.get(taker) as number;
    if (before === -1) return amount;
    const given = quotas[before] as number[];
    given[taker] = (given[taker] as number) - amount;
    g = before;
  }
}
