/**
 * Where the job's image runs better on some clusters than on others (`compat_weight`), those come first, whatever order
 * the others are in. For policies that say nothing of it themselves.
 */
import type { Contender } from './policy.ts';

/** The state that holds the weight of the best set of the image's needs that a cluster meets. */
export const COMPAT_WEIGHT = 'compat_weight';

export function heavierFirst(order: readonly string[], contenders: readonly Contender[]): readonly string[] {
  const weights = new Map(contenders.map(({ cluster, state }) => [cluster, Number(state[COMPAT_WEIGHT] ?? 0)]));
  if (new Set(weights.values()).size < 2) return order;
  return [...order].sort((a, b) => (weights.get(b) ?? 0) - (weights.get(a) ?? 0));
}
