/**
 * Files of a job into a folder here: first everything into a folder of its own beside them, every digest looked at, then
 * each to its place, whole. Nothing that is there is overwritten unless that is asked for, and no link that is there is
 * written through. What is there with the very same bytes counts as fetched.
 */
import { chmod, copyFile, link, lstat, mkdir, mkdtemp, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RainbowError } from '../core/errors.ts';
import { checkManifest, type FileEntry } from '../core/staging/manifest.ts';
import { measure } from '../sandbox/measure.ts';
import { createInside, openInside } from '../sandbox/open-inside.ts';
import { distinct, receiveFiles } from '../sandbox/receive.ts';

/** Contents in one call. */
const AT_ONCE = 500;
const MOST_TOLD = 5;
const ANY = { files: Infinity, bytes: Infinity, fileBytes: Infinity };

export interface Fetch {
  readonly files: readonly FileEntry[];
  /** Made where it is missing. */
  readonly to: string;
  readonly force: boolean;
  /** Contents of these digests, in this order. */
  readonly download: (digests: string[]) => AsyncIterable<{ readonly sha256: string; readonly data: Uint8Array }>;
  /** A file has come. */
  readonly told: (path: string) => void;
  /** Runs it again where the connection broke; what has come stays. */
  readonly overBreaks: (attempt: () => Promise<void>) => Promise<void>;
}

/** Throws `already_exists` before anything is fetched. Answers the paths that were written. */
export async function fetchFiles(fetch: Fetch): Promise<readonly string[]> {
  // A server is not trusted with where files go.
  const files = checkManifest(fetch.files, ANY, 'the list of its files');
  await mkdir(fetch.to, { recursive: true });
  const root = await realpath(fetch.to);
  const wanted = await stillWanted(root, files, fetch);
  if (wanted.length === 0) return [];
  const aside = await mkdtemp(join(root, '.rainbow-fetch-'));
  try {
    // 1. All of it, beside its place.
    const come = new Set<string>();
    await fetch.overBreaks(async () => {
      const contents = distinct(wanted).filter(({ sha256 }) => !come.has(sha256));
      for (let from = 0; from < contents.length; from += AT_ONCE) {
        const some = contents.slice(from, from + AT_ONCE);
        await receiveFiles(fetch.download(some.map(({ sha256 }) => sha256)), some, {
          async create({ sha256 }) {
            await rm(join(aside, sha256), { force: true });
            return createInside(aside, sha256);
          },
          async done({ sha256, path }) {
            come.add(sha256);
            fetch.told(path);
          },
        });
      }
    });
    // 2. Each to its place.
    for (const entry of wanted) await place(root, aside, entry, fetch.force);
    return wanted.map(({ path }) => path);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function stillWanted(
  root: string,
  files: readonly FileEntry[],
  { force, to }: Fetch,
): Promise<readonly FileEntry[]> {
  const wanted: FileEntry[] = [];
  const there: string[] = [];
  for (const entry of files) {
    await checkFolders(root, entry.path);
    const found = await lstat(join(root, entry.path)).catch(() => null);
    if (found === null) wanted.push(entry);
    else if (found.isDirectory()) {
      throw new RainbowError(
        'already_exists',
        `${join(to, entry.path)} is a folder here, and a file of the job: choose another folder with --to`,
      );
    } else if (!(found.isFile() && (await isSame(root, entry)))) {
      if (force) wanted.push(entry);
      else there.push(entry.path);
    }
  }
  if (there.length === 0) return wanted;
  const told = there.slice(0, MOST_TOLD).map((path) => `\n  ${join(to, path)}`);
  const more = there.length > MOST_TOLD ? `\n  and ${there.length - MOST_TOLD} more` : '';
  throw new RainbowError(
    'already_exists',
    `nothing was fetched, because files with other contents are there already:${told.join('')}${more}\n--force overwrites them; --to names another folder.`,
  );
}

/** Folders on the way that are there are folders, and no links. */
async function checkFolders(root: string, path: string): Promise<void> {
  for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
    const folder = join(root, path.slice(0, end));
    const found = await lstat(folder).catch(() => null);
    if (found === null) return;
    if (!found.isDirectory()) {
      throw new RainbowError(
        'already_exists',
        `${folder} is no folder here, and the job has files in one of that name: choose another folder with --to`,
      );
    }
  }
}

async function isSame(root: string, entry: FileEntry): Promise<boolean> {
  try {
    const found = await measure(entry.path, await openInside(root, entry.path, null), entry.size);
    return found !== null && found.sha256 === entry.sha256;
  } catch {
    return false;
  }
}

async function place(root: string, aside: string, entry: FileEntry, force: boolean): Promise<void> {
  const target = join(root, entry.path);
  await mkdir(dirname(target), { recursive: true });
  await checkFolders(root, entry.path);
  // Several files may share one content: each is a file of its own.
  const own = join(aside, 'one');
  await copyFile(join(aside, entry.sha256), own);
  await chmod(own, (entry.executable ? 0o777 : 0o666) & ~process.umask());
  if (force) return rename(own, target);
  try {
    await link(own, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new RainbowError('already_exists', `${target} came to be there meanwhile; --force overwrites it`, {
      cause: error,
    });
  }
  await rm(own);
}
