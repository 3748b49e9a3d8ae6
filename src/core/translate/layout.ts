/**
 * Tasks over nodes as RFC 14 resources, in the shapes that `submit`'s flags give too: T slots anywhere, or N nodes
 * with as many slots each; an uneven T over N gives two node entries.
 */
import type { DraftVertex } from './draft.ts';

export interface Layout {
  /** A number, an RFC 45 range or id set (with `each`), or null: slots anywhere. */
  readonly nodes: number | string | null;
  readonly exclusive: boolean;
  /** Slots in all, or on each node. */
  readonly slots: { readonly total: number } | { readonly each: number };
  /** In each slot. */
  readonly bundle: readonly DraftVertex[];
  /** Once on each node, beside its slots. Needs `nodes`. */
  readonly beside: readonly DraftVertex[];
}

export const SLOT = 'task';

export interface LaidOut {
  readonly resources: readonly DraftVertex[];
  /** Labels, in order; two where slots are spread unevenly. */
  readonly slots: readonly string[];
}

export function layOut({ nodes, exclusive, slots, bundle, beside }: Layout): LaidOut {
  const slot = (label: string, count: number): DraftVertex => ({ type: 'slot', count, label, with: bundle });
  if (nodes === null) return { resources: [slot(SLOT, 'total' in slots ? slots.total : slots.each)], slots: [SLOT] };
  const node = (count: number | string, label: string, each: number): DraftVertex => ({
    type: 'node',
    count,
    ...(exclusive ? { exclusive } : {}),
    with: [slot(label, each), ...beside],
  });
  if ('each' in slots) return { resources: [node(nodes, SLOT, slots.each)], slots: [SLOT] };
  const over = Number(nodes);
  const each = Math.floor(slots.total / over);
  const more = slots.total % over;
  if (more === 0) return { resources: [node(over, SLOT, each)], slots: [SLOT] };
  return { resources: [node(more, 'more', each + 1), node(over - more, SLOT, each)], slots: ['more', SLOT] };
}
