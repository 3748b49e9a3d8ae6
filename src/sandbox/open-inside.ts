/**
 * Files below a folder, opened so that nothing outside of it is ever read or written, whoever else can change what is in
 * it: no link is followed, not as the file and not on the way to it, and a pipe is not waited for.
 * Where the system says what a descriptor stands for (/proc), that is what counts, so a folder that is exchanged for a
 * link at the last moment is seen; elsewhere the folders on the way are looked at one by one.
 */
import { constants } from 'node:fs';
import { lstat, open, readlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** Why it was not opened, in words. */
export class NotInside extends Error {}

/**
 * A plain file for reading. `root`: absolute, without links; `path`: relative, checked (core/staging/manifest.ts).
 * `uid`: whose it must be; null: anybody's. Throws NotInside.
 */
export async function openInside(root: string, path: string, uid: number | null): Promise<FileHandle> {
  const whole = join(root, path);
  let handle: FileHandle;
  try {
    handle = await open(whole, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw new NotInside(wordsOf(error), { cause: error });
  }
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new NotInside('is no plain file');
    if (uid !== null && found.uid !== uid) throw new NotInside('belongs to another user');
    await checkPlace(handle, root, path);
    return handle;
  } catch (error) {
    await handle.close();
    throw error instanceof NotInside ? error : new NotInside(wordsOf(error), { cause: error });
  }
}

/** A new file for writing, for its owner alone; the folders on the way are there. Throws where something has its name. */
export async function createInside(root: string, path: string): Promise<FileHandle> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const handle = await open(join(root, path), flags, 0o600);
  try {
    await checkPlace(handle, root, path);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function checkPlace(handle: FileHandle, root: string, path: string): Promise<void> {
  const stands = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => null);
  if (stands !== null) {
    if (stands !== join(root, path)) throw new NotInside('a link on the way to it leads elsewhere');
    return;
  }
  for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
    const folder = await lstat(join(root, path.slice(0, end)));
    if (!folder.isDirectory()) throw new NotInside('a link on the way to it leads elsewhere');
  }
}

function wordsOf(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'is not there any more';
    case 'ELOOP':
      return 'is a symbolic link, and none is followed';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read';
    case 'ENXIO':
      return 'is no plain file';
    default:
      return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}
