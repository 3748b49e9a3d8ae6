/** Batches that fail, meet and collide. Another server's transaction is held open by hand, at the worst moment. */
import { createHash } from 'node:crypto';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { skipWithout } from '../../../test/needs.ts';
import { realSystem } from '../../system/real.ts';
import { WAITS } from '../../core/job/waits.ts';
import {
  assignedTo,
  because,
  change,
  errorFrom,
  moved,
  newJob,
  register,
  submit,
  TOKEN,
} from '../conformance/fixtures.ts';
import { keepFileSet } from '../operations/file-sets.ts';
import { submitJob, type Stored } from '../operations/submit-job.ts';
import { registerCluster } from '../operations/write-clusters.ts';
import { transitionJob } from '../operations/write-transition.ts';
import { openStore } from '../open.ts';
import type { Store } from '../store.ts';
import { localPostgres } from '../testing/postgres.ts';
import type { Database, PostgresOperation } from './database.ts';
import { Transaction } from './transaction.ts';
import { writeEvents } from './write-events.ts';
import { untilHolds } from '../../system/testing/until.ts';

const { postgres, missing } = await localPostgres();
afterAll(() => postgres?.remove());

interface Held<T> {
  readonly value: T;
  readonly transaction: Transaction;
  readonly commit: () => Promise<unknown>;
}

interface Scene {
  readonly url: string;
  readonly store: Store;
  /** A connection to look on from. */
  readonly aside: Database;
  /** What another server does and does not commit yet. */
  readonly holding: <T>(operation: PostgresOperation<T>) => Promise<Held<T>>;
  /** Until so many transactions wait for a lock. */
  readonly waiting: (count?: number) => Promise<void>;
}

async function scene(): Promise<Scene> {
  const url = await postgres!.newDatabase();
  const store = await openStore(url, realSystem);
  const [aside, other] = [await postgres!.connect(url), await postgres!.connect(url)];
  onTestFinished(async () => {
    await Promise.all([aside.close(), other.close(), store.close()]);
  });
  return {
    url,
    store,
    aside,
    holding: async (operation) => {
      const transaction = Transaction.begin(other, 'patient');
      const value = await transaction.run(operation);
      return { value, commit: () => transaction.commit('nobody', []), transaction };
    },
    waiting: (count = 1) =>
      untilHolds(async () => {
        const [row] = await aside.query({
          sql: `SELECT COUNT(*) AS waiting FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'`,
          values: [],
        });
        expect(row?.['waiting']).toBe(count);
      }),
  };
}

/** Of a submit's job. */
function idOf(stored: Stored): string {
  return stored.created ? stored.id : stored.job.id;
}

const content = (text: string) => ({
  sha256: createHash('sha256').update(text).digest('hex'),
  data: Buffer.from(text),
});

/** Sent with the token: there is room for two that no job names. */
const roomFor = (sentWith: string) => ({ quota: 100, unused: 8192, share: { sentWith, bytes: 8192 } });

/** Ada has the contents 'used' and 'unused', and a list that names the first. */
async function withContents(store: Store) {
  const { sha256 } = content('used');
  const file = { path: 'f', size: 4, executable: false, sha256 };
  await store.files.keepSmall('ada', [content('used'), content('unused')], roomFor('a'), 10);
  const kept = await store.files.keepSet('ada', 'first', [file], 10);
  return { sha256, file, job: withFiles(kept) };
}

function withFiles(kept: object) {
  const set = 'set' in kept ? String(kept.set) : '';
  return { owner: 'ada', handling: { staging: { set, files: 1, bytes: 4, out: [] } } };
}

/** What a call is by now: its value, or that it is not answered. */
async function now<T>(call: Promise<T>): Promise<T | 'not answered'> {
  return Promise.race([call, new Promise<'not answered'>((resolve) => setImmediate(() => resolve('not answered')))]);
}

describe.skipIf(skipWithout('postgres', missing))('group commit', () => {
  test('events are numbered in the order of commits: who has a number holds up who has none', async () => {
    const { store, holding, waiting } = await scene();
    const { transaction } = await holding(submitJob(newJob({ name: 'first' })));
    // The other server's batch is at its end: its events have their numbers, the commit is still to come.
    await transaction.query(writeEvents([[1, 'job', null, 'ada', null, 'first', null, null, null, null]], 'nobody'));
    transaction.forgetEventsAfter(0);
    const submitting = submit(store);
    await waiting();
    // Reads wait for the writes before them, but not for ever.
    expect(await store.events.last()).toBe(0);
    expect(await now(submitting)).toBe('not answered');
    await transaction.commit('nobody', []);
    await submitting;
    expect((await store.events.after(0, 9)).map(({ seq, kind }) => [seq, kind])).toEqual([
      [1, 'first'],
      [2, 'pending'],
    ]);
  });

  test('a job that another server is just moving is taken along when its cluster goes', async () => {
    const { store, holding, waiting } = await scene();
    const red = await register(store, 'red');
    const job = await submit(store, { outcome: assignedTo(red) });
    const moving = await holding(transitionJob(change(job, 'received')));
    const deleting = store.clusters.delete('red', 5000);
    await waiting();
    await moving.commit();
    expect(await deleting).toEqual({ returned: [], canceled: [job.id] });
    expect(await store.jobs.get(job.id)).toMatchObject({ state: 'canceled', receivedAt: 3000 });
  });

  test('a cluster is not deleted under a job that another server just sends there', async () => {
    const { store, holding, waiting } = await scene();
    const red = await register(store, 'red');
    const waitingJob = await submit(store);
    const sent = await holding(submitJob(newJob({ outcome: assignedTo(red) })));
    await sent.transaction.run(transitionJob(change(waitingJob, 'assigned', { cluster: red })));
    const deleting = store.clusters.delete('red', 5000);
    await waiting();
    await sent.commit();
    expect(await deleting).toEqual({ returned: [waitingJob.id, idOf(sent.value)], canceled: [] });
  });

  test('nor under one that this server just sends there', async () => {
    const { url, store, aside, waiting } = await scene();
    const another = await openStore(url, realSystem);
    onTestFinished(() => another.close());
    const red = await register(store, 'red');
    await aside.command('BEGIN; UPDATE event_counter SET last = last');
    const submitting = submit(store, { outcome: assignedTo(red) });
    await waiting(1);
    const deleting = another.clusters.delete('red', 5000);
    await waiting(2);
    await aside.command('COMMIT');
    expect((await deleting).returned).toEqual([(await submitting).id]);
  });

  test('a key, and a name, that another server just takes are found taken', async () => {
    const { store, holding, waiting } = await scene();
    const first = await holding(submitJob(newJob({ idempotencyKey: 'k' })));
    const answers = Promise.all([
      store.jobs.submit(newJob({ idempotencyKey: 'k' })),
      store.jobs.submit(newJob({ idempotencyKey: 'other' })),
    ]);
    await waiting();
    await first.commit();
    expect(await answers).toMatchObject([
      { created: false, job: { id: idOf(first.value) } },
      { created: true, job: {} },
    ]);

    const hash = new Uint8Array(32);
    const named = await holding(
      registerCluster({ name: 'red', secretHash: hash, tokenHash: hash, graph: '', counts: [], at: 1 }),
    );
    const registering = errorFrom(register(store, 'red'));
    await waiting();
    await named.commit();
    expect((await registering).code).toBe('already_exists');
  });

  test('and so where each call already runs under a savepoint of its own', async () => {
    const { store, holding, waiting } = await scene();
    const first = await holding(submitJob(newJob({ idempotencyKey: 'k' })));
    const answers = Promise.all([
      // Refused after it has written, which undoes the haste.
      errorFrom(store.groups.create({ name: 'g', tokenHash: TOKEN, clusters: ['gone'], at: 1 })),
      store.jobs.submit(newJob({ idempotencyKey: 'k' })),
      store.jobs.submit(newJob()),
    ]);
    await waiting();
    await first.commit();
    expect(await answers).toMatchObject([
      { code: 'not_found' },
      { created: false, job: { id: idOf(first.value) } },
      { created: true },
    ]);
    expect(await store.groups.list()).toEqual([]);
    const events = await store.events.after(0, 9);
    expect(events.map(({ seq, jobId }) => [seq, jobId !== null])).toEqual([
      [1, true],
      [2, true],
    ]);
  });

  test('two that wait for each other: nobody is refused for it', async () => {
    const { store, holding, waiting } = await scene();
    const [one, two] = [await submit(store), await submit(store)];
    const other = await holding(transitionJob(change(two, 'canceled')));
    // Locks the first job, then waits for the second.
    const ours = Promise.all([one, two].map((job) => store.jobs.requestCancel(job.id, because('user'), 1)));
    await waiting();
    // Waits for the first. PostgreSQL ends one of the two; nearly always the one that waited longer, which is ours.
    await other.transaction
      .run(transitionJob(change(one, 'canceled')))
      .then(other.commit, () => other.transaction.rollBack());
    expect((await ours).map((job) => job?.id)).toEqual([one.id, two.id]);
  });

  test('a content that another server’s list is just naming stays in use where the job that had it goes', async () => {
    const { store, holding, waiting } = await scene();
    const { sha256, file, job } = await withContents(store);
    await moved(store, await submit(store, job), 'canceled');
    const named = await holding(keepFileSet('ada', 'second', [file], 20));
    const pruning = store.retention.prune({ endedBefore: 9e12, keep: null }, 9);
    await waiting();
    await named.commit();
    expect(await pruning).toBe(1);
    await submit(store, withFiles(named.value));
    expect(await store.files.unused()).toBe(4096);
    expect(await store.files.prune(9e12, 9)).toBe(1);
    expect(Buffer.from((await store.files.piece('ada', sha256, 0)) ?? []).toString()).toBe('used');
  });

  test('a content that is marked as unused though a list names it is kept, and marked no more', async () => {
    const { store, aside } = await scene();
    const { sha256, job } = await withContents(store);
    await submit(store, job);
    const mark = () => aside.query({ sql: 'UPDATE blobs SET unused_since = 0 WHERE sha256 = ?', values: [sha256] });
    // 1. Where room is made.
    await mark();
    await store.files.keepSmall('eve', [content('new')], roomFor('e'), 20);
    expect(await store.files.missing('ada', [sha256, content('unused').sha256], 20)).toEqual([
      content('unused').sha256,
    ]);
    expect(await store.files.unused()).toBe(4096);
    // 2. Where what is unused goes.
    await mark();
    expect(await store.files.prune(10, 9)).toBe(1);
    expect(await store.files.prune(10, 9)).toBe(0);
    expect(await store.files.missing('ada', [sha256], 20)).toEqual([]);
    expect(await store.files.unused()).toBe(4096);
  });

  test('a look at what a job waits for, while another server just writes an end of it, forgets no end', async () => {
    const { store, holding } = await scene();
    const red = await register(store, 'red');
    const [first, second] = [await submit(store), await submit(store, { outcome: assignedTo(red) })];
    const dependencies = [first, second].map(({ id }) => ({ kind: 'afterany', on: id }) as const);
    const waiter = await submit(store, {
      waits: WAITS.dependency,
      outcome: { state: 'pending', reason: because('dependency') },
      dependencies,
    });
    await moved(store, first, 'canceled');
    // Marked for the one end already, as the other comes.
    const known = await store.jobs.get(second.id);
    const ending = await holding(transitionJob(change(known!, 'canceled')));
    await store.jobs.settleDependencies(9, 4000);
    await ending.commit();
    await store.jobs.settleDependencies(9, 5000);
    expect((await store.jobs.get(waiter.id))?.waits).toBe(0);
  });

  test('what follows a refused statement loses no connection; what was prepared and is gone does', async () => {
    const { aside } = await scene();
    const fresh = { sql: 'SELECT 1 AS fresh', values: [] };
    const answers = await Promise.allSettled([
      aside.command('BEGIN'),
      aside.query({ sql: 'SELECT 1 / ? AS refused', values: [0] }),
      aside.query(fresh),
      aside.query(fresh),
      aside.command('ROLLBACK'),
    ]);
    expect(answers.map(({ status }) => status === 'fulfilled')).toEqual([true, false, false, false, true]);
    expect(aside.isLost).toBe(false);
    expect(await aside.query(fresh)).toEqual([{ fresh: 1 }]);
    await aside.command('DEALLOCATE ALL');
    await expect(aside.query(fresh)).rejects.toThrow('does not exist');
    expect(aside.isLost).toBe(true);
  });

  test('receivers skip what another server is just taking, without waiting', async () => {
    const { store, holding } = await scene();
    const red = await register(store, 'red');
    const [one, two] = [
      await submit(store, { outcome: assignedTo(red) }),
      await submit(store, { outcome: assignedTo(red) }),
    ];
    const taken = await holding(transitionJob(change(one, 'received')));
    expect((await store.jobs.receive(red, 9, null, 3000)).map(({ id }) => id)).toEqual([two.id]);
    await taken.commit();
    expect(await store.jobs.receive(red, 9, null, 3000)).toEqual([]);
  });

  test('a full disk refuses writes as unavailable, serves reads, and takes writes once there is room', async () => {
    const { store, aside } = await scene();
    const kept = await submit(store);
    // Says what PostgreSQL says when it cannot extend a table.
    await aside.command(`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
      CREATE TRIGGER full_disk BEFORE INSERT ON jobs EXECUTE FUNCTION full_disk()`);
    const failures = await Promise.all([errorFrom(submit(store)), errorFrom(submit(store, { idempotencyKey: 'k' }))]);
    for (const failure of failures) {
      expect(failure).toMatchObject({ code: 'unavailable', message: expect.stringContaining('disk is full') });
    }
    expect(await store.jobs.get(kept.id)).toEqual(kept);
    expect(await store.events.last()).toBe(1);
    await aside.command('DROP TRIGGER full_disk ON jobs');
    expect((await store.jobs.submit(newJob({ idempotencyKey: 'k' }))).created).toBe(true);
  });
});
