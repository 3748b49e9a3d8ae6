/**
 * Which clusters' graphs are fetched at once at start: calls of one turn travel to the store and back together. One with
 * many vertices comes by itself, since its graph may be hundreds of megabytes.
 */
import type { ClusterRecord } from '../store/store.ts';

export const TOGETHER = 32;
/** Vertices up to which a graph is small: some megabyte. */
export const SMALL_GRAPH = 2_000;

/** All of them in their order, in parts. */
export function readTogether<C extends Pick<ClusterRecord, 'counts'>>(
  clusters: readonly C[],
): readonly (readonly C[])[] {
  const parts: C[][] = [];
  let isOpen = false;
  for (const cluster of clusters) {
    const isSmall = cluster.counts.reduce((sum, { total }) => sum + total, 0) <= SMALL_GRAPH;
    const last = parts.at(-1);
    if (isSmall && isOpen && last !== undefined && last.length < TOGETHER) last.push(cluster);
    else parts.push([cluster]);
    isOpen = isSmall;
  }
  return parts;
}
