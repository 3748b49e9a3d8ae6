/** Reading and writing the files that a command is given; `-` is standard input. Errors say which file and what to do. */
import { createReadStream } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RainbowError } from '../core/errors.ts';
import { decodeText } from '../core/translate/text.ts';
import type { Io } from './io.ts';

function words(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EISDIR':
      return 'it is a folder, not a file';
    case 'EACCES':
    case 'EPERM':
      return 'not permitted';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/** Text as it is, byte order mark and all. At most `most` bytes; UTF-8, or an error that says where it is not. */
export async function readInput(io: Io, path: string, most = Infinity): Promise<string> {
  const bytes = path === '-' ? await io.readStdin(most) : await readBytes(path, most);
  if (typeof bytes === 'string') return bytes;
  return about(path, () => decodeText(bytes, most));
}

/** Little more than `most` bytes, however long the file is, or wherever it comes from. */
async function readBytes(path: string, most: number): Promise<Uint8Array> {
  try {
    const pieces: Uint8Array[] = [];
    const end = most === Infinity ? {} : { end: most };
    for await (const piece of createReadStream(path, end)) pieces.push(piece as Uint8Array);
    return Buffer.concat(pieces);
  } catch (error) {
    throw new RainbowError('not_found', `cannot read ${path}: ${words(error)}`, { cause: error });
  }
}

/** Runs a reader; its errors say which file they are about. */
export function about<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RainbowError)) throw error;
    const name = file === '-' ? 'standard input' : file;
    throw new RainbowError(error.code, `${name}: ${error.message}`, { cause: error });
  }
}

/** Writes all or nothing, readable for its owner alone unless `mode` says otherwise. */
export async function writeOutput(path: string, text: string, mode = 0o600): Promise<void> {
  const draft = `${path}.${process.pid}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(draft, text, { mode });
    await rename(draft, path);
  } catch (error) {
    throw new RainbowError('failed_precondition', `cannot write ${path}: ${words(error)}`, { cause: error });
  }
}
