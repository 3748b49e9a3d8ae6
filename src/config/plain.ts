/** A located document as plain values, and back from a path in them to a line. */
import type { DocumentNode } from '../core/jobspec/document.ts';

export function toPlain(node: DocumentNode): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toPlain);
  // fromEntries defines, so a key such as __proto__ stays a key.
  return Object.fromEntries([...node.entries].map(([key, value]) => [key, toPlain(value)]));
}

/** The node at `path`, or the nearest one above it. */
export function nodeAt(node: DocumentNode, path: readonly PropertyKey[]): DocumentNode {
  let here = node;
  for (const key of path) {
    const next: DocumentNode | undefined =
      here.kind === 'map' ? here.entries.get(String(key)) : here.kind === 'list' ? here.items[Number(key)] : undefined;
    if (next === undefined) return here;
    here = next;
  }
  return here;
}
