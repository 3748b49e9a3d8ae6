/** Bids and what became of them; decisions by their time. */
import { expect, test } from 'vitest';
import type { BidOutcome, ClusterRef } from '../store.ts';
import { assignedTo, GONE, named, newJob, opened, register, submit, type Open } from './fixtures.ts';

function outcome(jobId: string, cluster: ClusterRef, more: Partial<BidOutcome> = {}): BidOutcome {
  return {
    jobId,
    epoch: 1,
    cluster: { name: cluster.name, id: cluster.id },
    shapeClass: 'small',
    decidedAt: 1_000,
    startP50: 2_000,
    startP90: 3_000,
    startedAt: 2_500,
    neverStarted: false,
    endedAt: null,
    currency: 'EUR',
    costBid: 1.5,
    costActual: null,
    ...more,
  };
}

export function bidConformance(open: Open): void {
  test('a job keeps what its owner wants of bids', async () => {
    const store = await opened(open);
    const bidding = { ask: true, withinMs: 250, rebid: null };
    const job = await submit(store, { bidding });
    expect(job.bidding).toEqual(bidding);
    expect((await store.jobs.get(job.id))?.bidding).toEqual(bidding);
    expect((await submit(store)).bidding).toBeNull();
  });

  test('an outcome is added when a job starts and completed when it ends, newest first', async () => {
    const store = await opened(open);
    await register(store, 'red');
    const red = await named(store, 'red');
    const first = await submit(store, { outcome: assignedTo(red) });
    const second = await submit(store, { outcome: assignedTo(red) });
    await store.bids.keepOutcome(outcome(first.id, red));
    await store.bids.keepOutcome(outcome(second.id, red, { currency: null, costBid: null }));
    await store.bids.keepOutcome(outcome(first.id, red, { endedAt: 9_000, costActual: 0.75 }));
    expect(await store.bids.outcomes(red, 10)).toEqual([
      outcome(second.id, red, { currency: null, costBid: null }),
      outcome(first.id, red, { endedAt: 9_000, costActual: 0.75 }),
    ]);
    expect(await store.bids.outcomes(red, 1)).toHaveLength(1);
    await store.bids.keepOutcome(outcome(first.id, GONE));
    expect(await store.bids.outcomes(GONE, 10)).toEqual([]);
  });

  test('counts add up, per cluster, and go with it', async () => {
    const store = await opened(open);
    await register(store, 'red');
    await register(store, 'blue');
    const red = await named(store, 'red');
    await store.bids.count(red, { asked: 2, yes: 1 });
    await store.bids.count(red, { asked: 3, silent: 1 });
    await store.bids.count(GONE, { asked: 1 });
    expect(await store.bids.counts(red)).toEqual({ asked: 5, yes: 1, silent: 1 });
    expect(await store.bids.counts(await named(store, 'blue'))).toEqual({});
    await store.clusters.delete('red', 5_000);
    expect(await store.bids.counts(red)).toEqual({});
  });

  test('decisions come in order of their time, page after page, and of one owner where asked', async () => {
    const store = await opened(open);
    const decided = (at: number, owner: string, decision: string | null) =>
      store.jobs.submit(newJob({ at, owner, decision }));
    await decided(10, 'ada', '{"n":1}');
    await decided(10, 'bob', '{"n":2}');
    await decided(20, 'ada', '{"n":3}');
    await decided(30, 'ada', null);
    await decided(40, 'ada', '{"n":5}');
    const all = await store.bids.decisions({ since: 0, until: 100, limit: 10 });
    expect(all.map(({ at, decision }) => [at, decision])).toEqual([
      [10, '{"n":1}'],
      [10, '{"n":2}'],
      [20, '{"n":3}'],
      [40, '{"n":5}'],
    ]);
    const [first] = all;
    const rest = await store.bids.decisions({ since: 0, until: 100, after: first!, limit: 2 });
    expect(rest).toEqual(all.slice(1, 3));
    const ada = await store.bids.decisions({ since: 10, until: 40, owner: 'ada', limit: 10 });
    expect(ada.map(({ at }) => at)).toEqual([10, 20]);
  });
}
