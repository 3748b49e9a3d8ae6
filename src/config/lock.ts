/**
 * One writer of a configuration file at a time: several agents that register at once each read the file, add their own
 * secret and write it back, and a secret that is overwritten is shown nowhere again. The lock is a file beside it, made
 * exclusively; it is held for some milliseconds, so one that stays is a dead process's and is taken away. Where none
 * can be made (a folder that is not writable) the action goes on without, and says itself what it cannot do.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { System } from '../system/system.ts';

const LEFT_OVER_MS = 5_000;
const PAUSE_MS = 20;

export async function whileLocked<T>(
  system: System,
  path: string,
  action: () => Promise<T>,
  { leftOverMs = LEFT_OVER_MS }: { readonly leftOverMs?: number } = {},
): Promise<T> {
  const target = await realpath(path).catch(() => path);
  const lock = `${target}.lock`;
  const mine = `${process.pid} ${randomBytes(8).toString('hex')}\n`;
  const isHeld = await take(system, lock, mine, leftOverMs);
  try {
    return await action();
  } finally {
    if (isHeld && (await read(lock)) === mine) await rm(lock, { force: true });
  }
}

/** Resolves to whether it was taken; false where it cannot be made at all. */
async function take(system: System, lock: string, mine: string, leftOverMs: number): Promise<boolean> {
  let seen: string | null = null;
  let since = system.clock.monotonic();
  for (;;) {
    try {
      await mkdir(dirname(lock), { recursive: true, mode: 0o700 });
      await writeFile(lock, mine, { flag: 'wx', mode: 0o600 });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
    }
    const found = await read(lock);
    if (found !== seen) {
      seen = found;
      since = system.clock.monotonic();
    } else if (found !== null && system.clock.monotonic() - since > leftOverMs) {
      await takeAway(lock, found);
    }
    await new Promise((resolve) => system.timers.after(PAUSE_MS, () => resolve(undefined)));
  }
}

/** Renamed, not removed: whoever renames it first has it, and can see that it is still the one that was left over. */
async function takeAway(lock: string, found: string): Promise<void> {
  const grave = `${lock}.${randomBytes(4).toString('hex')}`;
  try {
    await rename(lock, grave);
  } catch {
    return;
  }
  if ((await read(grave)) !== found) await rename(grave, lock).catch(() => undefined);
  await rm(grave, { force: true });
}

async function read(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch(() => null);
}
