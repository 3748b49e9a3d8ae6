/**
 * A placement as an R document (RFC 20, version 1), so that a person or a Flux tool can check it: ranks with their
 * cores and gpus, names of nodes, number of slots. What R_lite has no place for (memory, storage, what hangs above the
 * nodes) stands under `attributes.rainbow.claims`, named by vertex.
 * Ranks are the graph's; where it gives none, nodes are numbered in its order. Cores and gpus are numbered within
 * their node, in the graph's order, as Flux numbers them.
 */
import type { ResourceGraph } from '../graph/graph.ts';
import type { Claim, Witness } from './matcher.ts';

export interface RDocument {
  readonly version: 1;
  readonly execution: {
    readonly R_lite: readonly { readonly rank: string; readonly children: Readonly<Record<string, string>> }[];
    /** RFC 29 hostlists. */
    readonly nodelist: readonly string[];
    readonly nslots: number;
    /** Seconds since 1970; 0 where it is not known. */
    readonly starttime: number;
    readonly expiration: number;
  };
  readonly attributes: { readonly rainbow: { readonly claims: readonly OtherClaim[] } };
}

/** What a node's rank cannot say. */
interface OtherClaim {
  readonly vertex: string;
  readonly type: string;
  readonly amount: number;
  readonly unit: string;
}

/** Types that R_lite has a place for. */
const CHILDREN: readonly string[] = ['core', 'gpu'];

export function rDocument(graph: ResourceGraph, witness: Witness, times: { start: number; end: number }): RDocument {
  const layout = layOut(graph);
  const children = new Map<number, Map<string, Set<number>>>();
  const others: OtherClaim[] = [];
  let slots = 0;

  const childrenOf = (node: number): Map<string, Set<number>> => {
    let found = children.get(node);
    if (found === undefined) children.set(node, (found = new Map()));
    return found;
  };
  const take = (vertex: number): boolean => {
    const node = layout.nodes[vertex] ?? -1;
    const type = graph.types[vertex] ?? '';
    if (node === -1) return false;
    const of = childrenOf(node);
    if (vertex === node) return true;
    if (!CHILDREN.includes(type)) return false;
    const ids = of.get(type) ?? new Set();
    of.set(type, ids.add(layout.ordinals[vertex] ?? 0));
    return true;
  };
  const claimed = (claim: Claim): void => {
    const { vertex } = claim;
    const said = take(vertex);
    if (claim.exclusive) for (const inner of layout.subtree(vertex)) take(inner);
    if (said || graph.types[vertex] === 'node') return;
    others.push({
      vertex: graph.names[vertex] ?? '',
      type: graph.types[vertex] ?? '',
      amount: claim.amount,
      unit: graph.units[vertex] ?? '',
    });
  };
  for (const group of witness.groups) {
    group.claims.forEach(claimed);
    for (const slot of group.slots) {
      slots++;
      slot.claims.forEach(claimed);
    }
  }

  const nodes = [...children.keys()].sort((a, b) => layout.rank(a) - layout.rank(b));
  return {
    version: 1,
    execution: {
      R_lite: alike(nodes, (node) => childText(children.get(node) ?? new Map())).map(([same, text]) => ({
        rank: idset(same.map((node) => layout.rank(node))),
        children: text,
      })),
      nodelist: hostlists(nodes.map((node) => graph.names[node] ?? '')),
      nslots: slots,
      starttime: times.start,
      expiration: times.end,
    },
    attributes: { rainbow: { claims: others } },
  };
}

/** Which node each vertex is under, and its number among its kind there. Parents come before their children. */
function layOut(graph: ResourceGraph) {
  const nodes = new Int32Array(graph.size).fill(-1);
  const ordinals = new Int32Array(graph.size);
  const counts = new Map<string, number>();
  const numbers = new Map<number, number>();
  const kids = new Map<number, number[]>();
  for (let vertex = 0; vertex < graph.size; vertex++) {
    const parent = graph.parents[vertex] ?? -1;
    const type = graph.types[vertex] ?? '';
    const above = parent === -1 ? -1 : (nodes[parent] ?? -1);
    const node = above === -1 && type === 'node' ? vertex : above;
    nodes[vertex] = node;
    if (node === vertex) numbers.set(vertex, numbers.size);
    const key = `${node} ${type}`;
    ordinals[vertex] = counts.get(key) ?? 0;
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if (parent === -1) continue;
    const siblings = kids.get(parent);
    if (siblings === undefined) kids.set(parent, [vertex]);
    else siblings.push(vertex);
  }
  // The graph's ranks count only if every node has one of its own.
  const ranks = new Set([...numbers.keys()].map((node) => graph.ranks[node] ?? -1));
  const ranked = !ranks.has(-1) && ranks.size === numbers.size;
  return {
    nodes,
    ordinals,
    rank: (node: number): number => (ranked ? (graph.ranks[node] ?? 0) : (numbers.get(node) ?? 0)),
    subtree(vertex: number): number[] {
      const found: number[] = [...(kids.get(vertex) ?? [])];
      for (let next = 0; next < found.length; next++) found.push(...(kids.get(found[next] ?? -1) ?? []));
      return found;
    },
  };
}

function childText(types: ReadonlyMap<string, ReadonlySet<number>>): Record<string, string> {
  return Object.fromEntries(
    CHILDREN.filter((type) => types.has(type)).map((type) => [type, idset([...types.get(type)!])]),
  );
}

/** Nodes with equal children share an entry, in order of the first. */
function alike(
  nodes: readonly number[],
  textOf: (node: number) => Record<string, string>,
): readonly (readonly [number[], Record<string, string>])[] {
  const entries = new Map<string, [number[], Record<string, string>]>();
  for (const node of nodes) {
    const text = textOf(node);
    const key = JSON.stringify(text);
    const entry = entries.get(key);
    if (entry === undefined) entries.set(key, [[node], text]);
    else entry[0].push(node);
  }
  return [...entries.values()];
}

/** RFC 22: `0-3,7`. */
export function idset(ids: readonly number[]): string {
  return runs(ids)
    .map(([low, high]) => (low === high ? String(low) : `${low}-${high}`))
    .join(',');
}

function runs(ids: readonly number[]): [number, number][] {
  const made: [number, number][] = [];
  for (const id of [...new Set(ids)].sort((a, b) => a - b)) {
    const last = made.at(-1);
    if (last !== undefined && id === last[1] + 1) last[1] = id;
    else made.push([id, id]);
  }
  return made;
}

/** RFC 29: names that differ only in a number without leading zeros are folded. */
export function hostlists(names: readonly string[]): string[] {
  const folded = new Map<string, number[]>();
  for (const name of names) {
    const parts = /^(.*?)(0|[1-9]\d{0,14})$/.exec(name);
    const key = parts === null ? name : `${parts[1]}\0`;
    const numbers = folded.get(key) ?? [];
    if (parts !== null) numbers.push(Number(parts[2]));
    folded.set(key, numbers);
  }
  return [...folded].map(([key, numbers]) => {
    if (!key.endsWith('\0')) return key;
    const prefix = key.slice(0, -1);
    return numbers.length === 1 ? `${prefix}${numbers[0]}` : `${prefix}[${idset(numbers)}]`;
  });
}
