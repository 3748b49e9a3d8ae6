/**
 * What `compspec extract` writes of a machine, one JSON file each, read: cores, sockets, memory, architecture, and the
 * node features as properties (`cpu.cpuid.AVX2`). Pure. Cores are what the file calls so: threads, where it counted
 * them so. A node is called as its file.
 */
import { invalid } from '../errors.ts';
import type { FoundCluster, FoundNode } from './layout.ts';

type Section = Readonly<Record<string, unknown>>;

/** Throws `invalid_input` with the file. */
export function readCompspec(
  files: readonly { readonly name: string; readonly text: string }[],
  name: string,
): FoundCluster {
  return { name, nodes: files.map(readNode), partitions: [] };
}

function readNode({ name, text }: { readonly name: string; readonly text: string }): FoundNode {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw invalid(name, `it is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const root = mapOf(document);
  const extractors = mapOf(root['results'] ?? root['extractors']);
  const section = (extractor: string, which: string): Section =>
    mapOf(mapOf(mapOf(extractors[extractor])['sections'])[which]);
  const cores = Number(section('system', 'cpu')['cores']);
  if (!Number.isInteger(cores) || cores < 1) {
    throw invalid(
      name,
      'no system.cpu.cores in it: extract with "compspec extract --name nfd[cpu] --name system[processor,cpu,memory]"',
    );
  }
  const features = section('nfd', 'cpu');
  const sockets = Math.max(1, Math.min(cores, Number(features['topology.socket_count']) || 1));
  const memory = /^(\d+) kB$/.exec(textOf(section('system', 'memory')['memtotal']));
  const arch = section('system', 'arch')['name'];
  return {
    name: name.replace(/^.*\//, '').replace(/\.json$/, ''),
    sockets: Array.from({ length: sockets }, (_, i) => ({
      cores: Math.floor(cores / sockets) + (i < cores % sockets ? 1 : 0),
      devices: [],
    })),
    memoryMiB: memory === null ? 0 : Math.floor(Number(memory[1]) / 1024),
    devices: [],
    properties: propertiesOf(mapOf(mapOf(extractors['nfd'])['sections'])),
    facts: typeof arch === 'string' ? { arch } : {},
  };
}

const MOST_PROPERTIES = 2000;

/** Flags (`"true"`) as they are, values as `name=value`. */
function propertiesOf(sections: Section): readonly string[] {
  const all = Object.entries(sections).flatMap(([section, values]) =>
    Object.entries(mapOf(values)).flatMap(([key, value]) => {
      if (value === 'false' || value === false || typeof value === 'object') return [];
      return [value === 'true' || value === true ? `${section}.${key}` : `${section}.${key}=${textOf(value)}`];
    }),
  );
  return all.slice(0, MOST_PROPERTIES);
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function mapOf(value: unknown): Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Section) : {};
}
