/**
 * A job's files, brought to a new folder of its own before it is submitted. Nothing is taken over from an earlier try:
 * what is there without its mark is removed first, and every digest is looked at as it comes. The mark is written last,
 * durably; from then on the folder may be a native job's, and is never touched again before that job is forgotten.
 */
import { constants } from 'node:fs';
import { chmod, chown, copyFile, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RainbowError } from '../../core/errors.ts';
import { bytesIn, checkManifest, type FileEntry } from '../../core/staging/manifest.ts';
import { createInside } from '../../sandbox/open-inside.ts';
import { distinct, receiveFiles } from '../../sandbox/receive.ts';
import { syncDirectory, writeDurably } from '../runners/process/files.ts';
import { removeTree } from '../remove-as.ts';
import { placeOf, type Place, type SandboxOwner } from './order.ts';
import type { Transfer } from './transfer.ts';

/** Contents in one call: after a break no more than these come again. */
const AT_ONCE = 500;

/** Throws RainbowError: `unavailable` = try again; `failed_precondition` = not on this cluster. */
export async function stageIn(parts: Transfer): Promise<void> {
  const { order, folder } = parts;
  const place = placeOf(folder, order);
  if (await isThere(place.mark)) return;
  if (parts.owner !== null) await checkWay(folder, parts.owner);
  try {
    await removeTree(place.dir);
    // Others find the way to their sandbox, and see nothing else.
    await mkdir(place.dir, { recursive: true, mode: 0o711 });
    await chmod(place.dir, 0o711);
    await mkdir(place.sandbox, { mode: 0o700 });
    await parts.reached('sandboxMade', order);
    if ((order.staging?.files ?? 0) > 0) await bring(parts, place);
    await give(parts, place.sandbox);
    await writeDurably(place.mark, '');
    await syncDirectory(folder);
    await parts.reached('staged', order);
  } catch (error) {
    throw inWords(error, folder);
  }
}

async function bring(parts: Transfer, { sandbox }: Place): Promise<void> {
  const { client, holder, order, signal } = parts;
  // 1. Which files.
  const entries: FileEntry[] = [];
  for await (const { files } of client.list({ holder, stageIn: true }, { signal })) {
    for (const { path, size, executable, sha256 } of files)
      entries.push({ path, size: Number(size), executable, sha256 });
  }
  const { files = 0, bytes = 0 } = order.staging ?? {};
  const limits = { files, bytes, fileBytes: bytes };
  const listed = checkManifest(entries, limits, 'the list of its files');
  if (listed.length !== files || bytesIn(listed) !== bytes) {
    throw new RainbowError('unavailable', `the server lists ${listed.length} of its ${files} files`);
  }
  // 2. Folders, those above first.
  const folders = new Set<string>();
  for (const { path } of listed) {
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) folders.add(path.slice(0, end));
  }
  for (const path of [...folders].sort()) {
    await mkdir(join(sandbox, path), { mode: 0o755 });
    await give(parts, join(sandbox, path));
  }
  // 3. Contents, each once; files that share one are copied.
  const byDigest = Map.groupBy(listed, ({ sha256 }) => sha256);
  const contents = distinct(listed);
  for (let from = 0; from < contents.length; from += AT_ONCE) {
    const wanted = contents.slice(from, from + AT_ONCE);
    const asked = { holder, jobId: order.jobId, sha256: wanted.map(({ sha256 }) => sha256) };
    await receiveFiles(client.download(asked, { signal }), wanted, {
      create: (entry) => createInside(sandbox, entry.path),
      async done(entry, handle) {
        if (parts.owner !== null) await handle.chown(parts.owner.uid, parts.owner.gid);
        await handle.chmod(modeOf(entry));
        const first = join(sandbox, entry.path);
        for (const other of byDigest.get(entry.sha256) ?? []) {
          if (other.path === entry.path) continue;
          const path = join(sandbox, other.path);
          await copyFile(first, path, constants.COPYFILE_EXCL);
          await give(parts, path);
          await chmod(path, modeOf(other));
        }
        await parts.reached('filePlaced', order);
      },
    });
  }
}

function modeOf({ executable }: FileEntry): number {
  return executable ? 0o755 : 0o644;
}

async function give({ owner }: Transfer, path: string): Promise<void> {
  if (owner !== null) await chown(path, owner.uid, owner.gid);
}

/** Another user's job gets nowhere behind a folder that is closed to him, and would only say that it cannot start. */
async function checkWay(folder: string, owner: SandboxOwner): Promise<void> {
  for (let path = folder; ; path = dirname(path)) {
    const { mode, uid, gid } = await stat(path);
    const bit = uid === owner.uid ? 0o100 : gid === owner.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) {
      throw new RainbowError(
        'failed_precondition',
        `its files would be in ${folder}, and ${path} is closed to the user that jobs run as (uid ${owner.uid}): ` +
          "open it (chmod o+x), or choose another folder with the agent's --sandboxes",
      );
    }
    if (path === dirname(path)) return;
  }
}

export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function inWords(error: unknown, folder: string): unknown {
  if (error instanceof RainbowError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (!/^E[A-Z]+$/.test(code)) return error;
  const words =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? `there is no room for its files in ${folder}`
      : `its files cannot be written in ${folder} (${message})`;
  return new RainbowError('failed_precondition', `${words}: the agent's --sandboxes names another folder`, {
    cause: error,
  });
}

/** Made where it is missing. Throws `failed_precondition`, naming what to do. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    for (const path of [dirname(folder), folder]) {
      await mkdir(path, { recursive: true, mode: 0o711 });
    }
    await chmod(folder, 0o711);
  } catch (error) {
    throw new RainbowError(
      'failed_precondition',
      `the folder for files that travel with jobs cannot be used: ${(error as Error).message}; choose another with --sandboxes, one that the nodes see`,
      { cause: error },
    );
  }
}
