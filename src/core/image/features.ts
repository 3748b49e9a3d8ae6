/**
 * What is known of a node: NFD's features, labels, and whatever metadata hangs on it. Read from the vertex's own
 * metadata and from what is linked to it; whatever a graph may hold is taken or passed over, nothing throws.
 */
import { isObject, type JsonObject } from '../graph/json.ts';

/** The subsystem that holds features: vertices with `metadata.features` {flags, attributes, instances}. */
export const FEATURE_SUBSYSTEM = 'nfd';

export interface NodeFeatures {
  /** By feature, `domain.name` in lower case. */
  readonly flags: ReadonlyMap<string, ReadonlySet<string>>;
  readonly attributes: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly instances: ReadonlyMap<string, readonly ReadonlyMap<string, string>[]>;
  readonly labels: ReadonlyMap<string, string>;
  /** Own metadata first, then that of linked vertices. */
  readonly metadata: readonly JsonObject[];
}

/** What the node's vertex is like by itself (match/attributes.ts). */
export interface NodeFacts {
  readonly metadata: JsonObject;
  readonly links: readonly {
    readonly subsystem: string;
    readonly set: { readonly vertices: readonly JsonObject[] };
  }[];
}

export function featuresOf({ metadata, links }: NodeFacts): NodeFeatures {
  const flags = new Map<string, Set<string>>();
  const attributes = new Map<string, Map<string, string>>();
  const instances = new Map<string, ReadonlyMap<string, string>[]>();
  const labels = new Map<string, string>();
  const linked = links.flatMap(({ set }) => set.vertices);
  const holding = [
    metadata,
    ...links.flatMap(({ subsystem, set }) => (subsystem === FEATURE_SUBSYSTEM ? set.vertices : [])),
  ];
  for (const vertex of holding) {
    addLabels(labels, vertex['labels']);
    const features = vertex['features'];
    if (!isObject(features)) continue;
    for (const [name, elements] of featureSets(features['flags'])) {
      const names = Array.isArray(elements) ? elements.map(String) : isObject(elements) ? Object.keys(elements) : [];
      const known = grown(flags, name, () => new Set<string>());
      for (const each of names) known.add(each);
    }
    for (const [name, elements] of featureSets(features['attributes'])) {
      const known = grown(attributes, name, () => new Map<string, string>());
      if (isObject(elements)) addTexts(known, elements);
    }
    for (const [name, elements] of featureSets(features['instances'])) {
      const known = grown(instances, name, (): ReadonlyMap<string, string>[] => []);
      if (!Array.isArray(elements)) continue;
      for (const each of elements as readonly unknown[]) known.push(instanceOf(each));
    }
  }
  return { flags, attributes, instances, labels, metadata: [metadata, ...linked] };
}

/** NFD writes `{elements: …}` around the elements; both are taken. */
function featureSets(of: unknown): readonly (readonly [string, unknown])[] {
  if (!isObject(of)) return [];
  return Object.entries(of).map(([name, value]) => {
    const inner = isObject(value) && Object.hasOwn(value, 'elements') ? value['elements'] : value;
    return [name.toLowerCase(), inner ?? {}] as const;
  });
}

function instanceOf(value: unknown): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  if (!isObject(value)) return found;
  const inner = value['attributes'];
  addTexts(found, isObject(inner) ? inner : value);
  return found;
}

function addLabels(labels: Map<string, string>, value: unknown): void {
  if (isObject(value)) addTexts(labels, value);
}

function addTexts(into: Map<string, string>, of: JsonObject): void {
  for (const [key, value] of Object.entries(of)) into.set(key, textOf(value));
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null');
}

function grown<V>(map: Map<string, V>, key: string, make: () => V): V {
  let found = map.get(key);
  if (found === undefined) map.set(key, (found = make()));
  return found;
}
