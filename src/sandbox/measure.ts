/** A file's entry: its size, whether it may be executed, and the digest of its bytes, read once and never held whole. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { FileEntry } from '../core/staging/manifest.ts';

/** Bytes read at once. */
export const READ_BYTES = 256 * 1024;

/** Closes the handle. `most`: more bytes than that are not read; null then: it is larger. */
export async function measure(path: string, handle: FileHandle, most: number): Promise<FileEntry | null> {
  try {
    const { mode } = await handle.stat();
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    let size = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      size += bytesRead;
      if (size > most) return null;
      hash.update(buffer.subarray(0, bytesRead));
    }
    return { path, size, executable: (mode & 0o100) !== 0, sha256: hash.digest('hex') };
  } finally {
    await handle.close();
  }
}
