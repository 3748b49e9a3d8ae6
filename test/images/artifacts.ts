/** Images and compatibility artifacts as OCI has them, made for tests. */
import { createHash } from 'node:crypto';

export const NFD = 'application/vnd.nfd.image-compatibility.v1alpha1';
export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX = 'application/vnd.oci.image.index.v1+json';
const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json';

export interface Stored {
  readonly bytes: Buffer;
  readonly digest: string;
  readonly mediaType: string;
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function stored(content: string | object, mediaType: string): Stored {
  const bytes = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
  return { bytes, digest: digestOf(bytes), mediaType };
}

export const EMPTY = stored('{}', EMPTY_TYPE);

export function descriptor({ bytes, digest, mediaType }: Stored): { mediaType: string; digest: string; size: number } {
  return { mediaType, digest, size: bytes.length };
}

/** An image of one layer. */
export function image(content: string): { manifest: Stored; blobs: readonly Stored[] } {
  const config = stored(
    { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } },
    'application/vnd.oci.image.config.v1+json',
  );
  const layer = stored(content, 'application/vnd.oci.image.layer.v1.tar');
  const manifest = stored(
    { schemaVersion: 2, mediaType: MANIFEST, config: descriptor(config), layers: [descriptor(layer)] },
    MANIFEST,
  );
  return { manifest, blobs: [config, layer] };
}

export interface ArtifactOptions {
  readonly type?: string;
  readonly created?: string;
  /** Over the layer's descriptor: an artifact that lies. */
  readonly layer?: object;
}

/** An artifact about an image, and what the list of referrers says of it. */
export function artifact(subject: Stored, document: string, options: ArtifactOptions = {}) {
  const { type = NFD, created, layer: over = {} } = options;
  const layer = stored(document, 'application/vnd.nfd.image-compatibility.spec.v1alpha1+yaml');
  const annotations = created === undefined ? {} : { annotations: { 'org.opencontainers.image.created': created } };
  const manifest = stored(
    {
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: type,
      config: descriptor(EMPTY),
      layers: [{ ...descriptor(layer), ...over }],
      subject: descriptor(subject),
      ...annotations,
    },
    MANIFEST,
  );
  return { manifest, blobs: [EMPTY, layer], listed: { ...descriptor(manifest), artifactType: type, ...annotations } };
}

/** Of what refers to an image: under the tag `sha256-…` where a registry has no referrers API. */
export function indexOf(manifests: readonly object[]): Stored {
  return stored({ schemaVersion: 2, mediaType: INDEX, manifests }, INDEX);
}

/** A document of NFD: sets that need one flag of cpu.cpuid each. */
export function needing(...sets: readonly { readonly flag: string; readonly weight?: number }[]): string {
  const written = sets.map(
    ({ flag, weight }) =>
      `- weight: ${weight ?? 0}\n  rules:\n  - matchFeatures:\n    - {feature: cpu.cpuid, matchExpressions: {${flag}: {op: Exists}}}\n`,
  );
  return `version: v1alpha1\ncompatibilities:\n${written.join('')}`;
}
