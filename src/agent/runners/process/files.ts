/**
 * A job's files, and how they are written: whole or not at all, and durably where a restart depends on them.
 * `jobs/ID.EPOCH/` belongs to the agent: order.json, start.json, job.sh, shim, claimed.json, stop, end.json.
 * `jobs/ID.EPOCH/run/` belongs to the user whom the job runs as: claim, out.RANK, err.RANK, cannot.RANK, end, scratch.
 * Nothing in `run/` is trusted: links are not followed, and only plain files of that user are read. What he closes to
 * the agent is opened again; of an agent's own user that may be all of a job's directory.
 */
import { constants } from 'node:fs';
import { chmod, lstat, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface JobFiles {
  readonly dir: string;
  readonly order: string;
  readonly start: string;
  readonly script: string;
  readonly shim: string;
  readonly seenClaim: string;
  readonly stop: string;
  readonly verdict: string;
  readonly run: string;
  readonly scratch: string;
  readonly claim: string;
  readonly end: string;
}

export function filesOf(jobsDir: string, key: string): JobFiles {
  const dir = join(jobsDir, key);
  const run = join(dir, 'run');
  return {
    dir,
    order: join(dir, 'order.json'),
    start: join(dir, 'start.json'),
    script: join(dir, 'job.sh'),
    shim: join(dir, 'shim'),
    seenClaim: join(dir, 'claimed.json'),
    stop: join(dir, 'stop'),
    verdict: join(dir, 'end.json'),
    run,
    scratch: join(run, 'scratch'),
    claim: join(run, 'claim'),
    end: join(run, 'end'),
  };
}

export function outputFile(files: JobFiles, task: number, stream: 'stdout' | 'stderr'): string {
  return join(files.run, `${stream === 'stdout' ? 'out' : 'err'}.${task}`);
}

/** By rename, synced: after this resolves the file is there, whole, after a power cut too. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const aside = `${path}.new`;
  await rm(aside, { force: true });
  const handle = await open(aside, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(aside, path);
  await syncDirectory(dirname(path));
}

export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Gives the agent back its rights to what a job closed: `run/`, and, where the job's user is its own, the directory above
 * with the agent's files in it. An agent of root's keeps another user from exchanging `run/` for a link: the directory that
 * it is in is root's.
 */
export async function reopen(files: JobFiles): Promise<void> {
  const own = process.geteuid?.();
  const { dir, order, start, seenClaim, stop, verdict, run } = files;
  for (const path of [dir, order, start, seenClaim, stop, verdict, run]) {
    const found = await lstat(path).catch((error: unknown) => {
      if (isAbsent(error)) return null;
      throw error;
    });
    const isOurs = found?.uid === own || (own === 0 && path === run);
    if (found === null || !isOurs) continue;
    const least = found.isDirectory() ? 0o700 : found.isFile() ? 0o600 : 0;
    if ((found.mode & least) !== least) await chmod(path, (found.mode & 0o7777) | least);
  }
}

/** What `act` answers; where a job closed what that needs, after opening it. */
export async function reopening<T>(files: JobFiles, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!isClosed(error)) throw error;
    await reopen(files);
    return act();
  }
}

/** A plain file of that user, opened for reading without following a link or waiting at a pipe; null: none such. */
export async function openUntrusted(path: string, uid: number): Promise<FileHandle | null> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isAbsent(error)) return null;
    // Its owner closed it alone: it says nothing. Where the directory is closed, `lstat` throws.
    if (isClosed(error) && (await lstat(path)).isFile()) return null;
    throw error;
  }
  const found = await handle.stat();
  // Two names: a shim's claim keeps its own beside the one that counts.
  if (found.isFile() && found.uid === uid && found.nlink <= 2) return handle;
  await handle.close();
  return null;
}

/** At most `limit` bytes; null where there is no such plain file. */
export async function readUntrusted(
  path: string,
  uid: number,
  limit = 4 << 20,
): Promise<{ readonly text: string; readonly modifiedAt: number } | null> {
  const handle = await openUntrusted(path, uid);
  if (handle === null) return null;
  try {
    const { size, mtimeMs } = await handle.stat();
    const bytes = Buffer.alloc(Math.min(size, limit));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return { text: bytes.toString('utf8', 0, bytesRead), modifiedAt: Math.trunc(mtimeMs) };
  } finally {
    await handle.close();
  }
}

/** JSON of the agent's own making; null where it is absent or was never finished. */
export async function readOwnJson<T>(path: string): Promise<T | null> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
  try {
    return JSON.parse(await handle.readFile('utf8')) as T;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  } finally {
    await handle.close();
  }
}

/** Keys of the jobs that are there; directories that were never finished are left out. */
export async function listKeys(jobsDir: string): Promise<readonly string[]> {
  return (await readdir(jobsDir)).filter((name) => /^\d+\.\d+$/.test(name));
}

function isClosed(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EACCES';
}

/** Not there, a link where none may be, or a directory above it gone. */
export function isAbsent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR' || code === 'ENXIO';
}
