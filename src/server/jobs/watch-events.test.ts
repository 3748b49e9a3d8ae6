/** A watch and retention: what is deleted before it was told is said, never passed over. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { coresJob, openRig, type Rig } from '../../scheduler/testing/rig.ts';
import type { EventStore } from '../../store/store.ts';
import type { Parts } from '../parts.ts';
import { createEventPages, PAGE } from './event-pages.ts';
import { watchEvents } from './watch-events.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(() => rig.close());

/** Canceled at once: two events each, of which retention takes both. */
async function ended(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const { job } = await rig.submit(coresJob({}), { hold: true });
    await rig.scheduler.cancel(job.id, { code: 'user', message: '' });
  }
}

const prune = (keep: number): Promise<number> => rig.store.retention.prune({ endedBefore: null, keep }, 10_000);

async function watch(afterSeq: string, events: EventStore = rig.store.events): Promise<number[]> {
  const store = { ...rig.store, events };
  const parts = { store, authenticator: { person: () => ({ kind: 'operator' }) } };
  const call = { metadata: () => null, signal: new AbortController().signal, onAbort: () => undefined, peer: 'test' };
  const request = { afterSeq, jobId: '', follow: false, fromNow: false };
  const seen: number[] = [];
  for await (const { seq } of watchEvents(parts as unknown as Parts, createEventPages(store))(request as never, call))
    seen.push(Number(seq));
  return seen;
}

test('what is deleted while it is being read is missed by nobody unawares', async () => {
  await rig.cluster('K');
  await ended(4);
  const all = await watch('0');
  const racing: EventStore = {
    ...rig.store.events,
    async after(...args) {
      await prune(0);
      return await rig.store.events.after(...args);
    },
  };
  await expect(watch(String(all[0]), racing)).rejects.toMatchObject({ code: 'out_of_range' });
});

test('from 0 on all that there is comes, however much was deleted in between', async () => {
  await rig.cluster('K');
  const held = await rig.submit(coresJob({}), { hold: true });
  for (let i = 0; i < 150; i++) {
    await rig.store.jobs.release(held.job.id, i);
    await rig.store.jobs.hold(held.job.id, { code: 'held', message: '' }, i);
  }
  await ended(3);
  expect(await prune(0)).toBe(3);
  const seen = await watch('0');
  expect(seen.length).toBeGreaterThan(300);
  expect(seen.length).toBe((await rig.store.events.after(0, 1000)).length);
  await expect(watch(String(seen[0]))).rejects.toMatchObject({ code: 'out_of_range' });
});

/** Reasons of one job, back and forth: two events each. */
async function busy(count: number): Promise<void> {
  const { job } = await rig.submit(coresJob({}), { hold: true });
  for (let i = 0; i < count; i++) {
    await rig.store.jobs.release(job.id, i);
    await rig.store.jobs.hold(job.id, { code: 'held', message: '' }, i);
  }
}

test('who begins anywhere gets all that follows once, whatever others have read before', async () => {
  await rig.cluster('K');
  await busy(PAGE);
  const all = (await rig.store.events.after(0, 10_000)).map(({ seq }) => seq);
  expect(all.length).toBeGreaterThan(2 * PAGE);
  const pages = createEventPages(rig.store);
  const from = async (seq: number, newest: number): Promise<number[]> => {
    const seen: number[] = [];
    for (let at = seq; ;) {
      const { batch, last, isFull } = await pages.after(at, newest);
      seen.push(...batch.events.map((event) => Number(event.seq)));
      if (!isFull) return seen;
      at = last;
    }
  };
  for (const seq of [0, 1, 100, PAGE, PAGE + 1, 0]) {
    expect(await from(seq, all.length)).toEqual(all.filter((each) => each > seq));
  }
  // What has come since is not hidden by the last page that was read before.
  await busy(1);
  const newest = await rig.store.events.last();
  expect((await from(PAGE, newest)).at(-1)).toBe(newest);
});

test('many who follow share one reading', async () => {
  await rig.cluster('K');
  await busy(3);
  let reads = 0;
  const events: EventStore = {
    ...rig.store.events,
    after: (...args) => {
      reads += 1;
      return rig.store.events.after(...args);
    },
  };
  const pages = createEventPages({ ...rig.store, events });
  const newest = await rig.store.events.last();
  const read = await Promise.all(Array.from({ length: 50 }, () => pages.after(0, newest)));
  expect(reads).toBe(1);
  expect(new Set(read.map(({ batch }) => batch)).size).toBe(1);
});

test('a reading that fails is not kept', async () => {
  await rig.cluster('K');
  let fails = true;
  const events: EventStore = {
    ...rig.store.events,
    after: (...args) => (fails ? Promise.reject(new Error('no disk')) : rig.store.events.after(...args)),
  };
  const pages = createEventPages({ ...rig.store, events });
  await expect(pages.after(0, 1)).rejects.toThrow('no disk');
  fails = false;
  expect((await pages.after(0, 1)).batch.events.length).toBeGreaterThan(0);
});
