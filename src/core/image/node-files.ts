/**
 * What others have found out about nodes, as a document for the `nfd` subsystem:
 *   - NodeFeature objects of Node Feature Discovery (`kubectl get nodefeatures -o yaml`, one, several or a list): of
 *     several that name one node, all count;
 *   - what `nfd export features` writes: flags, attributes and instances of one node;
 *   - a feature file of NFD's (`features.d`, feature-file.ts): the features `local.feature` and `local.label`;
 *   - compspec's extraction (JSON): extractors → nfd → sections.
 * Told apart by shape. Pure: text in, features out.
 */
import { invalid } from '../errors.ts';
import { isObject, type JsonObject } from '../graph/json.ts';
import { isFeatureFile, nodeLabels, readFeatureFile } from './feature-file.ts';
import { readDocuments, type DocumentLimits, type DocumentNode } from '../jobspec/document.ts';

export interface NodeReport {
  /** '' where the document does not say. */
  readonly node: string;
  readonly features: FeatureSets;
  readonly labels: Readonly<Record<string, string>>;
}

/** By feature, `domain.name`. */
export interface FeatureSets {
  readonly flags: Readonly<Record<string, readonly string[]>>;
  readonly attributes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly instances: Readonly<Record<string, readonly Readonly<Record<string, string>>[]>>;
}

const LIMITS: DocumentLimits = { bytes: 64 * 2 ** 20, tokens: 10_000_000, depth: 32, values: 5_000_000 };
const MOST_DOCUMENTS = 10_000;
const NODE_LABEL = 'nfd.node.kubernetes.io/node-name';

/**
 * `what` names the document in errors; `now`, in milliseconds since 1970, is for features that expire. Throws
 * `invalid_input` where it is in none of the forms.
 */
export function readNodeFile(text: string, what: string, now: number): readonly NodeReport[] {
  if (isFeatureFile(text)) {
    const { features, labels } = readFeatureFile(text, what, now);
    const attributes = { 'local.feature': features, 'local.label': labels };
    return [{ node: '', features: { flags: {}, attributes, instances: {} }, labels: nodeLabels(labels) }];
  }
  const documents = readDocuments(text, what, LIMITS, MOST_DOCUMENTS).map(plain);
  const objects = documents.flatMap((each) =>
    isObject(each) && Array.isArray(each['items']) ? (each['items'] as unknown[]) : [each],
  );
  if (objects.length === 0) throw invalid(what, 'is empty');
  return objects.map((each, i) => reportOf(each, objects.length === 1 ? what : `${what}, object ${i + 1}`));
}

function reportOf(value: unknown, what: string): NodeReport {
  if (!isObject(value)) throw invalid(what, 'is no object with node features');
  const { spec, metadata } = value;
  if (value['kind'] === 'NodeFeature' && isObject(spec)) {
    const named = isObject(metadata) ? metadata : {};
    const byLabel = isObject(named['labels']) ? named['labels'][NODE_LABEL] : undefined;
    const node = typeof byLabel === 'string' ? byLabel : typeof named['name'] === 'string' ? named['name'] : '';
    return { node, features: featureSets(spec['features'], what), labels: texts(spec['labels']) };
  }
  const extracted = sections(value);
  if (extracted !== null) return { node: '', features: fromSections(extracted), labels: {} };
  if (['flags', 'attributes', 'instances'].some((key) => isObject(value[key]))) {
    return { node: '', features: featureSets(value, what), labels: {} };
  }
  throw invalid(what, 'is neither a NodeFeature, nor exported features, nor an extraction of compspec with nfd in it');
}

function featureSets(value: unknown, what: string): FeatureSets {
  if (value !== undefined && value !== null && !isObject(value)) throw invalid(what, 'has features that are no map');
  const of = isObject(value) ? value : {};
  return {
    flags: mapped(elementsOf(of['flags']), (found) =>
      Array.isArray(found) ? found.map(String) : isObject(found) ? Object.keys(found) : [],
    ),
    attributes: mapped(elementsOf(of['attributes']), texts),
    instances: mapped(elementsOf(of['instances']), (found) => {
      const list: readonly unknown[] = Array.isArray(found) ? found : [];
      return list.map((each) => texts(isObject(each) && isObject(each['attributes']) ? each['attributes'] : each));
    }),
  };
}

function mapped<T>(of: JsonObject, read: (value: unknown) => T): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(of).map(([name, value]): [string, T] => [name, read(value)]));
}

function elementsOf(value: unknown): JsonObject {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).map(([name, of]) => [
      name,
      isObject(of) && Object.hasOwn(of, 'elements') ? (of['elements'] ?? {}) : of,
    ]),
  );
}

function texts(value: unknown): Readonly<Record<string, string>> {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, typeof each === 'string' ? each : JSON.stringify(each)]),
  );
}

/** compspec: results or extractors → nfd → sections, by domain. */
function sections(value: JsonObject): JsonObject | null {
  for (const key of ['extractors', 'results']) {
    const of = value[key];
    const nfd = isObject(of) ? of['nfd'] : undefined;
    const found = isObject(nfd) ? nfd['sections'] : undefined;
    if (isObject(found)) return found;
  }
  return null;
}

/** `<feature>.<element>`, instances `<feature>.<n>.<attribute>`; what is true may be a flag: it is both. */
function fromSections(sections: JsonObject): FeatureSets {
  const flags: Record<string, string[]> = {};
  const attributes: Record<string, Record<string, string>> = {};
  const instances: Record<string, Record<string, string>[]> = {};
  for (const [domain, section] of Object.entries(sections)) {
    const byNumber = new Map<string, Map<number, Record<string, string>>>();
    for (const [key, value] of Object.entries(texts(section))) {
      const instance = /^([^.]+)\.(\d{1,4})\.(.+)$/.exec(key);
      const element = /^([^.]+)\.(.+)$/.exec(key);
      if (instance !== null) {
        const [, name = '', number = '', attribute = ''] = instance;
        const numbered = byNumber.get(name) ?? new Map<number, Record<string, string>>();
        byNumber.set(name, numbered);
        numbered.set(Number(number), { ...numbered.get(Number(number)), [attribute]: value });
      } else if (element !== null) {
        const [, name = '', rest = ''] = element;
        (attributes[`${domain}.${name}`] ??= {})[rest] = value;
        if (value === 'true') (flags[`${domain}.${name}`] ??= []).push(rest);
      }
    }
    for (const [name, numbered] of byNumber) {
      instances[`${domain}.${name}`] = [...numbered].sort(([a], [b]) => a - b).map(([, each]) => each);
    }
  }
  return { flags, attributes, instances };
}

function plain(node: DocumentNode): unknown {
  if (node.kind === 'list') return node.items.map(plain);
  if (node.kind === 'map') return Object.fromEntries([...node.entries].map(([key, value]) => [key, plain(value)]));
  // As it was written: 0302 is the text of a class, not a number.
  return node.value === null || typeof node.value === 'boolean' || typeof node.value === 'string'
    ? node.value
    : node.text;
}
