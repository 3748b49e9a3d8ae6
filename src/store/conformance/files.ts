/** Files that travel with jobs: contents by digest, each owner's own, within a quota; lists; what goes when. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { FileEntry } from '../../core/staging/manifest.ts';
import type { FileRoom } from '../file-store.ts';
import type { Store } from '../store.ts';
import { change, errorFrom, moved, newJob, opened, register, submit, type Open } from './fixtures.ts';

const ADA = 'user:ada';
const QUOTA = { quota: 1000, unused: null };

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const content = (text: string) => ({ sha256: digest(text), data: bytes(text) });

function list(...files: [path: string, text: string][]): readonly FileEntry[] {
  return files.map(([path, text]) => ({ path, size: text.length, executable: false, sha256: digest(text) }));
}

async function setOf(store: Store, files: readonly FileEntry[], at = 10, owner = ADA): Promise<string> {
  const kept = await store.files.keepSet(owner, digest(JSON.stringify(files)), files, at);
  if (!('set' in kept)) throw new Error(`missing: ${kept.missing.join()}`);
  return kept.set;
}

async function read(store: Store, text: string, owner = ADA): Promise<string | null> {
  const pieces: Uint8Array[] = [];
  for (let number = 0; ; number++) {
    const piece = await store.files.piece(owner, digest(text), number);
    if (piece === null) return number === 0 ? null : Buffer.concat(pieces).toString();
    pieces.push(piece);
  }
}

const withFiles = (set: string) => ({ handling: { staging: { set, files: 1, bytes: 1, out: ['*'] } } });

export function fileConformance(open: Open): void {
  describe('files', () => {
    test('small contents are kept once, and are their owner’s alone', async () => {
      const store = await opened(open);
      await store.files.keepSmall(ADA, [content('one'), content('two'), content('one')], QUOTA, 1);
      await store.files.keepSmall(ADA, [content('two')], QUOTA, 1);
      expect(await store.files.used(ADA)).toBe(6);
      expect(await read(store, 'one')).toBe('one');
      expect(await read(store, 'one', 'user:eve')).toBe(null);
      const asked = ['one', 'three', 'two', 'three'].map(digest);
      expect(await store.files.missing(ADA, asked, 2)).toEqual([digest('three')]);
      expect(await store.files.missing('user:eve', asked, 2)).toHaveLength(3);
    });

    test('an empty content is a content', async () => {
      const store = await opened(open);
      await store.files.keepSmall(ADA, [content('')], QUOTA, 1);
      expect(await store.files.missing(ADA, [digest('')], 1)).toEqual([]);
      expect(await store.files.used(ADA)).toBe(0);
      await setOf(store, list(['empty', '']));
    });

    test('a large one comes in pieces, and is there once it is whole', async () => {
      const store = await opened(open);
      const blob = { owner: ADA, sha256: digest('abcd'), bytes: 4 };
      const id = (await store.files.begin(blob, QUOTA, 1))!;
      await store.files.append(id, 0, bytes('ab'), 1);
      expect(await read(store, 'abcd')).toBe(null);
      // Another that is faster.
      const other = (await store.files.begin(blob, QUOTA, 1))!;
      expect(await store.files.used(ADA)).toBe(8);
      await store.files.append(other, 0, bytes('abcd'), 1);
      await store.files.finish(other, 1);
      await store.files.append(id, 1, bytes('cd'), 1);
      await store.files.finish(id, 1);
      expect(await read(store, 'abcd')).toBe('abcd');
      expect(await store.files.used(ADA)).toBe(4);
      expect(await store.files.begin(blob, QUOTA, 1)).toBe(null);
      expect(await errorFrom(store.files.append(id, 2, bytes('x'), 1))).toMatchObject({ code: 'aborted' });
    });

    test('the quota holds, also where many come at once; what is refused costs nothing', async () => {
      const store = await opened(open);
      const big = 'x'.repeat(400);
      await store.files.keepSmall(ADA, [content(big)], QUOTA, 1);
      const refused = await errorFrom(
        store.files.keepSmall(ADA, [content('y'.repeat(300)), content('z'.repeat(301))], QUOTA, 1),
      );
      expect(refused.code).toBe('resource_exhausted');
      expect(refused.message).toMatch(/601 B more .* may have 1000 B, and have 400 B/);
      expect(await store.files.missing(ADA, [digest('y'.repeat(300))], 1)).toHaveLength(1);
      expect(await store.files.used(ADA)).toBe(400);
      const begun = await Promise.allSettled(
        Array.from({ length: 5 }, (_, i) =>
          store.files.begin({ owner: ADA, sha256: digest(`${i}`), bytes: 250 }, QUOTA, 1),
        ),
      );
      expect(begun.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
      for (const each of begun) if (each.status === 'fulfilled') await store.files.drop(each.value!);
      expect(await store.files.used(ADA)).toBe(400);
      await store.files.keepSmall('user:eve', [content(big)], { quota: 400, unused: null }, 1);
    });

    test('what no job names is bounded for all owners together, also where many come at once', async () => {
      const store = await opened(open);
      // Small ones count as 4 KiB each.
      const room = { quota: 1_000_000, unused: 5 * 4096 };
      await store.files.keepSmall(ADA, [content('one'), content('two')], room, 1);
      await store.files.keepSmall(ADA, [content('one')], room, 1);
      expect(await store.files.unused()).toBe(2 * 4096);
      const tries = await Promise.allSettled(
        Array.from({ length: 6 }, (_, i) =>
          i % 2 === 0
            ? store.files.keepSmall(`user:${i}`, [content(`${i}`)], room, 1)
            : store.files.begin({ owner: `user:${i}`, sha256: digest(`${i}`), bytes: 4096 }, room, 1),
        ),
      );
      expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
      const refused = await errorFrom(store.files.begin({ owner: 'user:eve', sha256: digest('x'), bytes: 9 }, room, 1));
      expect(refused.code).toBe('resource_exhausted');
      expect(refused.message).toMatch(/keeps 20 KiB of files that no job has .* and has 20 KiB;/);
      expect(await store.files.used('user:eve')).toBe(0);
      // In a list that no job has they count, once, as long as it does; with a job they do not.
      const set = await setOf(store, list(['a', 'one'], ['b', 'two'], ['c', 'one']));
      expect(await store.files.unused()).toBe(5 * 4096);
      await submit(store, withFiles(set));
      expect(await store.files.unused()).toBe(3 * 4096);
      await setOf(store, list(['only', 'one']));
      expect(await store.files.unused()).toBe(3 * 4096);
      await store.files.keepSmall('user:eve', [content('x')], room, 1);
      while ((await store.files.prune(99, 9)) > 0);
      expect(await store.files.unused()).toBe(0);
    });

    const MOST = 100 * 4096;
    const shared = (token: string, most = MOST / 4): FileRoom => ({
      quota: 1e9,
      unused: MOST,
      share: { sentWith: token, bytes: most },
    });
    /** `count` contents of 4 KiB each, the n-th named by its number. */
    const fill = (store: Store, token: string, count: number, at: number, from = 0, owner = `user:${token}`) =>
      store.files.keepSmall(
        owner,
        Array.from({ length: count }, (_, i) => content(`${token}${from + i}`)),
        shared(token, MOST),
        at,
      );
    const those = (token: string, count: number): string[] =>
      Array.from({ length: count }, (_, i) => digest(`${token}${i}`));
    const lost = async (store: Store, token: string, count: number, owner = `user:${token}`): Promise<number> =>
      (await store.files.missing(owner, those(token, count), 1_000)).length;

    test('of what no job names one owner, and one token, has a share, also where many come at once', async () => {
      const store = await opened(open);
      await store.files.keepSmall(ADA, [content('a'), content('b')], shared('one', 2 * 4096), 1);
      const byOwner = await errorFrom(store.files.keepSmall(ADA, [content('c')], shared('two', 2 * 4096), 1));
      expect(byOwner).toMatchObject({ code: 'resource_exhausted' });
      expect(byOwner.message).toMatch(/keeps 8 KiB .*, of one owner, and has 8 KiB/);
      const byToken = await errorFrom(
        store.files.begin({ owner: 'user:eve', sha256: digest('d'), bytes: 1, size: 9 }, shared('one', 2 * 4096), 1),
      );
      expect(byToken.message).toMatch(/keeps 8 KiB .*, of all who send with one token, and has 8 KiB/);
      const tries = await Promise.allSettled(
        Array.from({ length: 6 }, (_, i) =>
          store.files.keepSmall(`user:${i}`, [content(`${i}`)], shared('three', 2 * 4096), 1),
        ),
      );
      expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
      // Room that is taken while it comes counts as well; with a job it does not.
      const id = (await store.files.begin({ owner: 'user:f', sha256: digest('f'), bytes: 4096 }, shared('f'), 1))!;
      expect(await errorFrom(store.files.extend(id, 8192, shared('f', 8192), 1))).toMatchObject({
        code: 'resource_exhausted',
      });
      await store.files.extend(id, 4096, shared('f', 8192), 1);
      await submit(store, withFiles(await setOf(store, list(['a', 'a'], ['b', 'b']))));
      await store.files.keepSmall(ADA, [content('c')], shared('one', 2 * 4096), 1);
    });

    test('where the room is full, whoever has little takes the place of the oldest of the token that has most', async () => {
      const store = await opened(open);
      await fill(store, 'a', 25, 10);
      await fill(store, 'b', 50, 20);
      await fill(store, 'c', 25, 30);
      // A quarter is fair for the fourth, and no more.
      await fill(store, 'd', 10, 40);
      expect(await Promise.all(['a', 'b', 'c'].map((token) => lost(store, token, 25)))).toEqual([0, 10, 0]);
      await fill(store, 'd', 15, 50, 10);
      expect(await Promise.all(['a', 'c', 'd'].map((token) => lost(store, token, 25)))).toEqual([0, 0, 0]);
      expect(await lost(store, 'b', 50)).toBe(25);
      expect(await store.files.used('user:b')).toBe(25 * 3);
      expect((await errorFrom(fill(store, 'd', 1, 60, 25))).message).toMatch(/everybody together/);
      // Nor do those that were pushed out push others out in turn.
      for (const token of ['a', 'b', 'c']) {
        expect(await errorFrom(fill(store, token, 1, 70, 99))).toMatchObject({ code: 'resource_exhausted' });
      }
      expect(await store.files.unused()).toBe(MOST);
      expect(await Promise.all(['a', 'c', 'd'].map((token) => lost(store, token, 25)))).toEqual([0, 0, 0]);
    });

    test('a few tokens with any number of owners keep nobody out, however many come at once', async () => {
      const store = await opened(open);
      for (let i = 0; i < 20; i++) await fill(store, i % 2 === 0 ? 'a' : 'b', 5, i, 5 * i, `user:${i}`);
      const tries = await Promise.allSettled(
        ['c', 'd', 'e', 'f'].flatMap((token) => [fill(store, token, 10, 50), fill(store, token, 10, 50, 10)]),
      );
      expect(tries.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(4);
      // Of six a sixth is fair; what more there was when one came, he may lose again.
      for (const token of ['c', 'd', 'e', 'f']) expect(await lost(store, token, 20)).toBeLessThanOrEqual(10);
      expect(await store.files.unused()).toBeLessThanOrEqual(MOST);
    });

    test('what a job names, what is being written, and what came without a token is in nobody’s way', async () => {
      const store = await opened(open);
      await fill(store, 'a', 10, 10);
      const files = list(...Array.from({ length: 10 }, (_, i): [string, string] => [`f${i}`, `a${i}`]));
      await submit(store, withFiles(await setOf(store, files, 10, 'user:a')));
      const half = { owner: 'user:a', sha256: digest('half'), bytes: 60 * 4096 };
      const id = (await store.files.begin(half, shared('a', MOST), 10))!;
      await store.files.keepSmall('user:agent', [content('back')], { quota: 1e9, unused: null }, 10);
      await fill(store, 'a', 39, 20, 10);
      // Only what is whole goes, and all of it has to.
      await fill(store, 'b', 39, 30);
      expect(await lost(store, 'a', 10)).toBe(0);
      expect(await lost(store, 'a', 49)).toBe(39);
      expect((await errorFrom(fill(store, 'b', 1, 40, 39))).message).toMatch(/everybody together/);
      await store.files.append(id, 0, bytes('x'), 50);
      await store.files.finish(id, 50);
      expect(await store.files.missing('user:agent', [digest('back')], 60)).toEqual([]);
    });

    test('a list that no job has goes with what it names; the submit that comes too late is told', async () => {
      const store = await opened(open);
      await fill(store, 'a', 100, 10);
      const all = list(...Array.from({ length: 100 }, (_, i): [string, string] => [`f${i}`, `a${i}`]));
      const set = await setOf(store, all, 10, 'user:a');
      await submit(store, withFiles(await setOf(store, list(['x', 'a0']), 10, 'user:a')));
      await fill(store, 'b', 40, 20);
      expect(await store.files.set(set)).toBe(null);
      expect(await errorFrom(store.jobs.submit(newJob(withFiles(set))))).toMatchObject({ code: 'aborted' });
      expect(await store.files.keepSet('user:a', digest('again'), list(['y', 'a1']), 30)).toEqual({
        missing: [digest('a1')],
      });
      expect(await lost(store, 'a', 1)).toBe(0);
    });

    test('a list names only what is there, of its owner; the same list has one id', async () => {
      const store = await opened(open);
      const files = list(['a', 'one'], ['b/c', 'two'], ['b/d', 'one']);
      await store.files.keepSmall(ADA, [content('one')], QUOTA, 1);
      const kept = await store.files.keepSet(ADA, digest('list'), files, 1);
      expect(kept).toEqual({ missing: [digest('two')] });
      await store.files.keepSmall('user:eve', [content('two')], QUOTA, 1);
      expect(await store.files.keepSet(ADA, digest('list'), files, 1)).toEqual(kept);
      await store.files.keepSmall(ADA, [content('two')], QUOTA, 1);
      const set = await setOf(store, files);
      expect(await setOf(store, files)).toBe(set);
      expect(await store.files.set(set)).toEqual({ id: set, files });
      expect(await store.files.set('999')).toBe(null);
    });

    test('a list that says another size than a content has is refused, whatever its other paths say', async () => {
      const store = await opened(open);
      await store.files.keepSmall(ADA, [content('one')], QUOTA, 1);
      for (const size of [0, 2, 4]) {
        const files = list(['a', 'one'], ['b', 'one']).map((file) => (file.path === 'b' ? { ...file, size } : file));
        const refused = await errorFrom(store.files.keepSet(ADA, digest(`${size}`), files, 1));
        expect(refused).toMatchObject({ code: 'invalid_input' });
        expect(refused.message).toBe(`b: the content with this digest has 3 bytes, and not ${size}`);
      }
      await setOf(store, list(['a', 'one']));
    });

    test('a list of hundreds', async () => {
      const store = await opened(open);
      const texts = Array.from({ length: 300 }, (_, i) => `text ${i}`);
      await store.files.keepSmall(ADA, texts.map(content), { quota: 10_000, unused: null }, 1);
      const files = list(...texts.map((text, i): [string, string] => [`f${i}`, text]));
      const set = await setOf(store, files);
      expect((await store.files.set(set))!.files).toEqual(files);
    });

    test('what no job names goes after a while; what is asked for stays a while longer', async () => {
      const store = await opened(open);
      await store.files.keepSmall(ADA, [content('old'), content('new'), content('mine')], QUOTA, 10);
      const half = (await store.files.begin({ owner: ADA, sha256: digest('half'), bytes: 4 }, QUOTA, 10))!;
      await setOf(store, list(['old', 'old']), 10);
      await submit(store, withFiles(await setOf(store, list(['mine', 'mine']), 10)));
      await store.files.missing(ADA, [digest('new')], 20);
      // The list first, then what it alone named.
      while ((await store.files.prune(15, 1)) > 0);
      expect(await store.files.missing(ADA, ['old', 'new', 'mine'].map(digest), 20)).toEqual([digest('old')]);
      expect(await errorFrom(store.files.finish(half, 20))).toMatchObject({ code: 'aborted' });
      expect(await store.files.used(ADA)).toBe(7);
    });

    test('a job has its files with the commit that stores it; of an array all tasks share them', async () => {
      const store = await opened(open);
      await store.files.keepSmall(ADA, [content('one')], QUOTA, 1);
      const set = await setOf(store, list(['a', 'one']));
      const job = await submit(store, { ...withFiles(set), idempotencyKey: 'k' });
      expect(job.handling.staging).toEqual({ set, files: 1, bytes: 1, out: ['*'] });
      expect(await store.files.ofJob(job.id)).toEqual([{ epoch: 0, set, files: 1, bytes: 3, notes: [] }]);
      expect(await submit(store, { ...withFiles(set), idempotencyKey: 'k' })).toMatchObject({ id: job.id });
      const { dependencies: _none, ...rest } = newJob(withFiles(set));
      const { array } = await store.arrays.submit({
        ...rest,
        outcome: { state: 'pending', reason: { code: 'submitted', message: '' } },
        indices: '0-1',
        tasks: [0, 1],
        mostAtOnce: null,
      });
      expect(await store.files.ofJob(array!.id)).toMatchObject([{ epoch: 0, set }]);
      expect(await errorFrom(store.jobs.submit(newJob(withFiles('999'))))).toMatchObject({ code: 'aborted' });
      expect(await store.jobs.list({ limit: 9 })).toHaveLength(1);
    });

    test('what an attempt left behind: told once, replaced until the job has ended, and gone with the job', async () => {
      const store = await opened(open);
      await register(store, 'red');
      await store.files.keepSmall(ADA, [content('one'), content('two')], QUOTA, 10);
      const [first, second] = [await setOf(store, list(['a', 'one'])), await setOf(store, list(['b', 'two']))];
      const job = await moved(store, await submit(store), 'assigned', 'received', 'accepted', 'running');
      const say = (set: string, epoch = 1, notes: readonly string[] = []): Promise<boolean> =>
        store.files.collected({ id: job.id, epoch, set, notes, message: `${set} is back` }, 50);
      expect([await say(first), await say(first), await say(second, 1, ['c: too large'])]).toEqual([true, true, true]);
      expect(await store.files.ofJob(job.id)).toEqual([
        { epoch: 1, set: second, files: 1, bytes: 3, notes: ['c: too large'] },
      ]);
      // What only the first named is not named any more.
      expect(await store.files.set(first)).toBe(null);
      await store.files.prune(5, 9);
      expect(await store.files.missing(ADA, [digest('one')], 60)).toHaveLength(1);
      const told = (await store.events.after(0, 99, { jobId: job.id })).filter(({ kind }) => kind === 'files');
      expect(told.map(({ reason, epoch }) => [reason, epoch])).toEqual([
        [{ code: 'collected', message: `${first} is back` }, 1],
        [{ code: 'collected', message: `${second} is back` }, 1],
      ]);
      await store.jobs.transition(change(job, 'completed', { endedAt: 100 }));
      expect(await say(second)).toBe(false);
      expect(await store.retention.prune({ endedBefore: 200, keep: null }, 9)).toBe(1);
      expect(await store.files.ofJob(job.id)).toEqual([]);
      await store.files.prune(5, 9);
      expect(await store.files.used(ADA)).toBe(0);
    });
  });
}
