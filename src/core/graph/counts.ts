/** What a graph has, per type: vertices, or units where the type is a pool. */
import type { ResourceGraph } from './graph.ts';

export interface ResourceCount {
  readonly type: string;
  readonly total: number;
  /** Of a pool; '' where vertices are counted or where vertices of one type disagree. */
  readonly unit: string;
}

/** In the order in which the types first appear: the root's first. Sizes are summed as they are written. */
export function resourceCounts(graph: ResourceGraph): ResourceCount[] {
  const totals = new Map<string, { total: number; unit: string }>();
  for (let i = 0; i < graph.size; i++) {
    const type = graph.types[i] as string;
    const unit = graph.units[i] as string;
    const known = totals.get(type);
    if (known === undefined) {
      totals.set(type, { total: graph.sizes[i] as number, unit });
    } else {
      known.total += graph.sizes[i] as number;
      if (known.unit !== unit) known.unit = '';
    }
  }
  return [...totals].map(([type, { total, unit }]) => ({ type, total, unit }));
}
