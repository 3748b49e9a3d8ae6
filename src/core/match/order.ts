/**
 * A cluster's vertices from their index in its ResourceGraph to their position in preorder, and back. Graphs that
 * `readGraph` made are in preorder already: then this costs nothing.
 */
import type { ResourceGraph } from '../graph/graph.ts';

export interface Order {
  /** Parents in preorder. */
  readonly parents: Int32Array;
  /** Null where position and index are the same. */
  readonly indices: Int32Array | null;
  readonly positions: Int32Array | null;
}

export function orderOf(graph: ResourceGraph): Order {
  if (isPreorder(graph.parents)) return { parents: graph.parents, indices: null, positions: null };
  const size = graph.size;
  const first = new Int32Array(size).fill(-1);
  const next = new Int32Array(size).fill(-1);
  for (let i = size - 1; i > 0; i--) {
    const parent = graph.parents[i] as number;
    next[i] = first[parent] as number;
    first[parent] = i;
  }
  const indices = new Int32Array(size);
  const positions = new Int32Array(size);
  const parents = new Int32Array(size).fill(-1);
  const stack = [0];
  for (let position = 0; stack.length > 0; position++) {
    const index = stack.pop() as number;
    indices[position] = index;
    positions[index] = position;
    if (index !== 0) parents[position] = positions[graph.parents[index] as number] as number;
    const kids: number[] = [];
    for (let kid = first[index] as number; kid !== -1; kid = next[kid] as number) kids.push(kid);
    for (let i = kids.length - 1; i >= 0; i--) stack.push(kids[i] as number);
  }
  return { parents, indices, positions };
}

function isPreorder(parents: Int32Array): boolean {
  for (let i = 1; i < parents.length; i++) {
    let at = i - 1;
    while (at !== -1 && at !== parents[i]) at = parents[at] as number;
    if (at === -1) return false;
  }
  return true;
}
