/**
 * Graphs in one line: `cluster[2*node[4*core memory(64GB)]]`. Ids are numbers in preorder; `links` hang vertices of a
 * subsystem on them: `{shm: [1]}` links a vertex of type shm to vertex 1.
 */
import type { ResourceGraph, Subsystem } from '../../src/core/graph/graph.ts';
import { readGraph, readSubsystem } from '../../src/core/graph/read.ts';
import { readJobspec } from '../../src/core/jobspec/read.ts';
import type { Request } from '../../src/core/jobspec/jobspec.ts';
import { createMatcher } from '../../src/core/match/create.ts';
import type { Fits } from '../../src/core/match/matcher.ts';

export function grow(notation: string): ResourceGraph {
  const nodes: string[] = [];
  const edges: string[] = [];
  const rest = { text: notation.replaceAll(/\s+/g, ' ').trim() };
  growOne(rest, null, nodes, edges);
  return readGraph(`{"graph":{"nodes":{${nodes.join()}},"edges":[${edges.join()}]}}`);
}

interface Rest {
  text: string;
}

function growOne(rest: Rest, parent: number | null, nodes: string[], edges: string[]): void {
  const found = /^(?:(\d+)\*)?([a-z_]+)(?:\((\d+)([A-Za-z]*)\))?/.exec(rest.text);
  if (found === null) throw new Error(`cannot grow ${rest.text}`);
  const [all, times, type, size, unit] = found;
  const inner = rest.text.slice(all.length);
  for (let n = Number(times ?? 1); n > 0; n--) {
    const id = nodes.length;
    const metadata = { type, ...(size === undefined ? {} : { size: Number(size), unit }) };
    nodes.push(`"${id}":{"metadata":${JSON.stringify(metadata)}}`);
    if (parent !== null) edges.push(`{"source":"${parent}","target":"${id}","relation":"contains"}`);
    rest.text = inner;
    if (!inner.startsWith('[')) continue;
    rest.text = inner.slice(1);
    while (!rest.text.startsWith(']')) {
      growOne(rest, id, nodes, edges);
      rest.text = rest.text.trimStart();
    }
    rest.text = rest.text.slice(1);
  }
}

/** One vertex per entry, linked to these vertices of the graph. */
export function link(
  graph: ResourceGraph,
  name: string,
  entries: readonly { readonly to: readonly number[]; readonly metadata: Readonly<Record<string, unknown>> }[],
): Subsystem {
  const nodes = [`"${name}0":{"metadata":{"type":"${name}"}}`];
  const edges: string[] = [];
  entries.forEach(({ to, metadata }, i) => {
    const id = `${name}${i + 1}`;
    nodes.push(`"${id}":${JSON.stringify({ metadata })}`);
    edges.push(`{"source":"${name}0","target":"${id}","relation":"contains"}`);
    for (const vertex of to) edges.push(`{"source":"${graph.ids[vertex]}","target":"${id}","relation":"contains"}`);
  });
  return readSubsystem(name, `{"graph":{"nodes":{${nodes.join()}},"edges":[${edges.join()}]}}`, graph);
}

/** The request of a jobspec given as its `resources`, nextgen or RFC 14 by their shape. */
export function requestOf(resources: string): Request {
  const text = `version: 1\nresources:\n${indent(resources)}\ntasks:\n- {command: [app], ${taskOf(resources)}}\n`;
  return readJobspec(text).request;
}

function indent(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const margin = Math.min(...lines.map((line) => line.length - line.trimStart().length));
  return lines.map((line) => `  ${line.slice(margin)}`).join('\n');
}

function taskOf(resources: string): string {
  if (resources.trimStart().startsWith('-')) return 'slot: task, count: {per_slot: 1}';
  return `resources: ${/^\s*([\w-]+)\s*:/.exec(resources)?.[1] ?? ''}`;
}

export function fits(graph: ResourceGraph, resources: string, subsystems: readonly Subsystem[] = []): Fits {
  const matcher = createMatcher();
  matcher.setCluster('c', graph, subsystems);
  const request = requestOf(resources);
  const verdict = matcher.satisfiable('c', request);
  if ((verdict.fits === 'yes') !== (matcher.place('c', request, 'all') !== null))
    throw new Error('fits, but has no place');
  if ((verdict.fits === 'yes') !== (verdict.reasons.length === 0)) throw new Error('no, but no reason');
  return verdict.fits;
}
