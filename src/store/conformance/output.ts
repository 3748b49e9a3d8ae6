/** Output: in the order in which it came, never twice, as far as the cap. */
import { describe, expect, test, vi } from 'vitest';
import type { OutputChunk, Store } from '../store.ts';
import { because, change, errorFrom, opened, submit, type Open } from './fixtures.ts';
import { untilHolds } from '../../system/testing/until.ts';

function chunk(offset: number, text: string, changes: Partial<OutputChunk> = {}): OutputChunk {
  return { task: 0, stream: 'stdout', offset, data: new TextEncoder().encode(text), at: 5000, ...changes };
}

async function texts(store: Store, id: string, epoch = 1): Promise<string[]> {
  const { chunks } = await store.output.read(id, epoch, 0, 999);
  return chunks.map(
    ({ task, stream, offset, data }) => `${task} ${stream} ${offset} ${new TextDecoder().decode(data)}`,
  );
}

/** What is kept of a stream, in order, with … where something is missing. */
async function whole(store: Store, id: string, task: number, stream: 'stdout' | 'stderr'): Promise<string> {
  const { chunks } = await store.output.read(id, 1, 0, 999);
  let text = '';
  let end = 0;
  for (const each of chunks) {
    if (each.task !== task || each.stream !== stream) continue;
    expect(each.offset).toBeGreaterThanOrEqual(end);
    text += (each.offset > end ? '…' : '') + new TextDecoder().decode(each.data);
    end = each.offset + each.data.byteLength;
  }
  return text;
}

export function outputConformance(open: Open): void {
  describe('output', () => {
    test('chunks come back in order, by page', async () => {
      const store = await opened(open);
      const { id } = await submit(store);
      const offsets = await store.output.append(
        id,
        1,
        [chunk(0, 'one '), chunk(0, 'oops', { stream: 'stderr' }), chunk(4, 'two ')],
        99,
      );
      expect(offsets).toMatchObject([
        { task: 0, stream: 'stdout', offset: 8 },
        { task: 0, stream: 'stderr', offset: 4 },
      ]);
      await store.output.append(id, 1, [chunk(0, 'rank 3', { task: 3 }), chunk(8, 'three', { at: 5001.5 })], 99);
      expect(await texts(store, id)).toEqual([
        '0 stdout 0 one ',
        '0 stderr 0 oops',
        '0 stdout 4 two ',
        '3 stdout 0 rank 3',
        '0 stdout 8 three',
      ]);
      const first = await store.output.read(id, 1, 0, 2);
      expect(first.chunks).toEqual([chunk(0, 'one '), chunk(0, 'oops', { stream: 'stderr' })]);
      const second = await store.output.read(id, 1, first.next, 2);
      expect(second.chunks.map(({ offset }) => offset)).toEqual([4, 0]);
      const third = await store.output.read(id, 1, second.next, 2);
      expect(third.chunks).toHaveLength(1);
      expect(await store.output.read(id, 1, third.next, 2)).toEqual({ chunks: [], next: third.next });
    });

    test('a repeated report changes nothing; one that overlaps adds what is new', async () => {
      const store = await opened(open);
      const { id } = await submit(store);
      await store.output.append(id, 1, [chunk(0, 'abcdef')], 99);
      await store.output.append(id, 1, [chunk(0, 'abcdef')], 99);
      expect(await store.output.append(id, 1, [chunk(2, 'cd')], 99)).toMatchObject([
        { task: 0, stream: 'stdout', offset: 6 },
      ]);
      expect(await store.output.append(id, 1, [chunk(3, 'defGH'), chunk(3, 'defGHI')], 99)).toMatchObject([
        { task: 0, stream: 'stdout', offset: 9 },
      ]);
      expect(await texts(store, id)).toEqual(['0 stdout 0 abcdef', '0 stdout 6 GH', '0 stdout 8 I']);
    });

    test('a gap that the sender left stays a gap', async () => {
      const store = await opened(open);
      const { id } = await submit(store);
      await store.output.append(id, 1, [chunk(0, 'head'), chunk(1000, 'tail')], 99);
      expect(await texts(store, id)).toEqual(['0 stdout 0 head', '0 stdout 1000 tail']);
    });

    test('of a long stream the first half of the cap is kept, and the last; the sender may go on', async () => {
      const store = await opened(open);
      const { id } = await submit(store);
      expect(await store.output.append(id, 1, [chunk(0, 'abcdef'), chunk(6, 'ghij')], 8)).toEqual([
        { task: 0, stream: 'stdout', offset: 10, grown: expect.any(Number) as number },
      ]);
      await store.output.append(id, 1, [chunk(10, 'more')], 8);
      await store.output.append(id, 1, [chunk(0, '1234567890', { stream: 'stderr' })], 8);
      await store.output.append(id, 1, [chunk(0, 'x', { task: 1 })], 8);
      expect(await whole(store, id, 0, 'stdout')).toMatch(/^abcd…?[a-z]*more$/);
      expect(await whole(store, id, 0, 'stderr')).toBe('1234…7890');
      expect(await whole(store, id, 1, 'stdout')).toBe('x');
      const cut = await store.output.cut(id, 1);
      expect(cut).toContainEqual({ task: 0, stream: 'stderr', offset: 10 });
    });

    test('whatever comes in whatever pieces: the head and at least the tail, little more than the cap, in few rows', async () => {
      const store = await opened(open);
      const { id } = await submit(store);
      const CAP = 4096;
      let text = '';
      let most = 0;
      for (let line = 0; line < 400; line++) {
        const bytes = `${line} ${'x'.repeat((line * 37) % 90)}\n`;
        await store.output.append(id, 1, [chunk(text.length, bytes)], CAP);
        text += bytes;
        if (line % 50 !== 49) continue;
        const kept = await store.output.kept(id, 1);
        most = Math.max(most, kept);
        const now = await whole(store, id, 0, 'stdout');
        expect(now.startsWith(text.slice(0, CAP / 2))).toBe(true);
        expect(now.endsWith(text.slice(-CAP / 2))).toBe(true);
        expect(now.replace('…', '').length).toBe(kept);
      }
      expect(text.length).toBeGreaterThan(4 * CAP);
      expect(most).toBeLessThanOrEqual(CAP + CAP / 8 + 200);
      const { chunks } = await store.output.read(id, 1, 0, 999);
      expect(chunks.length).toBeLessThan(60);
    });

    test('who reads meanwhile misses nothing of what is kept: joined pieces begin before what was read', async () => {
      const store = await opened(open);
      const { id } = await submit(store);
      let text = '';
      let read = '';
      let after = 0;
      for (let line = 0; line < 200; line++) {
        const bytes = `line ${line}\n`;
        await store.output.append(id, 1, [chunk(text.length, bytes)], 1 << 20);
        text += bytes;
        if (line % 7 !== 0) continue;
        const { chunks, next } = await store.output.read(id, 1, after, 999);
        after = next;
        for (const { offset, data } of chunks) {
          expect(offset).toBeLessThanOrEqual(read.length);
          read += new TextDecoder().decode(data).slice(read.length - offset);
        }
        expect(read).toBe(text);
      }
    });

    test('beyond the room of all streams nothing is kept, but a ring goes on turning', async () => {
      const store = await opened(open);
      const { id } = await submit(store);
      const [first, then] = ['a'.repeat(64), 'z'.repeat(64)];
      await store.output.append(id, 1, [chunk(0, first)], 64, 64);
      const [other] = await store.output.append(id, 1, [chunk(0, 'other', { task: 1 })], 64, 0);
      expect(other).toEqual({ task: 1, stream: 'stdout', offset: 5, grown: 0 });
      await store.output.append(id, 1, [chunk(64, then)], 64, 0);
      expect(await whole(store, id, 0, 'stdout')).toBe(`${'a'.repeat(32)}…${'z'.repeat(32)}`);
      expect(await store.output.kept(id, 1)).toBe(64);
      expect(await whole(store, id, 1, 'stdout')).toBe('');
      expect((await store.output.cut(id, 1)).map(({ task, offset }) => [task, offset])).toEqual([
        [0, 128],
        [1, 5],
      ]);
    });

    test('each attempt has its own; one that never was has none', async () => {
      const store = await opened(open);
      const job = await submit(store);
      expect((await errorFrom(store.output.append(job.id, 2, [chunk(0, 'x')], 9))).code).toBe('not_found');
      expect((await errorFrom(store.output.append(job.id, 0, [chunk(0, 'x')], 9))).code).toBe('not_found');
      await store.output.append(job.id, 1, [chunk(0, 'x')], 9);
      const ended = await store.jobs.transition(change(job, 'failed', { reason: because('cannot_start') }));
      expect(ended.done).toBe(true);
      await store.output.append(job.id, 1, [chunk(1, 'y')], 9);
      expect(await texts(store, job.id)).toEqual(['0 stdout 0 x', '0 stdout 1 y']);
      expect(await texts(store, job.id, 2)).toEqual([]);
    });

    test('bytes are bytes, also from a window of a larger buffer', async () => {
      const store = await opened(open);
      const { id } = await submit(store);
      const all = Uint8Array.from({ length: 256 }, (_, n) => n);
      await store.output.append(
        id,
        1,
        [chunk(0, '', { data: all }), chunk(256, '', { data: all.subarray(10, 20) })],
        9999,
      );
      const { chunks } = await store.output.read(id, 1, 0, 9);
      expect(chunks.map(({ data }) => [...data])).toEqual([[...all], [...all.subarray(10, 20)]]);
      expect(all.byteLength).toBe(256);
    });

    test('listeners of a job hear of its output, until they leave', async () => {
      const store = await opened(open);
      const a = await submit(store);
      const b = await submit(store);
      const ofA = vi.fn<() => void>();
      const ofB = vi.fn<() => void>();
      const stop = store.output.subscribe(a.id, ofA);
      store.output.subscribe(b.id, ofB);
      await store.output.append(a.id, 1, [chunk(0, 'x')], 9);
      await untilHolds(() => expect(ofA).toHaveBeenCalledTimes(1));
      stop();
      await store.output.append(a.id, 1, [chunk(1, 'x')], 9);
      await store.output.append(b.id, 1, [chunk(0, 'x')], 9);
      await untilHolds(() => expect(ofB).toHaveBeenCalledTimes(1));
      expect(ofA).toHaveBeenCalledTimes(1);
    });
  });
}
