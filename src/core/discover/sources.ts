/** From a text of some kind to a graph and its subsystems. The kinds are told apart by what they look like. */
import { invalid } from '../errors.ts';
import { readGraph } from '../graph/read.ts';
import { readCompspec } from './compspec.ts';
import { layOut, type Discovered, type FoundCluster } from './layout.ts';
import { readLstopo } from './lstopo.ts';
import { readRDocument } from './r-document.ts';
import { readSlurmNodes, readSlurmPartitions, slurmCluster } from './slurm.ts';

export const SOURCES = ['slurm', 'flux', 'lstopo', 'compspec'] as const;
export type Source = (typeof SOURCES)[number];

export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/** null: it looks like none of them. */
export function sourceOf(text: string): Source | null {
  const start = text.trimStart().slice(0, 4096);
  if (start.startsWith('<')) return 'lstopo';
  if (/^(NodeName|PartitionName)=/.test(start)) return 'slurm';
  if (!start.startsWith('{')) return null;
  let document: Record<string, unknown>;
  try {
    document = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
  if ('execution' in document) return 'flux';
  if ('results' in document || 'extractors' in document) return 'compspec';
  return 'nodes' in document ? 'slurm' : null;
}

/** Throws `invalid_input`: nothing was understood, or not all of it. */
export function discoverFrom(files: readonly SourceFile[], kind: Source | null, name: string): Discovered {
  const [first] = files;
  if (first === undefined) throw invalid('', 'no file');
  const source = kind ?? sourceOf(first.text);
  if (source === null) {
    throw invalid(
      first.name,
      'it is neither what scontrol, flux resource R, lstopo --of xml nor compspec extract prints: say which with --from',
    );
  }
  const given = files.length === 1 && source === 'flux' ? schedulingGraph(first.text) : null;
  return given === null ? layOut(readAs(source, files, name)) : { graph: given, subsystems: {} };
}

/** The resource graph that Fluxion keeps in an R document: it says more than the ranks do. Null: there is none. */
function schedulingGraph(text: string): string | null {
  let document: { scheduling?: { graph?: unknown } | null } | null;
  try {
    document = JSON.parse(text) as typeof document;
  } catch {
    return null; // readRDocument says where
  }
  const within = document?.scheduling?.graph ?? null;
  if (within === null) return null;
  const graph = `${JSON.stringify({ graph: within })}\n`;
  readGraph(graph);
  return graph;
}

function readAs(source: Source, files: readonly SourceFile[], name: string): FoundCluster {
  if (source === 'compspec') return readCompspec(files, name);
  if (source === 'slurm') {
    // Nodes and partitions may come in one file or in two.
    const all = files.map(({ text }) => text);
    const nodes = all
      .filter((text) => text.includes('NodeName=') || text.trimStart().startsWith('{'))
      .flatMap(readSlurmNodes);
    const partitions = all.flatMap((text) => (text.includes('PartitionName=') ? readSlurmPartitions(text) : []));
    return slurmCluster(name, nodes, partitions);
  }
  const read = source === 'flux' ? readRDocument : readLstopo;
  const clusters = files.map(({ text }) => read(text, name));
  return { name, nodes: clusters.flatMap(({ nodes }) => nodes), partitions: [] };
}
