/**
 * The user key: who owns the jobs that are submitted from here (docs/authentication.md). Made on first use, kept in
 * the user's configuration folder for the user alone; RAINBOW_KEY overrides.
 */
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RainbowError } from '../core/errors.ts';
import { configFolder } from './folders.ts';
import type { Io } from './io.ts';

const KEY = /^rbu_[A-Za-z0-9_-]{43}$/;

/** Errors: `invalid_input` where what is there is no key, `failed_precondition` where it cannot be kept. */
export async function userKey(io: Io): Promise<string> {
  const given = io.env['RAINBOW_KEY'];
  if (given !== undefined && given !== '') return checkKey(given, 'RAINBOW_KEY');
  const file = join(configFolder(io.env), 'key');
  const there = await readKey(file);
  if (there !== null) return there;

  const key = `rbu_${Buffer.from(io.system.entropy.bytes(32)).toString('base64url')}`;
  const draft = `${file}.${process.pid}.part`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(draft, `${key}\n`, { mode: 0o600 });
    // Unlike a rename, a link does not replace: of two that begin at once, one key wins, for both.
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } catch (error) {
    throw new RainbowError(
      'failed_precondition',
      `your user key cannot be kept in ${file} (${(error as Error).message}); make that folder writable, or set RAINBOW_KEY`,
      { cause: error },
    );
  } finally {
    await rm(draft, { force: true });
  }
  return (await readKey(file)) ?? key;
}

async function readKey(file: string): Promise<string | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new RainbowError(
      'failed_precondition',
      `your user key in ${file} cannot be read: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
  return checkKey(text.trim(), file);
}

function checkKey(key: string, where: string): string {
  if (KEY.test(key)) return key;
  throw new RainbowError(
    'invalid_input',
    `${where} holds no user key: a key is rbu_ and 43 letters, digits, - or _. Remove it, and a new one is made (jobs of the old one are then not yours any more)`,
  );
}
