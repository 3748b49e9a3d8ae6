/** A subsystem on its way between threads: few large buffers instead of many small objects. */
import type { Subsystem } from '../../core/graph/graph.ts';
import type { JsonObject } from '../../core/graph/json.ts';

export interface PackedSubsystem {
  readonly name: string;
  readonly size: number;
  /** The children of all vertices in one, and where those of each end. */
  readonly children: Int32Array;
  readonly childEnds: Int32Array;
  /** Pairs: vertex of the resource graph, vertex of the subsystem. */
  readonly links: Int32Array;
  /** JSON arrays, each of `TOGETHER` vertices' metadata. */
  readonly metadata: readonly string[];
}

/** Vertices between two yields: some 200 µs. */
const TOGETHER = 256;

export function packSubsystem(subsystem: Subsystem): PackedSubsystem {
  const { name, size, children, links } = subsystem;
  const texts: string[] = [];
  for (let start = 0; start < size; start += TOGETHER) {
    const length = Math.min(TOGETHER, size - start);
    texts.push(JSON.stringify(Array.from({ length }, (_, i) => subsystem.metadata(start + i))));
  }
  let end = 0;
  return {
    name,
    size,
    children: Int32Array.from(children.flat()),
    childEnds: Int32Array.from(children, (of) => (end += of.length)),
    links: Int32Array.from(links.flat()),
    metadata: texts,
  };
}

export function* unpackSubsystem(packed: PackedSubsystem): Generator<void, Subsystem> {
  const metadata: JsonObject[] = [];
  const children: number[][] = [];
  for (const text of packed.metadata) {
    for (const of of JSON.parse(text) as readonly JsonObject[]) {
      const vertex = metadata.push(of) - 1;
      children.push([...packed.children.subarray(packed.childEnds[vertex - 1] ?? 0, packed.childEnds[vertex])]);
    }
    yield;
  }
  const links: [number, number][] = [];
  for (let i = 0; i < packed.links.length; i += 2) {
    links.push([packed.links[i] as number, packed.links[i + 1] as number]);
    if (i % 8192 === 0) yield;
  }
  return { name: packed.name, size: packed.size, children, links, metadata: (vertex) => metadata[vertex] ?? {} };
}
