/**
 * Takes contents from a stream into new files, one after the other, and looks at size and digest of each before anybody
 * is told that it is there.
 */
import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { RainbowError } from '../core/errors.ts';
import type { FileEntry } from '../core/staging/manifest.ts';

export interface Target {
  /** A new file for this content. */
  create(entry: FileEntry): Promise<FileHandle>;
  /** It is whole and right; the handle is still open. */
  done(entry: FileEntry, handle: FileHandle): Promise<void>;
}

/** One entry for each content, in order of their paths. */
export function distinct(entries: readonly FileEntry[]): readonly FileEntry[] {
  return [...new Map(entries.map((entry) => [entry.sha256, entry])).values()];
}

/**
 * `wanted`: in the order that was asked for. Throws `failed_precondition` where a content has another size or digest than
 * its entry says, which asking again does not mend; `unavailable` where something else came than what was to come.
 */
export async function receiveFiles(
  stream: AsyncIterable<{ readonly sha256: string; readonly data: Uint8Array }>,
  wanted: readonly FileEntry[],
  target: Target,
): Promise<void> {
  let next = 0;
  let open: { readonly entry: FileEntry; readonly handle: FileHandle; readonly hash: Hash; came: number } | null = null;
  try {
    for await (const { sha256, data } of stream) {
      if (open === null) {
        const entry = wanted[next];
        next += 1;
        if (entry === undefined || entry.sha256 !== sha256)
          throw wrong('the server sent a file that was not asked for');
        open = { entry, handle: await target.create(entry), hash: createHash('sha256'), came: 0 };
      }
      const { entry, handle, hash } = open;
      if (entry.sha256 !== sha256) throw unlike(entry, `only ${open.came} bytes came`);
      open.came += data.byteLength;
      if (open.came > entry.size) throw unlike(entry, 'more came');
      hash.update(data);
      for (let from = 0; from < data.byteLength;) {
        from += (await handle.write(data, from, data.byteLength - from, null)).bytesWritten;
      }
      if (open.came < entry.size) continue;
      if (hash.digest('hex') !== entry.sha256) throw unlike(entry, 'they came with another digest');
      await target.done(entry, handle);
      open = null;
      await handle.close();
    }
    if (open !== null || next < wanted.length) throw wrong('the server ended before all files had come');
  } finally {
    await open?.handle.close();
  }
}

function unlike({ path, size, sha256 }: FileEntry, what: string): RainbowError {
  return new RainbowError(
    'failed_precondition',
    `${path} is not as the list of files says: ${size} bytes with the digest ${sha256}, and ${what}; send it again`,
  );
}

/** Asking again may mend it. */
function wrong(message: string): RainbowError {
  return new RainbowError('unavailable', message);
}
