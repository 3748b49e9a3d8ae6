/**
 * Finding what is said of an image in its registry, and fetching it (OCI distribution and image specifications):
 *   1. the image's manifest gives its digest; of an index, the platform's manifest is looked at too;
 *   2. who refers to it: the referrers API, its pages followed, what does not fit left out whatever the registry says it
 *      filtered; where the registry does not know the API, the tag `sha256-<hex>`;
 *   3. of the artifacts of the first kind that there is, the newest; its manifest, and of that the first layer.
 * Or an artifact is named beside the image (a manifest of compspec's pairs them); then it is fetched by its own name.
 * Everything that is fetched by a digest has that digest and the size that was announced, or it is an error.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isObject } from '../../core/graph/json.ts';
import { readIso } from '../../core/iso-time.ts';
import { FetchError, type HttpAnswer } from './http.ts';
import type { KeptContents } from './kept.ts';
import { DIGEST, type Reference } from './reference.ts';
import { jsonOf, refused, type Registry } from './registry.ts';
import type { ImageSettings } from './settings.ts';

/** What artifacts say they are, those that are looked for first in front. */
export const ARTIFACT_TYPES: readonly string[] = [
  'application/vnd.nfd.image-compatibility.v1alpha1',
  'application/vnd.k8s.nfd.image-compatibility.v1',
  'application/vnd.oci.image.compatibilities.v1+json',
  'application/org.compspec',
  'application/org.supercontainers.compspec',
];

const MANIFESTS = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ');
const INDEX = 'application/vnd.oci.image.index.v1+json';
const CREATED = 'org.opencontainers.image.created';

const MOST_MANIFEST_BYTES = 4 * 2 ** 20;
export const MOST_ARTIFACT_BYTES = 256 * 1024;
const MOST_PAGES = 20;
const MOST_REFERRERS = 5_000;

export interface Artifact {
  /** What it is about. */
  readonly subject: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly text: string;
}

interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
  readonly artifactType: string;
  readonly created: number;
}

export interface Finding {
  readonly registry: Registry;
  readonly repository: string;
  readonly platform: ImageSettings['platform'];
  readonly kept: KeptContents;
  readonly signal: AbortSignal;
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

/** Of a manifest: the one that it was asked for by, else the one that the registry tells, else the usual one. */
function digestOf({ body, headers }: HttpAnswer, asked: string, what: string): string {
  const told = headers['docker-content-digest'] ?? '';
  const known = asked !== '' ? asked : DIGEST.test(told) ? told : '';
  if (known === '') return `sha256:${createHash('sha256').update(body).digest('hex')}`;
  verify(body, known, what);
  return known;
}

async function referrers(finding: Finding, subject: string): Promise<readonly Descriptor[]> {
  for (const type of ARTIFACT_TYPES) {
    const answered = await byApi(finding, subject, type);
    if (answered === null) return byTag(finding, subject);
    const fitting = answered.descriptors.filter(({ artifactType }) => ARTIFACT_TYPES.includes(artifactType));
    const ofType = fitting.filter(({ artifactType }) => artifactType === type);
    // One that did not filter has told about all kinds at once.
    if (!answered.filtered) return fitting;
    if (ofType.length > 0) return ofType;
  }
  return [];
}

interface Listed {
  readonly descriptors: readonly Descriptor[];
  readonly filtered: boolean;
}

/** Null where the registry does not know the call. */
async function byApi(finding: Finding, subject: string, type: string): Promise<Listed | null> {
  const { registry, repository } = finding;
  const descriptors: Descriptor[] = [];
  let filtered = true;
  let path = `/v2/${repository}/referrers/${subject}?artifactType=${encodeURIComponent(type)}`;
  for (let page = 1; ; page++) {
    const answer = await registry.get(path, { accept: INDEX, most: MOST_MANIFEST_BYTES, signal: finding.signal });
    if (page === 1 && (answer.status === 404 || answer.status === 405)) return null;
    expectOk(finding, answer, `the referrers of ${subject}`);
    // Something else than an index: a page of a server that knows no such call.
    if (page === 1 && !(answer.headers['content-type'] ?? '').includes('json')) return null;
    const filters = answer.headers['oci-filters-applied'] ?? '';
    filtered &&= filters.split(',').some((each) => each.trim().toLowerCase() === 'artifacttype');
    descriptors.push(...descriptorsOf(jsonOf(answer.body, `the referrers of ${subject}`)));
    const next = nextOf(answer.headers['link'] ?? '');
    if (next === null) return { descriptors, filtered };
    if (page === MOST_PAGES || descriptors.length > MOST_REFERRERS) {
      throw new FetchError(`${registry.name} lists more than ${MOST_PAGES} pages of what refers to ${subject}`);
    }
    path = nextPath(finding, path, next);
  }
}

/** On the same registry, and about the same repository. */
function nextPath({ registry, repository }: Finding, path: string, next: string): string {
  const base = `http://registry.invalid`;
  const url = URL.canParse(next, base + path) ? new URL(next, base + path) : null;
  const isOwn = url !== null && (next.startsWith('/') || url.origin === base || /^https?:/.test(next));
  if (!isOwn || !url.pathname.startsWith(`/v2/${repository}/referrers/`)) {
    throw new FetchError(`${registry.name} gives a next page that is none of its own`);
  }
  // An absolute address stays one: the client refuses another host.
  return url.origin === base ? url.pathname + url.search : next;
}

/** RFC 8288: the target of rel="next". */
function nextOf(header: string): string | null {
  for (const part of header.split(/,\s*(?=<)/)) {
    const found = /^\s*<([^>]*)>\s*;(.*)$/.exec(part);
    if (found !== null && /(?:^|;)\s*rel\s*=\s*"?next"?/i.test(found[2] ?? '')) return found[1] ?? null;
  }
  return null;
}

async function byTag(finding: Finding, subject: string): Promise<readonly Descriptor[]> {
  const tag = subject.replace(':', '-').slice(0, 128);
  const answer = await get(finding, 'manifests', tag, INDEX, MOST_MANIFEST_BYTES);
  if (answer.status === 404) return [];
  expectOk(finding, answer, `the tag ${tag}`);
  const listed = descriptorsOf(jsonOf(answer.body, `the tag ${tag}`));
  return listed.filter(({ artifactType }) => ARTIFACT_TYPES.includes(artifactType)).slice(0, MOST_REFERRERS);
}

function descriptorsOf(index: Readonly<Record<string, unknown>>): Descriptor[] {
  const list = index['manifests'];
  if (!Array.isArray(list)) throw new FetchError('the list of referrers is no index of manifests');
  return (list as readonly unknown[]).flatMap((each) => descriptorOf(each) ?? []);
}

function descriptorOf(value: unknown): Descriptor | null {
  if (!isObject(value)) return null;
  const { digest, size, mediaType, artifactType, annotations } = value;
  if (typeof digest !== 'string' || !DIGEST.test(digest) || typeof size !== 'number') return null;
  const created = isObject(annotations) ? annotations[CREATED] : undefined;
  return {
    digest,
    size,
    mediaType: typeof mediaType === 'string' ? mediaType : '',
    artifactType: typeof artifactType === 'string' ? artifactType : '',
    created: (typeof created === 'string' ? readIso(created)?.ms : undefined) ?? -Infinity,
  };
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

/** What has that digest, and the size that was announced. */
async function content(
  finding: Finding,
  kind: 'manifests' | 'blobs',
  announced: Descriptor,
  what: string,
): Promise<Uint8Array> {
  const place = `${finding.registry.name}/${finding.repository}`;
  const { digest } = announced;
  const kept = finding.kept.get(place, digest);
  if (kept !== undefined) {
    checkSize(kept, announced, what);
    return kept;
  }
  const [accept, most] = kind === 'blobs' ? ['*/*', MOST_ARTIFACT_BYTES] : [MANIFESTS, MOST_MANIFEST_BYTES];
  const answer = await get(finding, kind, digest, accept, most);
  expectOk(finding, answer, what);
  checkSize(answer.body, announced, what);
  verify(answer.body, digest, what);
  finding.kept.put(place, digest, answer.body);
  return answer.body;
}

function textOf(body: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new FetchError(`${what} holds what is no text`);
  }
}

function get(
  finding: Finding,
  kind: 'manifests' | 'blobs',
  name: string,
  accept: string,
  most: number,
): Promise<HttpAnswer> {
  const { registry, repository, signal } = finding;
  return registry.get(`/v2/${repository}/${kind}/${name}`, { accept, most, signal });
}

function expectOk({ registry }: Finding, { status }: HttpAnswer, what: string): void {
  if (status === 200) return;
  if (status === 403) throw refused(registry.name, status, { username: '' });
  if (status === 429) throw new FetchError(`${registry.name} is asked too often (429)`);
  throw new FetchError(`${registry.name} answers ${status} when asked for ${what}`);
}

function checkSize(body: Uint8Array, { size }: Descriptor, what: string): void {
  if (body.length !== size) throw new FetchError(`${what} has ${body.length} bytes, and was announced with ${size}`);
}

function verify(body: Uint8Array, digest: string, what: string): void {
  const [algorithm = '', hex = ''] = digest.split(':');
  const found = createHash(algorithm).update(body).digest();
  if (!timingSafeEqual(found, Buffer.from(hex, 'hex')))
    throw new FetchError(`${what} has another digest than ${digest}`);
}
