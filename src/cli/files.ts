/** Reading and writing the files that a command is given; `-` is standard input. Errors say which file and what to do. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RainbowError } from '../core/errors.ts';
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

export async function readInput(io: Io, path: string): Promise<string> {
  if (path === '-') return io.readStdin();
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new RainbowError('not_found', `cannot read ${path}: ${words(error)}`, { cause: error });
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
