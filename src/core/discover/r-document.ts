/**
 * A Flux R document (RFC 20), as `flux resource R` prints it, read: ranks with cores and gpus, host names, properties.
 * Pure. R knows no sockets, no memory and no models: a node has one socket with all of it.
 */
import { invalid } from '../errors.ts';
import { expandHosts } from './expand-hosts.ts';
import type { FoundCluster, FoundNode } from './layout.ts';

/** Throws `invalid_input` with the place. */
export function readRDocument(text: string, name: string): FoundCluster {
  const document = parse(text);
  if (document['version'] !== 1) throw invalid('version', 'an R document of version 1 is needed (RFC 20)');
  const execution = mapOf(document['execution'], 'execution');
  const lite = listOf(execution['R_lite'], 'execution.R_lite');
  const hosts = listOf(execution['nodelist'], 'execution.nodelist').flatMap((each) => expandHosts(String(each)));
  const properties = propertiesOf(execution['properties']);
  const byRank = new Map<number, { cores: number; gpus: number }>();
  lite.forEach((each, i) => {
    const place = `execution.R_lite[${i}]`;
    const entry = mapOf(each, place);
    const children = mapOf(entry['children'], `${place}.children`);
    const cores = idset(children['core'], `${place}.children.core`).length;
    const gpus = idset(children['gpu'], `${place}.children.gpu`).length;
    for (const rank of idset(entry['rank'], `${place}.rank`)) {
      const there = byRank.get(rank) ?? { cores: 0, gpus: 0 };
      byRank.set(rank, { cores: there.cores + cores, gpus: there.gpus + gpus });
    }
  });
  const ranks = [...byRank.keys()].sort((a, b) => a - b);
  if (hosts.length !== ranks.length) {
    throw invalid('execution.nodelist', `${hosts.length} hosts for ${ranks.length} ranks`);
  }
  const names = namesOf(hosts, ranks);
  const nodes = ranks.map((rank, place): FoundNode => {
    const { cores, gpus } = byRank.get(rank)!;
    const devices = gpus === 0 ? [] : [{ type: 'gpu', count: gpus, model: null }];
    return {
      name: names[place]!,
      rank,
      sockets: [{ cores, devices }],
      memoryMiB: 0,
      devices: [],
      properties: properties.filter(({ ranks: of }) => of.has(rank)).map(({ property }) => property),
    };
  });
  return { name, nodes, partitions: [] };
}

/** Several brokers may run on one host (`flux start -s4`): the later ones are told apart by their ranks. */
function namesOf(hosts: readonly string[], ranks: readonly number[]): readonly string[] {
  const known = new Set(hosts);
  if (known.size === hosts.length) return hosts;
  const first = new Set<string>();
  return hosts.map((host, place) => {
    let name = host;
    if (first.has(host)) for (name = `${host}.${ranks[place]}`; known.has(name);) name += "'";
    first.add(host);
    known.add(name);
    return name;
  });
}

function parse(text: string): Record<string, unknown> {
  try {
    return mapOf(JSON.parse(text), 'the document');
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid('', `it is not JSON: ${error.message}`);
    throw error;
  }
}

function propertiesOf(said: unknown): readonly { readonly property: string; readonly ranks: ReadonlySet<number> }[] {
  if (said === undefined) return [];
  return Object.entries(mapOf(said, 'execution.properties')).map(([property, ranks]) => ({
    property,
    ranks: new Set(idset(ranks, `execution.properties.${property}`)),
  }));
}

function mapOf(value: unknown, place: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalid(place, 'an object is needed');
}

function listOf(value: unknown, place: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw invalid(place, 'a list is needed');
}

const MOST_IDS = 1_000_000;

/** RFC 22: `0-3,7`. Throws `invalid_input` with the place. */
export function idset(value: unknown, place: string): readonly number[] {
  if (value === undefined) return [];
  if (typeof value !== 'string' && typeof value !== 'number') throw invalid(place, 'a set of ids is needed (RFC 22)');
  const ids: number[] = [];
  for (const part of String(value)
    .replace(/^\[(.*)\]$/, '$1')
    .split(',')) {
    const found = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part);
    if (found === null) throw invalid(place, `${JSON.stringify(String(value).slice(0, 60))} is no set of ids (RFC 22)`);
    const last = Number(found[2] ?? found[1]);
    for (let id = Number(found[1]); id <= last; id++) {
      if (ids.length >= MOST_IDS) throw invalid(place, `more than ${MOST_IDS} ids`);
      ids.push(id);
    }
  }
  return ids;
}
