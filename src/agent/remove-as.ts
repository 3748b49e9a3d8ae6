/**
 * Removes a folder of a job's, with what the job's user made in it. An agent that is root removes nothing of another
 * user's with its own rights: what still runs of his could turn a directory into a link meanwhile. What is below a
 * directory of his is removed as he, and then the empty directory, which never follows a link.
 * Limits: what he cannot remove himself stays, and is said; so does what he keeps from being removed for long.
 */
import { spawn } from 'node:child_process';
import { chmod, lstat, readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** His own processes may stop the one that removes: nothing waits longer for it. */
const MOST_MS = 30_000;
/** What may belong to nobody in particular; never root's group. */
const NO_GROUP = 65_534;
/** A job may have left directories that it may not write to. */
const EMPTY = 'find . -mindepth 1 -delete 2>/dev/null || { chmod -R u+rwX . && find . -mindepth 1 -delete; }';

/**
 * `path`: nobody else may change the folder that it is in. Nothing there: nothing to do. Throws where something stays,
 * as the system says it (ENOTEMPTY, EACCES).
 */
export async function removeTree(path: string): Promise<void> {
  const found = await unlessAbsent(lstat(path));
  if (found === undefined) return;
  if (!found.isDirectory()) {
    await unlessAbsent(unlink(path));
    return;
  }
  const own = process.geteuid?.() ?? found.uid;
  if (found.uid === own) {
    try {
      await emptyOwn(path);
    } catch (error) {
      // Deeper than a path may be long, for one. Root does nothing below it but this.
      if (own === 0) throw error;
      await emptyAs(path, null);
    }
  } else if (own === 0) {
    // He may have closed it to himself.
    await chmod(path, 0o700);
    await emptyAs(path, { uid: found.uid, gid: found.gid });
  }
  await unlessAbsent(rmdir(path));
}

/** Closed to all others first: from then on nobody else exchanges what is in it. */
async function emptyOwn(path: string): Promise<void> {
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const below = join(path, entry.name);
    if (entry.isDirectory()) await removeTree(below);
    else await unlessAbsent(unlink(below));
  }
}

/** Whether it became empty, the directory's own removal tells. Null: as ourselves. */
async function emptyAs(path: string, user: { readonly uid: number; readonly gid: number } | null): Promise<void> {
  const as = user === null ? {} : { uid: user.uid, gid: user.gid === 0 ? NO_GROUP : user.gid };
  await new Promise<void>((done) => {
    // He can read the environment of what runs as he: nothing of ours is in it.
    const env = { PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin' };
    spawn('/bin/sh', ['-c', EMPTY], { cwd: path, env, stdio: 'ignore', timeout: MOST_MS, killSignal: 'SIGKILL', ...as })
      .once('error', () => done())
      .once('exit', () => done());
  });
}

async function unlessAbsent<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
