/**
 * Reports about nodes to a subsystem document (JGF version 2) whose vertices hold features, linked to the nodes of a
 * resource graph by name. Nodes with equal features share a vertex, so a cluster of alike nodes stays one class. What
 * only tells nodes apart (`system.name`) is left out.
 */
import { invalid } from '../errors.ts';
import type { ResourceGraph } from '../graph/graph.ts';
import type { NodeReport } from './node-files.ts';

/** Names of features that are different on every node. */
const IDENTITY = ['system.name'];

export interface FeatureSubsystem {
  readonly text: string;
  /** Nodes of the graph that nothing is known of. */
  readonly unknown: readonly string[];
  /** Distinct sets of features. */
  readonly kinds: number;
}

/** Throws `invalid_input` where a report is about no node of the graph. */
export function featureSubsystem(graph: ResourceGraph, reports: readonly NodeReport[]): FeatureSubsystem {
  const ids = new Map<string, string>();
  for (let i = 0; i < graph.size; i++) if (graph.types[i] === 'node') ids.set(graph.names[i] ?? '', graph.ids[i] ?? '');
  const byNode = new Map<string, NodeReport[]>();
  for (const report of reports) {
    if (!ids.has(report.node)) {
      throw invalid(
        `node ${JSON.stringify(report.node.slice(0, 100))}`,
        'is no node of the resource graph; nodes are known by metadata.name',
      );
    }
    byNode.set(report.node, [...(byNode.get(report.node) ?? []), report]);
  }
  const vertices = new Map<string, { readonly id: string; readonly nodes: string[] }>();
  const taken = new Set(graph.ids);
  let number = 0;
  for (const [node, of] of byNode) {
    const text = JSON.stringify(sorted(merged(of)));
    let vertex = vertices.get(text);
    if (vertex === undefined) {
      let id = `nfd${number++}`;
      while (taken.has(id)) id = `nfd${number++}`;
      vertices.set(text, (vertex = { id, nodes: [] }));
    }
    vertex.nodes.push(ids.get(node) ?? '');
  }
  const lines = [...vertices].map(
    ([text, { id }]) => `${JSON.stringify(id)}:{"metadata":{"type":"features",${text.slice(1, -1)}}}`,
  );
  const edges = [...vertices.values()].flatMap(({ id, nodes }) =>
    nodes.map((source) => JSON.stringify({ source, target: id, relation: 'contains' })),
  );
  return {
    text: `{"graph":{"directed":true,"nodes":{\n${lines.join(',\n')}\n},"edges":[\n${edges.join(',\n')}\n]}}`,
    unknown: [...ids.keys()].filter((name) => !byNode.has(name)),
    kinds: vertices.size,
  };
}

/** Of several objects about one node: elements together, the later over the earlier. */
function merged(reports: readonly NodeReport[]): Record<string, unknown> {
  const flags: Record<string, string[]> = {};
  const attributes: Record<string, Record<string, string>> = {};
  const instances: Record<string, Readonly<Record<string, string>>[]> = {};
  let labels: Record<string, string> = {};
  const kept = <T>(of: Readonly<Record<string, T>>): [string, T][] =>
    Object.entries(of)
      .map(([name, value]): [string, T] => [name.toLowerCase(), value])
      .filter(([name]) => !IDENTITY.includes(name));
  for (const { features, labels: given } of reports) {
    for (const [name, found] of kept(features.flags))
      flags[name] = [...new Set([...(flags[name] ?? []), ...found])].sort();
    for (const [name, found] of kept(features.attributes)) attributes[name] = { ...attributes[name], ...found };
    for (const [name, found] of kept(features.instances)) instances[name] = [...(instances[name] ?? []), ...found];
    labels = { ...labels, ...given };
  }
  return { features: { flags, attributes, instances }, ...(Object.keys(labels).length === 0 ? {} : { labels }) };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}
