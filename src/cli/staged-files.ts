/**
 * The files of `--stage-in`: a file goes into the job's folder under its own name, a folder with all in it under its
 * own, `folder/` (and `.`) without it. Everything is looked at before anything is sent: what is not there, what is no
 * plain file, links that lead out of what was named, two files for one place.
 */
import { constants } from 'node:fs';
import { open, readdir, realpath, stat, type FileHandle } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { RainbowError } from '../core/errors.ts';
import { bytesIn, whyNoPath, whyTooLarge, type FileEntry, type FileLimits } from '../core/staging/manifest.ts';
import { sizeText } from '../core/staging/size.ts';
import { measure } from '../sandbox/measure.ts';
import type { LocalFile } from '../sandbox/send.ts';

/** More names than any server takes. */
const MOST_NAMES = 200_000;
const MOST_TOLD = 5;

export interface FoundFile {
  /** In the job's folder. */
  readonly path: string;
  /** Here; absolute, no link. */
  readonly source: string;
  readonly size: number;
}

/** In order of paths. Throws `not_found` or `invalid_input`, naming all that is wrong (a few of many). */
export async function findStaged(named: readonly string[]): Promise<readonly FoundFile[]> {
  const found = new Map<string, FoundFile>();
  const wrong: string[] = [];
  let missing = 0;
  const add = (file: FoundFile): void => {
    const why = whyNoPath(file.path);
    const other = found.get(file.path);
    if (why !== null) wrong.push(`${file.source}: its place ${JSON.stringify(file.path)} ${why}`);
    else if (other !== undefined && other.source !== file.source) {
      wrong.push(
        `${other.source} and ${file.source} would both be ${file.path}: rename one, or stage the folder above them`,
      );
    }
    if (found.size >= MOST_NAMES)
      throw new RainbowError('resource_exhausted', `--stage-in: more than ${MOST_NAMES} files`);
    found.set(file.path, file);
  };
  for (const path of named) {
    const source = await realpath(path).catch(() => null);
    if (source === null) {
      missing += 1;
      wrong.push(`${path}: there is no such file or folder`);
      continue;
    }
    const { size, ...kind } = await kindOf(source);
    if (kind.is === 'file') add({ path: basename(resolve(path)), source, size });
    else if (kind.is === 'folder') await addFolder(source, placeOf(path), add, wrong);
    else wrong.push(`${path} is no plain file`);
  }
  if (wrong.length === 0) return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const told = wrong.slice(0, MOST_TOLD).map((each) => `\n  ${each}`);
  const more = wrong.length > MOST_TOLD ? `\n  and ${wrong.length - MOST_TOLD} more` : '';
  throw new RainbowError(
    missing === wrong.length ? 'not_found' : 'failed_precondition',
    `--stage-in: nothing was submitted:${told.join('')}${more}`,
  );
}

/** '' where only what is in it is meant. */
function placeOf(path: string): string {
  return path.endsWith('/') || basename(path) === '.' ? '' : basename(resolve(path));
}

async function kindOf(path: string): Promise<{ readonly is: 'file' | 'folder' | 'other'; readonly size: number }> {
  const found = await stat(path);
  return { is: found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other', size: found.size };
}

async function addFolder(root: string, place: string, add: (file: FoundFile) => void, wrong: string[]): Promise<void> {
  const waiting = [''];
  let names = 0;
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    let entries;
    try {
      entries = await readdir(join(root, folder), { withFileTypes: true });
    } catch (error) {
      wrong.push(`${join(root, folder)} cannot be read: ${(error as Error).message}`);
      continue;
    }
    for (const each of entries) {
      names += 1;
      if (names > MOST_NAMES)
        throw new RainbowError('resource_exhausted', `--stage-in: more than ${MOST_NAMES} names in ${root}`);
      const inner = folder === '' ? each.name : `${folder}/${each.name}`;
      const source = join(root, inner);
      if (each.isDirectory()) {
        waiting.push(inner);
        continue;
      }
      const path = place === '' ? inner : `${place}/${inner}`;
      const real = each.isSymbolicLink() ? await realpath(source).catch(() => null) : source;
      if (real === null) wrong.push(`${source} is a link to nothing`);
      else if (!isInside(root, real))
        wrong.push(`${source} is a link that leads out of ${root}, to ${real}: stage that by itself`);
      else {
        const { is, size } = await kindOf(real);
        if (is === 'file') add({ path, source: real, size });
        else
          wrong.push(
            `${source} is ${is === 'folder' ? 'a link to a folder: stage that folder by itself' : 'no plain file'}`,
          );
      }
    }
  }
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`);
}

/** Their digests. Throws `resource_exhausted` with limit and size before any is read, `aborted` where one changes. */
export async function measureAll(
  found: readonly FoundFile[],
  limits: FileLimits,
  told: (path: string) => void,
): Promise<readonly LocalFile[]> {
  if (found.length > limits.files) {
    throw tooMuch(`${found.length} files are more than a job may have on this server; at most ${limits.files}`);
  }
  for (const { source, size } of found) {
    const why = whyTooLarge(size, limits);
    if (why !== null) throw tooMuch(`${source} ${why} on this server`);
  }
  const all = bytesIn(found);
  if (all > limits.bytes) {
    throw tooMuch(
      `${sizeText(all)} are more than a job's files may have on this server; at most ${sizeText(limits.bytes)}`,
    );
  }
  const files: LocalFile[] = [];
  for (const { path, source, size } of found) {
    told(path);
    const entry = await measure(path, await openPlain(source), size);
    if (entry === null || entry.size !== size) {
      throw new RainbowError('aborted', `${source} changed while it was read: submit it again when it is complete`);
    }
    files.push({ entry, open: () => openPlain(source) });
  }
  return files;
}

async function openPlain(source: string): Promise<FileHandle> {
  const handle = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: unknown) => {
      throw new RainbowError('failed_precondition', `${source} cannot be read: ${(error as Error).message}`, {
        cause: error,
      });
    },
  );
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new RainbowError('failed_precondition', `${source} is no plain file any more`);
}

function tooMuch(message: string): RainbowError {
  return new RainbowError('resource_exhausted', `--stage-in: ${message}`);
}

/** What is to be sent with a submit. */
export function entriesOf(files: readonly LocalFile[]): (Omit<FileEntry, 'size'> & { size: string })[] {
  return files.map(({ entry }) => ({ ...entry, size: String(entry.size) }));
}
