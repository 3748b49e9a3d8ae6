/**
 * The configuration of a client: the prototype's YAML file as it is (its clients read and write the same file), with
 * our `groups` and `host` besides. Keys that we do not know are left alone, in reading and in writing; a known key
 * with the wrong kind of value is an error that says where.
 */
import { isDeepStrictEqual } from 'node:util';
import { Document, isMap, parseDocument, visit } from 'yaml';
import type { Node, Tags } from 'yaml';
import { readOptionalDocument } from '../core/jobspec/document.ts';
import { child, entries, isNull, items, text, wrong } from '../core/jobspec/place.ts';
import type { Place } from '../core/jobspec/place.ts';
import { inFile, readText, writePrivately } from './file.ts';
import { toPlain } from './plain.ts';

export interface Credential {
  readonly name: string;
  /** Lets one submit there. */
  readonly token?: string;
  /** For the cluster's agent, and for what changes the cluster. */
  readonly secret?: string;
}

export interface Algorithm {
  readonly name?: string;
  readonly options?: Readonly<Record<string, string>>;
}

export interface ClientConfig {
  /** `host:port` of the server: `host`, else `graphdatabase.options.host`, else `graphdatabase.host`. */
  readonly host?: string;
  readonly scheduler?: {
    readonly name?: string;
    readonly secret?: string;
    readonly algorithms?: { readonly selection?: Algorithm; readonly match?: Algorithm };
  };
  /** The cluster that this file's owner runs: name and secret. */
  readonly cluster?: Credential;
  readonly graphdatabase?: {
    readonly name?: string;
    readonly host?: string;
    readonly options?: Readonly<Record<string, string>>;
  };
  /** Clusters to submit to. */
  readonly clusters: readonly Credential[];
  /** Cluster groups to submit to. */
  readonly groups: readonly Credential[];
}

export function emptyClientConfig(): ClientConfig {
  return { clusters: [], groups: [] };
}

/** What `config init` writes. It has what the prototype's clients ask for: scheduler and graphdatabase. */
export function initialClientConfig(options: {
  readonly host: string;
  readonly clusterName?: string | undefined;
  readonly selectAlgorithm?: string | undefined;
  readonly matchAlgorithm?: string | undefined;
  readonly graphDatabase?: string | undefined;
}): ClientConfig {
  const { host } = options;
  return {
    host,
    scheduler: {
      name: 'rainbow',
      algorithms: {
        selection: { name: options.selectAlgorithm ?? 'random' },
        match: { name: options.matchAlgorithm ?? 'match' },
      },
    },
    ...(options.clusterName === undefined ? {} : { cluster: { name: options.clusterName } }),
    graphdatabase: { name: options.graphDatabase ?? 'memory', host, options: { host } },
    clusters: [],
    groups: [],
  };
}

/** Null where there is no such file. Throws `invalid_input` with file, path and line. */
export async function readClientConfig(path: string): Promise<ClientConfig | null> {
  const written = await readText(path);
  if (written === null) return null;
  return inFile(path, () => clientConfigOf(written));
}

/** Of a file's text; an empty one is an empty configuration. */
export function clientConfigOf(written: string): ClientConfig {
  const node = readOptionalDocument(written, 'configuration');
  if (node === null || (node.kind === 'scalar' && node.value === null)) return emptyClientConfig();
  const document: Place = { node, path: '' };
  const scheduler = child(document, 'scheduler');
  const cluster = child(document, 'cluster');
  const graphdatabase = readGraphDatabase(child(document, 'graphdatabase'));
  const host = hostWord(document) ?? hostIn(graphdatabase);
  return {
    ...(host === undefined ? {} : { host }),
    ...(scheduler === null ? {} : { scheduler: readScheduler(scheduler) }),
    ...(cluster === null ? {} : { cluster: readCredential(cluster) }),
    ...(graphdatabase === undefined ? {} : { graphdatabase }),
    clusters: readCredentials(child(document, 'clusters')),
    groups: readCredentials(child(document, 'groups')),
  };
}

/**
 * Changes only what differs in the file that is there, so comments and keys of others stay. Mode 0600, atomically.
 * Throws `invalid_input` where what is there cannot be read, `failed_precondition` where it cannot be written.
 */
export async function writeClientConfig(path: string, config: ClientConfig): Promise<void> {
  const text = await readText(path);
  const before = inFile(path, () => clientConfigOf(text ?? ''));
  const parsed = parseDocument(text ?? '', { customTags: asWritten });
  const document = isMap(parsed.contents) ? parsed : new Document({});
  const hasHost = document.has('host') || config.host !== hostIn(config.graphdatabase);
  for (const key of ['host', 'scheduler', 'cluster', 'graphdatabase', 'clusters', 'groups'] as const) {
    const value = config[key];
    if (isDeepStrictEqual(value, before[key]) || (key === 'host' && !hasHost)) continue;
    if (value === undefined) document.delete(key);
    else document.set(key, unmistakable(document.createNode(value)));
  }
  await writePrivately(path, document.toString({ lineWidth: 0 }));
}

/** Numbers that nobody changed are written as they were: `0123` is not 123. */
function asWritten(tags: Tags): Tags {
  return tags.map((tag): Tags[number] => {
    if (typeof tag !== 'object' || tag.collection !== undefined || !/:(int|float)$/.test(tag.tag)) return tag;
    return { ...tag, stringify: (item) => item.source ?? String(item.value) };
  });
}

/** Text that any YAML reader might take for something else (a number, `no`) is quoted. */
function unmistakable(node: Node): Node {
  visit(node, {
    Scalar(_, scalar) {
      if (typeof scalar.value !== 'string') return;
      if (/^([-+.\d~].*|y|n|yes|no|on|off|true|false|null|)$/i.test(scalar.value)) scalar.type = 'QUOTE_DOUBLE';
    },
  });
  return node;
}

function hostIn(graphdatabase: ClientConfig['graphdatabase']): string | undefined {
  return graphdatabase?.options?.['host'] ?? graphdatabase?.host;
}

function readScheduler(place: Place): NonNullable<ClientConfig['scheduler']> {
  const algorithms = child(place, 'algorithms');
  return {
    ...others(place, ['name', 'secret', 'algorithms']),
    ...words(place, ['name', 'secret']),
    ...(algorithms === null
      ? {}
      : {
          algorithms: {
            ...algorithm(algorithms, 'selection'),
            ...algorithm(algorithms, 'match'),
          },
        }),
  };
}

function algorithm(place: Place, key: 'selection' | 'match'): { readonly [K in typeof key]?: Algorithm } {
  const found = child(place, key);
  return found === null ? {} : { [key]: { ...words(found, ['name']), ...readOptions(found) } };
}

function readGraphDatabase(place: Place | null): ClientConfig['graphdatabase'] {
  if (place === null) return undefined;
  const host = hostWord(place);
  return {
    ...others(place, ['name', 'host', 'options']),
    ...words(place, ['name']),
    ...(host === undefined ? {} : { host }),
    ...readOptions(place),
  };
}

function readOptions(place: Place): { readonly options?: Readonly<Record<string, string>> } {
  const options = child(place, 'options');
  if (options === null) return {};
  const read: Record<string, string> = {};
  for (const [key, value] of entries(options)) {
    if (key === 'host') refuseList(value);
    if (value.node.kind !== 'scalar')
      throw wrong(value, 'an option is text; put `|` after the colon to write a list as text');
    if (!isNull(value)) read[key] = text(value);
  }
  return { options: read };
}

function readCredentials(place: Place | null): readonly Credential[] {
  if (place === null) return [];
  return items(place).map((each) => {
    const read = readCredential(each);
    if (read.name === '') throw wrong(each, '`name` is missing');
    return read;
  });
}

function readCredential(place: Place): Credential {
  const known = words(place, ['name', 'token', 'secret']);
  return { ...others(place, ['name', 'token', 'secret']), ...known, name: known.name ?? '' };
}

function words<K extends string>(place: Place, keys: readonly K[]): { readonly [P in K]?: string } {
  const read: { [P in K]?: string } = {};
  for (const key of keys) {
    const value = word(place, key);
    if (value !== undefined) read[key] = value;
  }
  return read;
}

function word(place: Place, key: string): string | undefined {
  const found = child(place, key);
  return found === null || text(found) === '' ? undefined : text(found);
}

function hostWord(place: Place): string | undefined {
  const found = child(place, 'host');
  if (found !== null) refuseList(found);
  return word(place, 'host');
}

function refuseList(host: Place): void {
  if (host.node.kind === 'list') throw wrong(host, 'must be text, not a list: several servers have commas between');
}

/** What we do not know is carried, so that it is there when the section is written again. */
function others(place: Place, known: readonly string[]): Readonly<Record<string, unknown>> {
  const rest = entries(place).filter(([key]) => !known.includes(key));
  return Object.fromEntries(rest.map(([key, value]) => [key, toPlain(value.node)]));
}
