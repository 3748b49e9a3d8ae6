/** What must hold at the end of a fleet's life: every job that was acknowledged ended once, and ran once. */
import { expect } from 'vitest';
import { isFinal, JOB_STATES, type JobState } from '../../src/core/job/state.ts';
import type { Store } from '../../src/store/store.ts';
import type { Fleet } from './fleet.ts';

const BATCH = 1_000;

/** Resolves to how many of these jobs have not ended. */
export async function left(store: Store, ids: readonly string[]): Promise<number> {
  let open = 0;
  for (let from = 0; from < ids.length; from += BATCH) {
    const jobs = await store.jobs.many(ids.slice(from, from + BATCH));
    expect(jobs).toHaveLength(ids.slice(from, from + BATCH).length);
    open += jobs.filter(({ state }) => !isFinal(state)).length;
  }
  return open;
}

export async function expectEndedOnce(store: Store, fleet: Fleet, ids: readonly string[]): Promise<void> {
  expect(new Set(ids).size).toBe(ids.length);
  // 1. Ended, each with one event that says so.
  const ends = new Map<string, string[]>();
  for (let seq = 0; ;) {
    const events = await store.events.after(seq, BATCH);
    for (const { jobId, kind } of events) {
      if (jobId !== null && isState(kind) && isFinal(kind)) ends.set(jobId, [...(ends.get(jobId) ?? []), kind]);
    }
    // Numbered without a gap.
    expect(events.map((event) => event.seq)).toEqual(events.map((_, n) => seq + 1 + n));
    seq = events.at(-1)?.seq ?? seq;
    if (events.length < BATCH) break;
  }
  const wrong = ids.filter((id) => ends.get(id)?.join() !== 'completed');
  expect(wrong.map((id) => `${id}: ${ends.get(id)?.join() ?? 'no end'}`)).toEqual([]);
  // 2. In one native queue, once.
  const ran = new Map<string, number>();
  for (const { native } of fleet.workers) {
    for (const [key, times] of native.submitted) {
      const id = key.split('.')[0] as string;
      ran.set(id, (ran.get(id) ?? 0) + times);
    }
  }
  expect([...ran].filter(([, times]) => times !== 1)).toEqual([]);
  expect([...ran.keys()].toSorted()).toEqual([...ids].toSorted());
}

/** Others tell of an array, of a reason, of what was asked. */
function isState(kind: string): kind is JobState {
  return (JOB_STATES as readonly string[]).includes(kind);
}
