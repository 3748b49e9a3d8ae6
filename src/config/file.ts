/** Configuration files on the disk: read as located YAML, written whole or not at all, for their owner alone. */
import { mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RainbowError } from '../core/errors.ts';

/** The text; null where there is no such file. Throws `failed_precondition` where it cannot be read. */
export async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw new RainbowError('failed_precondition', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Written beside the file, then renamed over it, with mode 0600: a reader sees the old file or the new one. What a
 * symbolic link leads to is replaced, not the link. Throws `failed_precondition`.
 */
export async function writePrivately(path: string, text: string): Promise<void> {
  let draft: string | null = null;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const target = await realpath(path).catch(() => path);
    draft = join(dirname(target), `.${basename(target)}.${process.pid}.part`);
    await rm(draft, { force: true });
    await writeFile(draft, text, { mode: 0o600, flag: 'wx', flush: true });
    await rename(draft, target);
  } catch (error) {
    if (draft !== null) await rm(draft, { force: true }).catch(() => undefined);
    throw new RainbowError('failed_precondition', `${path} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}

/** Says which file an error is about. */
export function inFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RainbowError)) throw error;
    throw new RainbowError(error.code, `${path}: ${error.message}`, { cause: error });
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
