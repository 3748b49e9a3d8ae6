/**
 * Contents of a repository, as the registry client needs them (OCI distribution specification): by name or by digest.
 * What is fetched by a digest has that digest and the size that was announced, or it is an error.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isObject } from '../../core/graph/json.ts';
import { readIso } from '../../core/iso-time.ts';
import { FetchError, type HttpAnswer } from './http.ts';
import type { KeptContents } from './kept.ts';
import { DIGEST } from '../../core/image/reference.ts';
import { refused, type Registry } from './registry.ts';
import type { ImageSettings } from './settings.ts';

export const MANIFESTS = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ');

const CREATED = 'org.opencontainers.image.created';

export const MOST_MANIFEST_BYTES = 4 * 2 ** 20;
export const MOST_ARTIFACT_BYTES = 256 * 1024;

export interface Finding {
  readonly registry: Registry;
  readonly repository: string;
  readonly platform: ImageSettings['platform'];
  readonly kept: KeptContents;
  readonly signal: AbortSignal;
}

export interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
  readonly artifactType: string;
  readonly created: number;
}

export function descriptorOf(value: unknown): Descriptor | null {
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

/** What has that digest, and the size that was announced. */
export async function content(
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

export function get(
  finding: Finding,
  kind: 'manifests' | 'blobs',
  name: string,
  accept: string,
  most: number,
): Promise<HttpAnswer> {
  const { registry, repository, signal } = finding;
  return registry.get(`/v2/${repository}/${kind}/${name}`, { accept, most, signal });
}

export function expectOk({ registry }: Finding, { status }: HttpAnswer, what: string): void {
  if (status === 200) return;
  if (status === 403) throw refused(registry.name, status, { username: '' });
  if (status === 429) throw new FetchError(`${registry.name} is asked too often (429)`);
  throw new FetchError(`${registry.name} answers ${status} when asked for ${what}`);
}

/** Of a manifest: the one that it was asked for by, else the one that the registry tells, else the usual one. */
export function digestOf({ body, headers }: HttpAnswer, asked: string, what: string): string {
  const told = headers['docker-content-digest'] ?? '';
  const known = asked !== '' ? asked : DIGEST.test(told) ? told : '';
  if (known === '') return `sha256:${createHash('sha256').update(body).digest('hex')}`;
  verify(body, known, what);
  return known;
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
