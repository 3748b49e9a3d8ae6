/** Files that the settings of `images` name: authorities of registries, and the operator's own pairs. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';
import { RainbowError } from '../../core/errors.ts';
import { readManifest, type Pairs } from '../../core/image/manifest.ts';
import type { ImageSettings } from './settings.ts';

export interface ImageFiles {
  /** By registry, certificates in PEM: its own authority beside those of the system. Absent: the system's alone. */
  readonly authorities: ReadonlyMap<string, readonly string[]>;
  readonly pairs: Pairs;
}

export const NO_FILES: ImageFiles = { authorities: new Map(), pairs: new Map() };

/** Throws `failed_precondition` for a file that cannot be read, `invalid_input` for one that is something else. */
export async function readImageFiles({ registries, manifest }: ImageSettings): Promise<ImageFiles> {
  const authorities = new Map<string, readonly string[]>();
  for (const [name, { ca }] of registries) {
    if (ca === '') continue;
    const place = `images.registries.${name}.ca`;
    const pem = await textOf(ca, place);
    if (!isCertificate(pem)) throw new RainbowError('invalid_input', `${ca} holds no certificate in PEM`, { place });
    authorities.set(name, [...getCACertificates('default'), pem]);
  }
  if (manifest === '') return { authorities, pairs: new Map() };
  const pairs = readManifest(await textOf(manifest, 'images.manifest'), manifest);
  if (pairs === null) {
    throw new RainbowError(
      'invalid_input',
      `${manifest} is no manifest: it must hold \`images\`, a list of {name, artifact}`,
      {
        place: 'images.manifest',
      },
    );
  }
  return { authorities, pairs };
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== undefined;
  } catch {
    return false;
  }
}

async function textOf(path: string, place: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new RainbowError('failed_precondition', `${path} cannot be read: ${(error as Error).message}`, {
      place,
      cause: error,
    });
  }
}
