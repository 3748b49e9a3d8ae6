/** Lists of files from and to the wire, checked; and the digest that names a list. */
import { createHash } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { checkManifest, type FileEntry } from '../../core/staging/manifest.ts';
import type { FileEntry as WireEntry, FileEntrySchema } from '../../gen/rainbow/v1/files_pb.js';
import { checkSequence } from '../input.ts';
import type { FileSettings } from './settings.ts';

/** In order of paths. Throws `invalid_input` with the place, `resource_exhausted` with the limit and the size. */
export function readEntries(entries: readonly WireEntry[], limits: FileSettings, place: string): readonly FileEntry[] {
  const read = entries.map(({ path, size, executable, sha256 }, index) => ({
    path,
    size: checkSequence(size, `${place}[${index}].size`),
    executable,
    sha256,
  }));
  return checkManifest(read, limits, place);
}

export function entryToWire(entry: FileEntry): MessageInitShape<typeof FileEntrySchema> {
  return { ...entry, size: String(entry.size) };
}

/** Of entries in order. */
export function digestOf(entries: readonly FileEntry[]): string {
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex');
}
