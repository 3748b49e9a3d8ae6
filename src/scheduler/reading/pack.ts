/**
 * A large document as the store keeps it: UTF-8, in pieces that are compressed each by itself (Zstandard, RFC 8878).
 * JGF repeats itself: 250 MB become 7 MB, at 1.5 GB/s, so that what is written, sent and read back is little.
 */
import { promisify } from 'node:util';
import { constants, zstdCompressSync, zstdDecompress } from 'node:zlib';
import { RainbowError } from '../../core/errors.ts';

/** Characters in one piece: some 2 ms to take in on either side. */
export const PIECE = 1 << 20;
/** Bytes of UTF-8 in one: a character of UTF-16 has three at the most. */
const LARGEST_PIECE = 4 << 20;

/** With a checksum: what a disk has changed is found when it is read (rainbow db check). */
const options = { params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 } };

/** In memory of its own, so that it can be given away. */
export function packPiece(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(zstdCompressSync(text, options));
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

// A piece of ASCII comes out in one buffer: five times as fast as in Node's own of 16 KiB.
const atOnce = { chunkSize: PIECE + 1, maxOutputLength: LARGEST_PIECE };
const decompress = promisify(zstdDecompress);

/** The UTF-8 of a packed piece, beside everything else. Rejects with `invalid_input` what is no frame, or over 4 MiB. */
export async function unpackPiece(packed: Uint8Array): Promise<Uint8Array> {
  return decompress(packed, atOnce).catch((cause: unknown) => {
    throw unreadable(cause);
  });
}

/** Throws `invalid_input`. */
export function textOf(unpacked: Uint8Array): string {
  try {
    return utf8.decode(unpacked);
  } catch (cause) {
    throw unreadable(cause);
  }
}

function unreadable(cause: unknown): RainbowError {
  return new RainbowError(
    'invalid_input',
    `is not a Zstandard frame of at most ${LARGEST_PIECE >> 20} MiB of UTF-8 (${String(cause)})`,
    { place: 'packed_graph', cause },
  );
}

/** A text in pieces; never half a character. */
export function* piecesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + PIECE, text.length);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end--;
    yield text.slice(start, end);
    start = end;
  }
}
