/** Bytes to text: UTF-8 or an error that says where it is not. Limits keep hostile input cheap. */
import { invalid } from '../errors.ts';
import type { Spot } from './report.ts';

/** Throws `invalid_input` with line and column. A byte order mark stays, for the reader to judge. */
export function decodeText(bytes: Uint8Array, most: number): string {
  if (bytes.length > most) {
    const { line, column } = spotAt(new TextDecoder().decode(bytes.subarray(0, most)), most);
    throw invalid(`line ${line}, column ${column}`, `here the text passes ${most} bytes, which is the limit`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const at = firstNotUtf8(bytes);
    const { line, column } = spotAt(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, at)), at);
    const byte = (bytes[at] ?? 0).toString(16).padStart(2, '0');
    throw invalid(`line ${line}, column ${column}`, `the byte 0x${byte} is not UTF-8; save the file as UTF-8`);
  }
}

/** Line and column, both from 1, of the character at `offset`. */
export function spotAt(text: string, offset: number): Spot {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf('\n') + 1;
  let line = 1;
  for (let at = before.indexOf('\n'); at >= 0; at = before.indexOf('\n', at + 1)) line += 1;
  return { line, column: before.length - start + 1 };
}

/** Refuses a text longer than `most` UTF-8 bytes, at the place where it passes them. */
export function checkLength(text: string, most: number): void {
  if (text.length * 3 <= most || Buffer.byteLength(text) <= most) return;
  let bytes = 0;
  let offset = 0;
  for (const c of text) {
    bytes += Buffer.byteLength(c);
    if (bytes > most) break;
    offset += c.length;
  }
  const { line, column } = spotAt(text, offset);
  throw invalid(`line ${line}, column ${column}`, `here the text passes ${most} bytes, which is the limit`);
}

/** The index of the first byte that no UTF-8 text has there. */
function firstNotUtf8(bytes: Uint8Array): number {
  for (let i = 0; i < bytes.length;) {
    const b = bytes[i]!;
    const length = b < 0x80 ? 1 : b >= 0xc2 && b < 0xe0 ? 2 : b >= 0xe0 && b < 0xf0 ? 3 : b >= 0xf0 && b < 0xf5 ? 4 : 0;
    if (length === 0) return i;
    // The second byte is narrower after E0, ED, F0 and F4: no overlong forms, no surrogates, nothing past U+10FFFF.
    const low = b === 0xe0 ? 0xa0 : b === 0xf0 ? 0x90 : 0x80;
    const high = b === 0xed ? 0x9f : b === 0xf4 ? 0x8f : 0xbf;
    for (let k = 1; k < length; k++) {
      const next = bytes[i + k];
      if (next === undefined || next < (k === 1 ? low : 0x80) || next > (k === 1 ? high : 0xbf)) return i;
    }
    i += length;
  }
  return bytes.length;
}
