/**
 * A large document as the store keeps it: UTF-8, in pieces that are compressed each by itself (Zstandard, RFC 8878).
 * JGF repeats itself: 250 MB become 7 MB, at 1.5 GB/s, so that what is written, sent and read back is little.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/** Characters in one piece: some 2 ms to take in on either side. */
export const PIECE = 1 << 20;

/** With a checksum: what a disk has changed is found when it is read (rainbow db check). */
const options = { params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 } };

/** In memory of its own, so that it can be given away. */
export function packPiece(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(zstdCompressSync(text, options));
}

export function unpackPiece(bytes: Uint8Array): string {
  return zstdDecompressSync(bytes).toString('utf8');
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
