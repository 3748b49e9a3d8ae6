/**
 * What of a sandbox is to come back: plain files that match, within the limits, read once for their digests. The job
 * may have left anything there, and may still have processes that change it: links are not followed, nothing outside is
 * read (sandbox/open-inside.ts), and what cannot be brought is said instead.
 */
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { whyNoPath, whyTooLarge, type FileLimits } from '../../core/staging/manifest.ts';
import { matches, mayLead, readPatterns, type Pattern } from '../../core/staging/pattern.ts';
import { sizeText } from '../../core/staging/size.ts';
import { measure } from '../../sandbox/measure.ts';
import { NotInside, openInside } from '../../sandbox/open-inside.ts';
import type { LocalFile } from '../../sandbox/send.ts';

/** Names that are looked at; a folder deeper than this is not. */
const MOST_NAMES = 200_000;
const MOST_DEPTH = 64;
const MOST_NOTES = 50;

export interface FoundFiles {
  readonly files: readonly LocalFile[];
  /** What cannot be brought back, and why. */
  readonly notes: readonly string[];
}

/** `uid`: whose files count; null: anybody's. Where the sandbox is gone: nothing, and a note. */
export async function findFiles(
  sandbox: string,
  out: readonly string[],
  limits: FileLimits,
  uid: number | null,
): Promise<FoundFiles> {
  const notes = createNotes();
  const root = await realpath(sandbox).catch(() => null);
  if (root === null) return { files: [], notes: ['the folder of its files is not there any more'] };
  const patterns = readPatterns(out, 'stage_out');
  const files: LocalFile[] = [];
  const matched = new Set<Pattern>();
  let bytes = 0;

  for await (const path of walk(root, patterns, notes.add)) {
    const by = patterns.filter((pattern) => matches(pattern, path));
    if (by.length === 0) continue;
    for (const pattern of by) matched.add(pattern);
    const why = whyNoPath(path);
    if (why !== null) {
      notes.add(`${JSON.stringify(path)} ${why}`);
      continue;
    }
    if (files.length >= limits.files) {
      notes.add(`${path}: a job brings at most ${limits.files} files back`);
      continue;
    }
    try {
      const handle = await openInside(root, path, uid);
      const { size } = await handle.stat();
      const large = whyTooLarge(size, limits) ?? whyTooMuch(bytes + size, limits);
      if (large !== null) {
        await handle.close();
        notes.add(`${path} ${large}`);
        continue;
      }
      const entry = await measure(path, handle, Math.min(limits.fileBytes, limits.bytes - bytes));
      if (entry === null) {
        notes.add(`${path} still grows`);
        continue;
      }
      bytes += entry.size;
      files.push({ entry, open: () => openInside(root, path, uid) });
    } catch (error) {
      if (!(error instanceof NotInside)) throw error;
      notes.add(`${path} ${error.message}`);
    }
  }
  for (const pattern of patterns) if (!matched.has(pattern)) notes.add(`nothing matches ${pattern.text}`);
  return { files, notes: notes.all() };
}

function whyTooMuch(bytes: number, limits: FileLimits): string | null {
  return bytes <= limits.bytes ? null : `does not fit: a job brings at most ${sizeText(limits.bytes)} back in all`;
}

/** Paths of everything that is no folder, in order of names. */
async function* walk(root: string, patterns: readonly Pattern[], note: (text: string) => void): AsyncGenerator<string> {
  const waiting: { readonly path: string; readonly depth: number }[] = [{ path: '', depth: 0 }];
  let names = 0;
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const { path, depth } = folder;
    const found = await readdir(join(root, path), { withFileTypes: true }).catch((error: unknown) => {
      note(`${path === '' ? 'its folder' : path} cannot be read: ${(error as Error).message}`);
      return [];
    });
    found.sort((a, b) => (a.name < b.name ? -1 : 1));
    const folders: string[] = [];
    for (const each of found) {
      names += 1;
      if (names > MOST_NAMES) {
        note(`only the first ${MOST_NAMES} names in its folder were looked at`);
        return;
      }
      const inner = path === '' ? each.name : `${path}/${each.name}`;
      if (!each.isDirectory()) yield inner;
      else if (patterns.some((pattern) => mayLead(pattern, inner))) {
        if (depth + 1 < MOST_DEPTH) folders.push(inner);
        else note(`${inner} is too deep: folders are looked at down to the ${MOST_DEPTH}th`);
      }
    }
    for (const each of folders.reverse()) waiting.push({ path: each, depth: depth + 1 });
  }
}

function createNotes(): { readonly add: (text: string) => void; readonly all: () => readonly string[] } {
  const notes: string[] = [];
  let more = 0;
  return {
    add(text) {
      if (notes.length < MOST_NOTES) notes.push(text);
      else more += 1;
    },
    all: () => (more === 0 ? notes : [...notes, `and ${more} more`]),
  };
}
