/**
 * The part of JGF version 2 that resource graphs and subsystems share: a document's nodes and its containment
 * edges, each checked, in columns. Accepts `nodes` as an object (JGF 2) and as an array of `{id, metadata}`
 * (Fluxion), and a containment edge written as `relation: contains`, as `metadata.name.containment: contains`, as
 * `metadata.subsystem: containment`, or with nothing said at all.
 *
 * Reads the text as it comes, in pieces however cut; nodes and edges may be in either order. Of a vertex only what its
 * *keeper* makes of its metadata stays, of an edge three numbers: 250 MB of text are some 80 MB here.
 * As in JSON.parse, what comes twice under one name counts as it came last. The graph is the document's `graph`, or that
 * of the `scheduling` of an R document (RFC 20), as Fluxion writes it.
 */
import { invalid } from '../errors.ts';
import { AlikeReader, type Alike } from './alike.ts';
import { JsonCutter, type Reader } from './cut-json.ts';
import { isContainment, skimEdge } from './edge.ts';
import { Numbers } from './growing.ts';
import { IdNumbers } from './id-numbers.ts';
import { isObject, kindOf, type JsonObject } from './json.ts';

/** More than that in one document is refused: 4,000,000 vertices are 50,000 nodes of 80 parts each. */
export const vertexLimit = 4_000_000;
/** Levels of containment; real machines have fewer than ten. */
export const depthLimit = 256;

export interface Document {
  /** Of the vertices, in the order in which they came. */
  readonly ids: readonly string[];
  /** Ids that edges name and no vertex has. */
  readonly foreign: readonly string[];
  /** Containment edges in document order. An end is a vertex, or −1 − its number among the foreign ones. */
  readonly sources: Int32Array;
  readonly targets: Int32Array;
  /** Position of each edge in `graph.edges`. */
  readonly at: Int32Array;
  /** Where vertex number `index` stands: `graph.nodes["3"]`, `graph.nodes[3]`. */
  place(index: number): string;
}

/** Keeps what is wanted of a vertex. A vertex is new or, where its id came before, kept again. */
export interface Keeper {
  /** `place` is where it stands. */
  keep(vertex: number, id: string, metadata: JsonObject, place: () => string): void;
  /**
   * Its metadata is that of an earlier vertex, but for what tells vertices apart (alike.ts). Where this is left out,
   * every vertex is handed to `keep`.
   */
  keepAlike?(vertex: number, alike: Alike): void;
}

export class DocumentReader {
  readonly #keeper: Keeper;
  #alike: AlikeReader | null = null;
  readonly #cutter: JsonCutter;
  /** Number of every id that a vertex or an edge has named. */
  readonly #numbers = new IdNumbers();
  readonly #named: string[] = [];
  #ids: string[] = [];
  /** By number of the id: the vertex, −1 where there is none. */
  readonly #vertices = new Numbers();
  #sources = new Numbers();
  #targets = new Numbers();
  #at = new Numbers();
  #graph: unknown = undefined;
  /** Depth of what is in the graph: 2, or 3 in an R document's `scheduling`. */
  #inGraph = 2;
  #hasNodes = false;
  #inArray = false;
  #entries = 0;
  /** Vertices before the one at hand. */
  #known = 0;
  #edges = 0;
  #hint = '';

  constructor(keeper: Keeper) {
    this.#keeper = keeper;
    this.#cutter = new JsonCutter(this.#reader());
  }

  /** The next piece. Throws `invalid_input` with the place; after that the reader is of no more use. */
  push(text: string): void {
    this.#cutter.push(text);
  }

  finish(): Document {
    this.#cutter.finish();
    if (this.#graph !== 'entered') {
      throw invalid(
        'graph',
        `an object with "nodes" and "edges" is needed, this is ${kindOf(this.#graph)}${this.#hint}`,
      );
    }
    if (!this.#hasNodes) throw invalid('graph.nodes', 'an object of nodes by id is needed, this is nothing');
    if (this.#ids.length === 0) {
      throw invalid('graph.nodes', 'there is no vertex; a resource graph needs at least one');
    }
    const foreign: string[] = [];
    const ends = Int32Array.from({ length: this.#named.length }, (_, number) => {
      const vertex = this.#vertices.get(number);
      return vertex === -1 ? -foreign.push(this.#named[number] as string) : vertex;
    });
    const resolved = (numbers: Int32Array): Int32Array => numbers.map((number) => ends[number] as number);
    const inArray = this.#inArray;
    const ids = this.#ids;
    return {
      ids,
      foreign,
      sources: resolved(this.#sources.take()),
      targets: resolved(this.#targets.take()),
      at: this.#at.take(),
      place: (index) => (inArray ? `graph.nodes[${index}]` : placeOfId(ids[index])),
    };
  }

  /** Depth 1 is the document; below the graph's members are its nodes or its edges. */
  #reader(): Reader {
    let list: 'nodes' | 'edges' = 'nodes';
    let isInScheduling = false;
    const isGraph = (depth: number, key: string): boolean => key === 'graph' && depth === (isInScheduling ? 2 : 1);
    return {
      enters: (depth, key, kind) => {
        if (depth === 0) return kind === '{';
        if (depth === 1) {
          isInScheduling = key === 'scheduling' && kind === '{';
          this.#inGraph = isInScheduling ? 3 : 2;
        }
        if (isGraph(depth, key) && kind === '{') {
          this.#graph = 'entered';
          this.#forgetNodes(false);
          this.#forgetEdges();
          return true;
        }
        if (depth === 1) return isInScheduling;
        if (depth !== this.#inGraph) return false;
        if (key === 'nodes') {
          list = 'nodes';
          this.#forgetNodes(true);
          this.#inArray = kind === '[';
          return true;
        }
        if (key !== 'edges' || kind === '{') return false;
        list = 'edges';
        this.#forgetEdges();
        return true;
      },
      take: (depth, key, value, text) => {
        if (depth === 0) throw invalid('document', `a JSON object with "graph" is needed, this is ${kindOf(value)}`);
        if (isGraph(depth, key)) this.#graph = value;
        else if (depth === this.#inGraph + 1) {
          if (list === 'nodes') this.#node(key, value, text);
          else this.#edge(value);
        } else if (depth === this.#inGraph) this.#member(key, value);
        else if (depth === 1 && key === 'graphs') this.#hint = '; "graphs" is not read, give one graph per document';
        else if (depth === 1 && key === 'execution') {
          this.#hint = '; of an R document without scheduling.graph "rainbow graph discover" makes one';
        }
      },
      skim: (depth, key, text, at) => {
        if (depth !== this.#inGraph + 1) return at;
        if (list === 'nodes') return this.#skimNode(key, text, at);
        const edge = skimEdge(text, at);
        if (edge === null) return at;
        const position = this.#countEdge();
        if (edge.isContainment) this.#contains(edge.source, edge.target, position);
        return edge.end;
      },
    };
  }

  #forgetNodes(hasNodes: boolean): void {
    this.#hasNodes = hasNodes;
    this.#entries = 0;
    this.#known = 0;
    this.#ids = [];
    this.#vertices.fill(-1);
    this.#alike = this.#keeper.keepAlike === undefined ? null : new AlikeReader();
  }

  #forgetEdges(): void {
    this.#edges = 0;
    this.#sources = new Numbers();
    this.#targets = new Numbers();
    this.#at = new Numbers();
  }

  #member(key: string, value: unknown): void {
    if (key === 'nodes') throw invalid('graph.nodes', `an object of nodes by id is needed, this is ${kindOf(value)}`);
    if (key !== 'edges') return;
    if (value !== null) throw invalid('graph.edges', `an array is needed, this is ${kindOf(value)}`);
    this.#forgetEdges();
  }

  #node(key: string, node: unknown, text: string): void {
    const at = this.#entries;
    const place = this.#inArray ? () => `graph.nodes[${at}]` : () => placeOfId(key);
    if (!isObject(node)) throw invalid(place(), `an object is needed, this is ${kindOf(node)}`);
    const id = this.#inArray ? idOf(node['id']) : key;
    if (id === null) throw invalid(`${place()}.id`, `a non-empty string is needed, this is ${kindOf(node['id'])}`);
    const metadata = metadataOf(node, place);
    const vertex = this.#vertex(id, place);
    this.#keeper.keep(vertex, id, metadata, place);
    if (vertex < this.#known) this.#alike?.forget(vertex);
    else this.#alike?.learn(vertex, text, node);
    this.#known = this.#ids.length;
  }

  #skimNode(key: string, text: string, at: number): number {
    const alike = this.#alike?.read(text, at) ?? null;
    if (alike === null) return at;
    const entry = this.#entries;
    const id = this.#inArray ? alike.id : key;
    const vertex = this.#vertex(id, this.#inArray ? () => `graph.nodes[${entry}]` : () => placeOfId(id));
    if (vertex < this.#known) this.#alike?.forget(vertex);
    this.#known = this.#ids.length;
    this.#keeper.keepAlike?.(vertex, alike);
    return alike.end;
  }

  #vertex(id: string, place: () => string): number {
    this.#entries++;
    if (id === '') throw invalid(place(), 'an id may not be empty');
    const number = this.#numberOf(id);
    const known = this.#vertices.get(number);
    if (known !== -1) {
      if (!this.#inArray) return known;
      throw invalid(`${place()}.id`, `the id ${JSON.stringify(id)} is taken by graph.nodes[${known}]`);
    }
    const vertex = this.#ids.push(id) - 1;
    this.#vertices.set(number, vertex);
    if (vertex >= vertexLimit) {
      throw invalid('graph.nodes', `more vertices than the limit of ${vertexLimit}; leave out a level`);
    }
    return vertex;
  }

  #edge(edge: unknown): void {
    const at = this.#countEdge();
    if (!isObject(edge)) throw invalid(`graph.edges[${at}]`, `an object is needed, this is ${kindOf(edge)}`);
    const end = (key: 'source' | 'target'): string => {
      const id = idOf(edge[key]);
      if (id !== null) return id;
      throw invalid(`graph.edges[${at}].${key}`, `an id is needed, this is ${kindOf(edge[key])}`);
    };
    const source = end('source');
    const target = end('target');
    if (isContainment(edge, at)) this.#contains(source, target, at);
  }

  #countEdge(): number {
    if (this.#edges === 4 * vertexLimit) {
      throw invalid('graph.edges', `more edges than the limit of ${4 * vertexLimit}`);
    }
    return this.#edges++;
  }

  #contains(source: string, target: string, at: number): void {
    this.#sources.push(this.#numberOf(source));
    this.#targets.push(this.#numberOf(target));
    this.#at.push(at);
  }

  #numberOf(id: string): number {
    const number = this.#numbers.of(id, this.#named.length);
    if (number === this.#named.length) {
      this.#named.push(id);
      this.#vertices.push(-1);
    }
    return number;
  }
}

export function placeOfId(id: string | undefined): string {
  return `graph.nodes[${JSON.stringify(id)}]`;
}

const none: JsonObject = Object.freeze({});

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
  for (const key in value) if (isDeeper((value as JsonObject)[key], levels - 1)) return true;
  return false;
}

function idOf(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value;
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : null;
}
