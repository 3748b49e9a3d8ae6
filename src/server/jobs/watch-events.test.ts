/** A watch and retention: what is deleted before it was told is said, never passed over. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { coresJob, openRig, type Rig } from '../../scheduler/testing/rig.ts';
import type { EventStore } from '../../store/store.ts';
import type { Parts } from '../parts.ts';
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
  const parts = { store: { ...rig.store, events }, authenticator: { person: () => ({ kind: 'operator' }) } };
  const call = { metadata: () => null, signal: new AbortController().signal, peer: 'test' };
  const request = { afterSeq, jobId: '', follow: false, fromNow: false };
  const seen: number[] = [];
  for await (const { seq } of watchEvents(parts as unknown as Parts)(request as never, call)) seen.push(Number(seq));
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
