/**
 * The files that travel with a job, as a list: each by a path inside the job's folder, and by the digest of its bytes.
 * Whoever sends such a list is not trusted: nothing in it may lead out of the folder, hide behind another name of the
 * same file, or be larger than was agreed. Pure.
 */
import { invalid, RainbowError } from '../errors.ts';
import { sizeText } from './size.ts';

export interface FileEntry {
  /** Relative, with `/`; no empty part, no `.`, no `..`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly executable: boolean;
  /** 64 hexadecimal digits, in lower case. */
  readonly sha256: string;
}

export interface FileLimits {
  /** Files of one job, one way. */
  readonly files: number;
  /** Bytes of them together. */
  readonly bytes: number;
  /** Bytes of one file. */
  readonly fileBytes: number;
}

const MOST_PATH = 4_096;
const MOST_NAME = 255;
const DIGEST = /^[0-9a-f]{64}$/;
// oxlint-disable-next-line no-control-regex -- these are what it looks for
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Why this is no path inside a folder; null: it is one. */
export function whyNoPath(path: string): string | null {
  if (path === '') return 'is empty';
  if (path.startsWith('/')) return 'is absolute';
  if (CONTROL.test(path)) return 'has a control character';
  if (!path.isWellFormed()) return 'is not UTF-8';
  if (bytesOf(path) > MOST_PATH) return `is longer than ${MOST_PATH} bytes`;
  for (const name of path.split('/')) {
    if (name === '') return 'has an empty part';
    if (name === '.' || name === '..') return `has the part ${JSON.stringify(name)}`;
    if (bytesOf(name) > MOST_NAME) return `has a name of more than ${MOST_NAME} bytes`;
  }
  return null;
}

/**
 * The same entries in order of their paths. Throws `invalid_input` with the place of what is wrong, `resource_exhausted`
 * with the limit and the size.
 */
export function checkManifest(entries: readonly FileEntry[], limits: FileLimits, place: string): readonly FileEntry[] {
  if (entries.length > limits.files) {
    throw tooMuch(place, `${entries.length} files are more than a job may have; at most ${limits.files}`);
  }
  let total = 0;
  entries.forEach((entry, index) => {
    const at = `${place}[${index}]`;
    const { path, size, sha256 } = entry;
    const why = whyNoPath(path);
    if (why !== null) throw invalid(`${at}.path`, `${shown(path)} ${why}`);
    if (!Number.isSafeInteger(size) || size < 0) throw invalid(`${at}.size`, `${size} is no size in bytes`);
    if (!DIGEST.test(sha256)) throw invalid(`${at}.sha256`, 'a digest is 64 hexadecimal digits, in lower case');
    const wrong = whyTooLarge(size, limits);
    if (wrong !== null) throw tooMuch(place, `${shown(path)} ${wrong}`);
    total += size;
  });
  if (total > limits.bytes) {
    throw tooMuch(place, `${sizeText(total)} are more than a job's files may have; at most ${sizeText(limits.bytes)}`);
  }
  const sorted = entries
    .map(({ path, size, executable, sha256 }) => ({ path, size, executable, sha256 }))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  checkDistinct(sorted, place);
  return sorted;
}

/** Why this file may not travel; null: it may. */
export function whyTooLarge(size: number, { fileBytes }: Pick<FileLimits, 'fileBytes'>): string | null {
  return size <= fileBytes ? null : `has ${sizeText(size)}; a file may have at most ${sizeText(fileBytes)}`;
}

/** No path twice, and no file where another has a folder; one digest means one size. */
function checkDistinct(sorted: readonly FileEntry[], place: string): void {
  const files = new Set(sorted.map(({ path }) => path));
  const sizes = new Map<string, number>();
  let last: string | null = null;
  for (const { path, size, sha256 } of sorted) {
    if (path === last) throw invalid(place, `${shown(path)} is there twice`);
    last = path;
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
      const folder = path.slice(0, end);
      if (files.has(folder)) throw invalid(place, `${shown(folder)} is both a file and a folder`);
    }
    const known = sizes.get(sha256);
    if (known !== undefined && known !== size) throw invalid(place, `${shown(path)}: one digest with two sizes`);
    sizes.set(sha256, size);
  }
}

export function bytesIn(entries: readonly Pick<FileEntry, 'size'>[]): number {
  return entries.reduce((sum, { size }) => sum + size, 0);
}

function tooMuch(place: string, message: string): RainbowError {
  return new RainbowError('resource_exhausted', message, { place });
}

function shown(path: string): string {
  return JSON.stringify(path.length > 80 ? `${path.slice(0, 80)}…` : path);
}

/** Of its UTF-8. */
function bytesOf(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
