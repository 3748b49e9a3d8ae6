/** When jobs run, and what is kept of them, over the wire: dependencies, arrays, holds, lists, resumed watches, retention. */
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DependencyKind, JobState, WhenBusy, type Event, type Job } from '../../src/gen/rainbow/v1/job_pb.js';
import { JobOrder } from '../../src/gen/rainbow/v1/jobs_pb.js';
import { racked } from './graphs.ts';
import { ONE_CORE } from './jobspecs.ts';
import { OPERATOR, Rainbow, user, type Registered } from './rainbow.ts';
import { failure, status } from './raw-client.ts';

let rainbow: Rainbow;
let small: Registered;
beforeAll(async () => {
  rainbow = await Rainbow.start();
  small = await rainbow.register('small', racked(1, 2).text);
});
afterAll(() => rainbow.end());

const operator = { authorization: OPERATOR };
const as = (name: string) => ({ authorization: user(name) });
const credentials = () => [{ name: small.name, token: small.token }];

async function submit(who: string, more: object = {}) {
  const { job } = await rainbow.jobs.submit({ jobspec: ONE_CORE, credentials: credentials(), ...more }, as(who));
  return job!;
}

async function events(request: { jobId?: string; afterSeq?: string }, who: object): Promise<Event[]> {
  const found: Event[] = [];
  for await (const event of rainbow.jobs.watchEvents(request, who)) found.push(event);
  return found;
}

describe('dependencies', () => {
  test('on own jobs only: another’s is not found, as one that never was', async () => {
    const mine = await submit('ada', { hold: true });
    const on = (id: string) => ({ dependencies: [{ kind: DependencyKind.AFTERANY, on: id }] });
    const waits = await submit('ada', on(mine.id));
    expect(waits).toMatchObject({ state: JobState.PENDING, reason: { code: 'dependency' } });
    expect((await rainbow.jobs.get({ id: waits.id }, as('ada'))).dependencies).toMatchObject([
      { kind: DependencyKind.AFTERANY, on: mine.id },
    ]);
    for (const id of [mine.id, '99999']) {
      expect((await failure(submit('eve', on(id)))).code).toBe(status.NOT_FOUND);
    }
    await rainbow.jobs.cancel({ id: mine.id }, as('ada'));
    await expect.poll(async () => (await rainbow.jobs.get({ id: waits.id }, as('ada'))).state).toBe(JobState.ASSIGNED);
  });
});

describe('dependencies on a start and on a name', () => {
  const alone = { kind: DependencyKind.SINGLETON };

  test('say what they wait for; of a singleton array one task at a time', async () => {
    const first = await submit('ann', { name: 'nightly', hold: true });
    const second = await submit('ann', { name: 'nightly', dependencies: [alone] });
    const array = await submit('ann', { name: 'nightly', array: '0-3', dependencies: [alone] });
    const later = await submit('ann', {
      dependencies: [
        { kind: DependencyKind.AFTER, on: first.id, minutes: 3 },
        { kind: DependencyKind.AFTER, on: first.id },
      ],
    });
    const get = async (id: string): Promise<Job> => rainbow.jobs.get({ id }, as('ann'));
    await expect
      .poll(async () => (await get(second.id)).reason?.message)
      .toBe(`waits for singleton (job ${first.id} has its name)`);
    expect((await get(second.id)).dependencies).toMatchObject([{ ...alone, on: '0', minutes: 0 }]);
    expect((await get(later.id)).dependencies).toMatchObject([
      { kind: DependencyKind.AFTER, on: first.id, minutes: 3 },
    ]);
    expect((await get(array.id)).array?.mostAtOnce).toBe(1);
    // Another's of that name is not in the way.
    const others = await submit('eve', { name: 'nightly', dependencies: [alone] });
    await expect.poll(async () => (await rainbow.jobs.get({ id: others.id }, as('eve'))).state).toBe(JobState.ASSIGNED);
    await rainbow.jobs.cancel({ id: first.id }, as('ann'));
    await expect.poll(async () => (await get(second.id)).state).toBe(JobState.ASSIGNED);
    expect((await get(array.id)).state).toBe(JobState.PENDING);
    await expect.poll(async () => (await get(later.id)).reason?.code).toBe('begin');
    for (const id of [second.id, later.id, array.id]) await rainbow.jobs.cancel({ id }, as('ann'));
    await rainbow.jobs.cancel({ id: others.id }, as('eve'));
  });

  test.each([
    [{ ...alone, on: '5' }, /dependencies\[0\]\.on: 5: a singleton names no job/],
    [{ kind: DependencyKind.AFTEROK, on: '5', minutes: 1 }, /minutes: are for AFTER/],
    [{ kind: DependencyKind.AFTER, on: '5', minutes: 999_999 }, /more than a year/],
    [{ kind: DependencyKind.AFTER, on: '99999' }, /no job 99999/],
    [{ kind: 9, on: '5' }, /AFTER or SINGLETON/],
  ] as const)('%j is refused', async (wrong, message) => {
    expect((await failure(submit('ann', { dependencies: [wrong] }))).message).toMatch(message);
  });
});

describe('a submit under a key that was used', () => {
  test('is that job, also where its time has passed meanwhile, or what it depends on is gone', async () => {
    const again = { idempotencyKey: 'again', hold: true };
    const { id } = await submit('ida', { ...again, deadline: timestampFromMs(Date.now() + 86_400_000) });
    for (const late of [
      { deadline: timestampFromMs(1000) },
      { startBefore: timestampFromMs(1000) },
      { dependencies: [{ on: '99999' }] },
      { clusters: ['gone'] },
    ]) {
      const answer = await rainbow.jobs.submit(
        { jobspec: ONE_CORE, credentials: credentials(), ...again, ...late },
        as('ida'),
      );
      expect(answer).toMatchObject({ created: false, job: { id } });
      expect((await failure(submit('eve', { ...again, ...late }))).code).not.toBe(status.OK);
    }
    const wrong = { credentials: [{ name: small.name, token: 'wrong' }] };
    expect((await failure(submit('ida', { ...again, ...wrong }))).code).toBe(status.UNAUTHENTICATED);
    const array = await submit('ida', { array: '0-1', idempotencyKey: 'many', hold: true });
    const late = await submit('ida', { array: '0-1', idempotencyKey: 'many', deadline: timestampFromMs(1000) });
    expect(late).toMatchObject({ id: array.id, array: { tasks: 2 } });
  });
});

describe('times', () => {
  test('what could never be met is refused, with its place', async () => {
    const past = timestampFromMs(1000);
    const refused = async (more: object) => (await failure(submit('ada', more))).message;
    expect(await refused({ deadline: past })).toMatch(/deadline: .* cannot be met/);
    expect(await refused({ startBefore: past })).toMatch(/start_before: /);
    expect(await refused({ array: '9-1' })).toMatch(/array: "9-1" runs backwards/);
    expect(await refused({ array: '0-10000' })).toMatch(/more than 10000 tasks/);
    expect(await refused({ whenBusy: 7 })).toMatch(/when_busy: 7/);
  });
});

describe('arrays', () => {
  test('one id and one line; tasks by index; events of all; one cancel', async () => {
    const array = await submit('bob', { array: '0-9:3%2', name: 'sweep', whenBusy: WhenBusy.WAIT });
    expect(array).toMatchObject({ name: 'sweep', array: { indices: '0-9:3', tasks: 4, mostAtOnce: 2 } });
    const mine = await rainbow.jobs.list({}, as('bob'));
    expect(mine.jobs.map(({ id }) => id)).toEqual([array.id]);
    const third = await rainbow.jobs.list({ array: array.id, arrayIndices: [6] }, as('bob'));
    expect(third.jobs).toMatchObject([{ arrayId: array.id, arrayIndex: 6 }]);
    expect((await failure(rainbow.jobs.list({ array: array.id }, as('eve')))).code).toBe(status.NOT_FOUND);
    expect((await failure(rainbow.jobs.list({ array: third.jobs[0]!.id }, as('bob')))).code).toBe(
      status.INVALID_ARGUMENT,
    );

    const now = () => rainbow.jobs.get({ id: array.id }, as('bob'));
    expect((await now()).jobspec).toBe(ONE_CORE);
    await expect.poll(async () => (await now()).array?.counts.length).toBe(2);
    await rainbow.jobs.cancel({ id: array.id }, as('bob'));
    await expect.poll(async () => (await now()).state).toBe(JobState.CANCELED);
    const told = await events({ jobId: array.id }, as('bob'));
    expect(new Set(told.map(({ jobId }) => jobId)).size).toBe(5);
    expect(told.at(-1)).toMatchObject({ jobId: array.id, kind: 'canceled' });
  });

  test('hold and release', async () => {
    const array = await submit('hal', { array: '0-1', hold: true });
    const state = async () => (await rainbow.jobs.get({ id: array.id }, as('hal'))).state;
    expect(await state()).toBe(JobState.PENDING);
    await rainbow.jobs.release({ id: array.id }, as('hal'));
    await expect.poll(state).toBe(JobState.ASSIGNED);
    const [task] = (await rainbow.jobs.list({ array: array.id }, as('hal'))).jobs;
    const late = await failure(rainbow.jobs.hold({ id: task!.id }, as('hal')));
    expect([late.code, late.message]).toEqual([
      status.FAILED_PRECONDITION,
      expect.stringMatching(/only what is pending/),
    ]);
    await rainbow.jobs.cancel({ id: array.id }, as('hal'));
  });
});

describe('lists', () => {
  test('jobs and arrays together, page by page, in each order, while others arrive', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 6; n++) {
      const more = { priority: n % 3, hold: true, ...(n % 2 === 0 ? {} : { array: '0-1' }) };
      ids.push((await submit('lea', more)).id);
    }
    const all = async (order: JobOrder, oldestFirst = false) => {
      const found: string[] = [];
      let pageToken = '';
      do {
        const page = await rainbow.jobs.list({ limit: 2, order, oldestFirst, pageToken }, as('lea'));
        found.push(...page.jobs.map(({ id }) => id));
        pageToken = page.nextPageToken;
        await submit('other', { hold: true });
      } while (pageToken !== '');
      return found;
    };
    expect(await all(JobOrder.SUBMITTED)).toEqual([...ids].reverse());
    expect(await all(JobOrder.SUBMITTED, true)).toEqual(ids);
    expect(await all(JobOrder.PRIORITY)).toEqual([ids[2], ids[5], ids[1], ids[4], ids[0], ids[3]]);
    for (const id of [ids[3]!, ids[0]!, ids[5]!]) {
      await rainbow.jobs.cancel({ id }, as('lea'));
      await expect.poll(async () => (await rainbow.jobs.get({ id }, as('lea'))).endedAt).toBeDefined();
    }
    expect(await all(JobOrder.ENDED)).toEqual([ids[5], ids[0], ids[3]]);
    const since = timestampFromMs(Date.now() + 3_600_000);
    expect((await rainbow.jobs.list({ since }, as('lea'))).jobs).toEqual([]);
    expect((await failure(rainbow.jobs.list({ owner: 'x' }, as('lea')))).code).toBe(status.INVALID_ARGUMENT);
    const own = (await rainbow.jobs.get({ id: ids[0]! }, as('lea'))).owner;
    const asked = await rainbow.jobs.list({ all: true, owner: own, oldestFirst: true }, operator);
    expect(asked.jobs.map(({ id }) => id)).toEqual(ids);
  });
});

describe('waiting for a cluster', () => {
  test('it waits for a later member of its group; without being asked to it is refused or rejected', async () => {
    const { token } = await rainbow.groups.create({ name: 'g', clusters: [] }, operator);
    const request = { jobspec: ONE_CORE, credentials: [{ name: 'g', token }] };
    expect((await failure(rainbow.jobs.submit(request, as('gus')))).message).toMatch(/wait_for_cluster/);
    const { job } = await rainbow.jobs.submit({ ...request, waitForCluster: true, clusters: ['later'] }, as('gus'));
    expect(job).toMatchObject({ state: JobState.PENDING, reason: { code: 'waiting_for_cluster' } });
    await rainbow.register('later', racked(1, 2).text);
    await rainbow.register('elsewhere', racked(1, 2).text);
    await rainbow.groups.update({ name: 'g', clusters: ['elsewhere'] }, operator);
    await rainbow.groups.update({ name: 'g', clusters: ['elsewhere', 'later'] }, operator);
    await expect.poll(async () => (await rainbow.jobs.get({ id: job!.id }, as('gus'))).cluster).toBe('later');
  });
});

test('a watch that is resumed over a restart misses nothing and repeats nothing', async () => {
  const seen: string[] = [];
  const follow = async (afterSeq: string, until: number): Promise<void> => {
    for await (const { seq } of rainbow.jobs.watchEvents({ afterSeq, follow: true }, as('wim'))) {
      seen.push(seq);
      if (seen.length >= until) return;
    }
  };
  await submit('wim', { hold: true });
  const { id } = await submit('wim', { hold: true });
  await follow('0', 1);
  await rainbow.restart();
  const rest = follow(seen.at(-1)!, 4);
  await rainbow.jobs.release({ id }, as('wim'));
  await rest;
  const all = (await events({}, as('wim'))).map(({ seq }) => seq);
  expect(seen).toEqual(all.slice(0, 4));
});

test('retention: what was deleted says so, to whoever asks for it and to whoever resumes before it', async () => {
  const forgetful = await Rainbow.start({ scheduler: { retention: { days: null, count: 1, every: 0.1 } } });
  try {
    const cluster = await forgetful.register('small', racked(1, 2).text);
    const request = { jobspec: ONE_CORE, credentials: [{ name: cluster.name, token: cluster.token }] };
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      const { job } = await forgetful.jobs.submit(request, as('ada'));
      await forgetful.jobs.cancel({ id: job!.id }, as('ada'));
      ids.push(job!.id);
    }
    const get = (id: string, who = 'ada') => failure(forgetful.jobs.get({ id }, as(who)));
    await expect.poll(async () => (await forgetful.jobs.list({}, as('ada'))).jobs.length).toBe(1);
    const gone = await get(ids[0]!);
    expect([gone.code, gone.message]).toEqual([status.NOT_FOUND, expect.stringMatching(/deleted: .* up to 1 of them/)]);
    // The same words of another's: ids tell nothing.
    expect((await get(ids[2]!, 'eve')).message.replace(ids[2]!, ids[0]!)).toBe(gone.message);
    expect((await get('777')).message).not.toMatch(/deleted/);
    const resumed = async (afterSeq: string) => {
      const found: string[] = [];
      for await (const { seq } of forgetful.jobs.watchEvents({ afterSeq }, as('ada'))) found.push(seq);
      return found;
    };
    const late = await failure(resumed('1'));
    expect(late.code).toBe(status.OUT_OF_RANGE);
    const from = /from (\d+) on/.exec(late.message)?.[1] ?? '';
    expect(await resumed(from)).toEqual((await resumed('0')).filter((seq) => Number(seq) > Number(from)));
  } finally {
    await forgetful.end();
  }
});
