/**
 * Finding what is said of an image in its registry, and fetching it (OCI distribution and image specifications):
 *   1. the image's manifest gives its digest; of an index, the platform's manifest is looked at too;
 *   2. who refers to it (referrers.ts);
 *   3. of the artifacts of the first kind that there is, the newest; its manifest, and of that the first layer.
 * Or an artifact is named beside the image (a manifest of compspec's pairs them); then it is fetched by its own name.
 */
import { isObject } from '../../core/graph/json.ts';
import {
  content,
  descriptorOf,
  digestOf,
  expectOk,
  get,
  MANIFESTS,
  MOST_ARTIFACT_BYTES,
  MOST_MANIFEST_BYTES,
} from './contents.ts';
import type { Descriptor, Finding } from './contents.ts';
import { FetchError } from './http.ts';
import { DIGEST, type Reference } from '../../core/image/reference.ts';
import { ARTIFACT_TYPES, referrers } from './referrers.ts';
import { jsonOf } from './registry.ts';

export interface Artifact {
  /** What it is about. */
  readonly subject: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly text: string;
}

/** Null: the image is there, and nothing is said of what it needs. Throws FetchError. */
export async function findArtifact(finding: Finding, reference: Reference): Promise<Artifact | null> {
  const image = await imageOf(finding, reference);
  for (const subject of image) {
    const found = newest(await referrers(finding, subject));
    if (found !== null) return fetchArtifact(finding, subject, found);
  }
  return null;
}

/** Digests: of the image as it is named, then, of an index, of the platform's manifest. */
async function imageOf(finding: Finding, { tag, digest }: Reference): Promise<readonly string[]> {
  const named = digest === '' ? tag : digest;
  const { registry } = finding;
  const answer = await get(finding, 'manifests', named, MANIFESTS, MOST_MANIFEST_BYTES);
  if (answer.status === 404) throw new FetchError(`${registry.name} has no image ${finding.repository}:${named}`);
  expectOk(finding, answer, `the image ${named}`);
  const self = digestOf(answer, digest, `the image ${named}`);
  const manifest = jsonOf(answer.body, `the image ${named}`);
  const { platform } = finding;
  const parts = Array.isArray(manifest['manifests']) ? (manifest['manifests'] as readonly unknown[]) : [];
  const part = parts.find((each) => {
    const of = isObject(each) ? each['platform'] : undefined;
    return isObject(of) && of['os'] === platform.os && of['architecture'] === platform.architecture;
  });
  const other = isObject(part) ? part['digest'] : undefined;
  return typeof other === 'string' && DIGEST.test(other) ? [self, other] : [self];
}

/** Of the kind that is looked for first. Without a time: older than all. */
function newest(all: readonly Descriptor[]): Descriptor | null {
  const rank = ({ artifactType }: Descriptor): number => ARTIFACT_TYPES.indexOf(artifactType);
  const sorted = [...all].sort(
    (a, b) => rank(a) - rank(b) || compare(b.created, a.created) || (a.digest < b.digest ? -1 : 1),
  );
  return sorted[0] ?? null;
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** The artifact of that name, whatever it is about. Throws FetchError. */
export async function fetchNamed(finding: Finding, { tag, digest }: Reference): Promise<Artifact> {
  const named = digest === '' ? tag : digest;
  const what = `the artifact ${finding.repository}${digest === '' ? ':' : '@'}${named}`;
  const answer = await get(finding, 'manifests', named, MANIFESTS, MOST_MANIFEST_BYTES);
  if (answer.status === 404) throw new FetchError(`${finding.registry.name} has not ${what}`);
  expectOk(finding, answer, what);
  const own = digestOf(answer, digest, what);
  const manifest = jsonOf(answer.body, what);
  const layers = layersOf(manifest);
  const layer = layers.find((each) => ARTIFACT_TYPES.includes(each?.mediaType ?? '')) ?? layers[0];
  const text = await documentOf(finding, layer, what);
  return { subject: '', digest: own, mediaType: layer?.mediaType ?? '', text };
}

async function fetchArtifact(finding: Finding, subject: string, found: Descriptor): Promise<Artifact> {
  const what = `the artifact ${found.digest}`;
  const manifest = jsonOf(await content(finding, 'manifests', found, what), what);
  const about = isObject(manifest['subject']) ? manifest['subject']['digest'] : undefined;
  if (about !== undefined && about !== subject) throw new FetchError(`${what} is about another image than ${subject}`);
  const text = await documentOf(finding, layersOf(manifest)[0], what);
  return { subject, digest: found.digest, mediaType: found.artifactType, text };
}

/** Undefined: one that cannot be read. */
function layersOf(manifest: Readonly<Record<string, unknown>>): readonly (Descriptor | undefined)[] {
  const layers: readonly unknown[] = Array.isArray(manifest['layers']) ? manifest['layers'] : [];
  return layers.map((each) => descriptorOf(each) ?? undefined);
}

async function documentOf(finding: Finding, layer: Descriptor | undefined, what: string): Promise<string> {
  if (layer === undefined) throw new FetchError(`${what} has no layer that holds a compatibility document`);
  if (layer.size > MOST_ARTIFACT_BYTES) {
    throw new FetchError(`${what} announces ${layer.size} bytes; at most ${MOST_ARTIFACT_BYTES} are read`);
  }
  return textOf(await content(finding, 'blobs', layer, `the layer ${layer.digest}`), what);
}

function textOf(body: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new FetchError(`${what} holds what is no text`);
  }
}
