/**
 * The part of JGF version 2 that resource graphs and subsystems share: a document's nodes and its containment
 * edges, each checked, in columns. Accepts `nodes` as an object (JGF 2) and as an array of `{id, metadata}`
 * (Fluxion), and a containment edge written as `relation: contains`, as `metadata.name.containment: contains`, as
 * `metadata.subsystem: containment`, or with nothing said at all.
 */
import { invalid } from '../errors.ts';
import { isObject, kindOf, parseJson, type JsonObject } from './json.ts';

/** More than that in one document is refused: 4,000,000 vertices are 50,000 nodes of 80 parts each. */
export const vertexLimit = 4_000_000;
/** Levels of containment; real machines have fewer than ten. */
export const depthLimit = 256;

export interface Document {
  readonly ids: readonly string[];
  readonly metadata: readonly JsonObject[];
  /** Containment edges in document order, ends as written. */
  readonly edges: readonly Edge[];
  /** Where vertex number `index` stands: `graph.nodes["3"]`, `graph.nodes[3]`. */
  place(index: number): string;
}

export interface Edge {
  readonly source: string;
  readonly target: string;
  /** Position in `graph.edges`. */
  readonly at: number;
}

/** Ends of every edge are strings; whether they name a vertex is the caller's question. */
export function readDocument(text: string): Document {
  const root = parseJson(text);
  if (!isObject(root)) throw invalid('document', `a JSON object with "graph" is needed, this is ${kindOf(root)}`);
  const graph = root['graph'];
  if (!isObject(graph)) {
    const hint = 'graphs' in root ? '; "graphs" is not read, give one graph per document' : '';
    throw invalid('graph', `an object with "nodes" and "edges" is needed, this is ${kindOf(graph)}${hint}`);
  }
  const nodes = graph['nodes'];
  if (Array.isArray(nodes)) {
    const { ids, metadata } = nodesOfArray(nodes);
    return { ids, metadata, edges: edgesOf(graph['edges']), place: (index) => `graph.nodes[${index}]` };
  }
  if (!isObject(nodes)) throw invalid('graph.nodes', `an object of nodes by id is needed, this is ${kindOf(nodes)}`);
  const { ids, metadata } = nodesOfObject(nodes);
  return { ids, metadata, edges: edgesOf(graph['edges']), place: (index) => placeOfId(ids[index]) };
}

export function placeOfId(id: string | undefined): string {
  return `graph.nodes[${JSON.stringify(id)}]`;
}

const none: JsonObject = Object.freeze({});

function nodesOfObject(nodes: JsonObject): { ids: string[]; metadata: JsonObject[] } {
  const ids = Object.keys(nodes);
  checkCount(ids.length);
  const metadata: JsonObject[] = [];
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as string;
    const node = nodes[id];
    if (!isObject(node)) throw invalid(placeOfId(id), `an object is needed, this is ${kindOf(node)}`);
    if (id === '') throw invalid(placeOfId(id), 'an id may not be empty');
    metadata[i] = metadataOf(node, () => placeOfId(id));
  }
  return { ids, metadata };
}

function nodesOfArray(nodes: readonly unknown[]): { ids: string[]; metadata: JsonObject[] } {
  checkCount(nodes.length);
  const ids: string[] = [];
  const metadata: JsonObject[] = [];
  const seen = new Map<string, number>();
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i];
    if (!isObject(node)) throw invalid(`graph.nodes[${i}]`, `an object is needed, this is ${kindOf(node)}`);
    const id = idOf(node['id']);
    if (id === null) {
      throw invalid(`graph.nodes[${i}].id`, `a non-empty string is needed, this is ${kindOf(node['id'])}`);
    }
    const first = seen.get(id);
    if (first !== undefined) {
      throw invalid(`graph.nodes[${i}].id`, `the id ${JSON.stringify(id)} is taken by graph.nodes[${first}]`);
    }
    seen.set(id, i);
    ids[i] = id;
    metadata[i] = metadataOf(node, () => `graph.nodes[${i}]`);
  }
  return { ids, metadata };
}

function metadataOf(node: JsonObject, place: () => string): JsonObject {
  const metadata = node['metadata'];
  if (metadata === undefined || metadata === null) return none;
  if (!isObject(metadata)) throw invalid(`${place()}.metadata`, `an object is needed, this is ${kindOf(metadata)}`);
  for (const key in metadata) {
    if (isDeeper(metadata[key], nestingLimit)) {
      throw invalid(`${place()}.metadata[${JSON.stringify(key)}]`, `nested more than ${nestingLimit} levels deep`);
    }
  }
  return metadata;
}

/** Levels of arrays and objects inside one metadata value. */
const nestingLimit = 64;

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const of of Object.values(value)) if (isDeeper(of, levels - 1)) return true;
  return false;
}

function checkCount(count: number): void {
  if (count === 0) throw invalid('graph.nodes', 'there is no vertex; a resource graph needs at least one');
  if (count > vertexLimit) {
    throw invalid('graph.nodes', `${count} vertices are more than the limit of ${vertexLimit}; leave out a level`);
  }
}

function edgesOf(edges: unknown): Edge[] {
  if (edges === undefined || edges === null) return [];
  if (!Array.isArray(edges)) throw invalid('graph.edges', `an array is needed, this is ${kindOf(edges)}`);
  if (edges.length > 4 * vertexLimit) {
    throw invalid('graph.edges', `${edges.length} edges are more than the limit of ${4 * vertexLimit}`);
  }
  const kept: Edge[] = [];
  for (let at = 0; at < edges.length; at++) {
    const edge: unknown = edges[at];
    if (!isObject(edge)) throw invalid(`graph.edges[${at}]`, `an object is needed, this is ${kindOf(edge)}`);
    const source = idOf(edge['source']);
    if (source === null)
      throw invalid(`graph.edges[${at}].source`, `an id is needed, this is ${kindOf(edge['source'])}`);
    const target = idOf(edge['target']);
    if (target === null)
      throw invalid(`graph.edges[${at}].target`, `an id is needed, this is ${kindOf(edge['target'])}`);
    if (isContainment(edge, at)) kept.push({ source, target, at });
  }
  return kept;
}

function idOf(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value;
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : null;
}

function isContainment(edge: JsonObject, at: number): boolean {
  const relation = edge['relation'];
  if (relation !== undefined && relation !== null) {
    if (typeof relation !== 'string') {
      throw invalid(`graph.edges[${at}].relation`, `a string is needed, this is ${kindOf(relation)}`);
    }
    if (relation !== '') return relation === 'contains';
  }
  const metadata = edge['metadata'];
  if (!isObject(metadata)) return true;
  const name = metadata['name'];
  if (isObject(name)) return name['containment'] === 'contains';
  const subsystem = metadata['subsystem'];
  return subsystem === undefined || subsystem === 'containment';
}
