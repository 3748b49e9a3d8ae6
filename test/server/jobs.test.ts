/** Rainbow's own calls on jobs, over the wire. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fits, JobState, OnClusterLoss, type Event } from '../../src/gen/rainbow/v1/job_pb.js';
import { KEEBLER, racked } from './graphs.ts';
import { nextgen, ONE_CORE, simple, yaml } from './jobspecs.ts';
import { OPERATOR, Rainbow, user, type Registered } from './rainbow.ts';
import { failure, status } from './raw-client.ts';

let rainbow: Rainbow;
let keebler: Registered;
let small: Registered;
beforeAll(async () => {
  rainbow = await Rainbow.start();
  keebler = await rainbow.register('keebler', KEEBLER.text);
  small = await rainbow.register('small', racked(1, 2).text);
});
afterAll(() => rainbow.end());

const both = () => [keebler, small].map(({ name, token }) => ({ name, token }));
const operator = { authorization: OPERATOR };
const as = (name: string) => ({ authorization: user(name) });

describe('what would open it, and what it would take', () => {
  const jobspec = yaml(simple(1, 24));

  test('each change is counted over all clusters; submit and explain tell it of a job that was rejected', async () => {
    const { candidates, openings } = await rainbow.jobs.match({ jobspec, credentials: both() }, as('ada'));
    expect(candidates.map(({ satisfiable }) => satisfiable)).toEqual([Fits.NO, Fits.NO]);
    expect(openings.map(({ relaxation, clusters }) => [relaxation?.to, clusters])).toEqual([
      ['2', ['keebler', 'small']],
      ['12', ['keebler']],
    ]);
    const submitted = await rainbow.jobs.submit({ jobspec, credentials: both() }, as('ada'));
    const { job } = submitted;
    expect(job!.state).toBe(JobState.REJECTED);
    expect(submitted.openings).toEqual(openings);
    expect((await rainbow.jobs.explain({ id: job!.id }, as('ada'))).openings).toEqual(openings);
  });

  test('a placement is told to those who may use the cluster, and names its nodes', async () => {
    const asked = { jobspec: yaml(simple(2, 4)), placement: true };
    const { candidates } = await rainbow.jobs.match({ ...asked, credentials: both() }, as('ada'));
    expect(candidates[0]!.placement).toMatchObject({
      version: 1,
      execution: { R_lite: [{ children: { core: '0-1' } }], nslots: 1 },
    });
    expect(candidates[1]!.placement).toBeUndefined();
    expect((await failure(rainbow.jobs.match(asked, as('ada')))).code).toBe(status.UNAUTHENTICATED);
    expect((await rainbow.jobs.match(asked, operator)).candidates[0]!.placement).toBeDefined();
  });
});

describe('submit', () => {
  test('a job goes where it fits, and keeps all that was said of it', async () => {
    const jobspec = yaml(simple(2, 4));
    const answer = await rainbow.jobs.submit(
      { jobspec, name: 'mine', credentials: both(), priority: 7, onClusterLoss: OnClusterLoss.REQUEUE },
      as('ada'),
    );
    expect(answer.created).toBe(true);
    expect(answer.job).toMatchObject({
      name: 'mine',
      state: JobState.ASSIGNED,
      cluster: 'keebler',
      priority: 7,
      onClusterLoss: OnClusterLoss.REQUEUE,
      epoch: '1',
      candidates: ['keebler', 'small'],
      jobspec: '',
    });
    expect(answer.job!.owner).toMatch(/^user:[0-9a-f]{64}$/);
    expect(answer.decision).toMatchObject({ chosen: 'keebler', policy: 'random', jobId: answer.job!.id });
    const got = await rainbow.jobs.get({ id: answer.job!.id }, as('ada'));
    expect(got.jobspec).toBe(jobspec);
    expect(got.attempts).toHaveLength(1);
    expect(got.attempts[0]).toMatchObject({ epoch: '1', cluster: 'keebler', state: JobState.ASSIGNED });
  });

  test('the same key of the same owner is the same job; of another owner it is not', async () => {
    const request = { jobspec: ONE_CORE, credentials: both(), idempotencyKey: 'once' };
    const first = await rainbow.jobs.submit(request, as('ada'));
    const again = await rainbow.jobs.submit(request, as('ada'));
    const other = await rainbow.jobs.submit(request, as('bob'));
    expect(again).toMatchObject({ created: false, job: { id: first.job!.id } });
    expect(other.created).toBe(true);
    expect(other.job!.id).not.toBe(first.job!.id);
  });

  test('a job that nothing can ever hold is stored as rejected, with the reasons', async () => {
    const { job } = await rainbow.jobs.submit(
      { jobspec: yaml(nextgen({ w: { type: 'node', count: 100 } })), credentials: both() },
      as('ada'),
    );
    expect(job).toMatchObject({ state: JobState.REJECTED, reason: { code: 'never_fits' } });
    const { decisions } = await rainbow.jobs.explain({ id: job!.id }, as('ada'));
    expect(decisions).toHaveLength(1);
    expect(decisions[0]!.candidates.map(({ satisfiable }) => satisfiable)).toEqual([Fits.NO, Fits.NO]);
    expect(decisions[0]!.candidates[0]!.reasons[0]!.message).not.toBe('');
  });

  test('a restriction keeps to its clusters, matching all the same', async () => {
    const request = { jobspec: ONE_CORE, credentials: both(), clusters: ['small'] };
    expect((await rainbow.jobs.submit(request, as('ada'))).job!.cluster).toBe('small');
    const unfit = { ...request, jobspec: yaml(simple(2, 4)) };
    expect((await rainbow.jobs.submit(unfit, as('ada'))).job!.state).toBe(JobState.REJECTED);
  });

  test('without a key nobody submits; an operator needs no token', async () => {
    expect((await failure(rainbow.jobs.submit({ jobspec: ONE_CORE, credentials: both() }))).code).toBe(
      status.UNAUTHENTICATED,
    );
    const { job } = await rainbow.jobs.submit({ jobspec: yaml(simple(2, 4)) }, operator);
    expect(job!.cluster).toBe('keebler');
  });

  test("a name: given, or the jobspec's, or its program's", async () => {
    const named = async (name: string, jobspec: string) =>
      (await rainbow.jobs.submit({ name, jobspec, credentials: both() }, as('ada'))).job!.name;
    expect(await named('given', ONE_CORE)).toBe('given');
    expect(await named('', ONE_CORE + 'name: inner\n')).toBe('inner');
    expect(await named('', ONE_CORE)).toBe('hostname');
  });
});

test('match tells why not, to anybody', async () => {
  const { candidates } = await rainbow.jobs.match({ jobspec: yaml(simple(2, 4)) });
  expect(candidates.map(({ cluster, satisfiable }) => [cluster, satisfiable])).toEqual([
    ['keebler', Fits.YES],
    ['small', Fits.NO],
  ]);
  expect(candidates[1]!.reasons.length).toBeGreaterThan(0);
  const one = await rainbow.jobs.match({ jobspec: ONE_CORE, credentials: both().slice(1) });
  expect(one.candidates.map(({ cluster }) => cluster)).toEqual(['small']);
});

describe('list', () => {
  test('pages neither repeat nor hide while jobs arrive', async () => {
    const submit = async (name: string) =>
      (await rainbow.jobs.submit({ name, jobspec: ONE_CORE, credentials: both() }, as('lister'))).job!.id;
    const before: string[] = [];
    for (let i = 0; i < 7; i++) before.push(await submit(`page-${i}`));
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await rainbow.jobs.list({ limit: 3, pageToken }, as('lister'));
      seen.push(...page.jobs.map(({ id }) => id));
      pageToken = page.nextPageToken;
      await submit('late');
    } while (pageToken !== '');
    expect(seen).toEqual(before.toReversed());

    const oldest = await rainbow.jobs.list({ limit: 2, oldestFirst: true }, as('lister'));
    expect(oldest.jobs.map(({ id }) => id)).toEqual(before.slice(0, 2));
    const next = await rainbow.jobs.list(
      { limit: 2, oldestFirst: true, pageToken: oldest.nextPageToken },
      as('lister'),
    );
    expect(next.jobs.map(({ id }) => id)).toEqual(before.slice(2, 4));
    const wrongWay = rainbow.jobs.list({ pageToken: oldest.nextPageToken }, as('lister'));
    expect((await failure(wrongWay)).code).toBe(status.INVALID_ARGUMENT);
  });

  test('filters', async () => {
    const { jobs } = await rainbow.jobs.list({ name: 'page-3' }, as('lister'));
    expect(jobs.map(({ name }) => name)).toEqual(['page-3']);
    expect((await rainbow.jobs.list({ states: [JobState.RUNNING] }, as('lister'))).jobs).toEqual([]);
    expect((await rainbow.jobs.list({}, as('nobody'))).jobs).toEqual([]);
    const all = await rainbow.jobs.list({ all: true, limit: 1_000_000 }, operator);
    expect(all.jobs.length).toBeGreaterThan(10);
    expect((await rainbow.jobs.list({ cluster: 'nowhere' }, as('lister'))).jobs).toEqual([]);
  });
});

test('cancel is idempotent', async () => {
  const { job } = await rainbow.jobs.submit({ jobspec: ONE_CORE, credentials: both() }, as('ada'));
  const { id } = job!;
  const canceled = await rainbow.jobs.cancel({ id, message: 'enough' }, as('ada'));
  expect(canceled).toMatchObject({ state: JobState.CANCELED, reason: { code: 'user', message: 'enough' } });
  const again = await rainbow.jobs.cancel({ id, message: 'more' }, as('ada'));
  expect(again).toMatchObject({ state: JobState.CANCELED, reason: { code: 'user', message: 'enough' } });
});

describe('events', () => {
  async function read(options: object, name: string | null, until: (events: Event[]) => boolean): Promise<Event[]> {
    const events: Event[] = [];
    const auth = name === null ? operator : as(name);
    for await (const event of rainbow.jobs.watchEvents(options, auth)) {
      events.push(event);
      if (until(events)) break;
    }
    return events;
  }
  const all = () => false;

  test('a watcher that comes and goes misses nothing and gets nothing twice', async () => {
    const total = 60;
    const submitAll = async (): Promise<void> => {
      const of = (name: string) =>
        Promise.all(
          Array.from({ length: total }, () =>
            rainbow.jobs.submit({ jobspec: ONE_CORE, credentials: both() }, as(name)),
          ),
        );
      await Promise.all([of('watcher'), of('other')]);
    };
    const submitting = submitAll();
    const jobs = (events: Event[]) => new Set(events.map(({ jobId }) => jobId)).size;
    const seen: Event[] = [];
    // Resumes after every 17 events, as one whose connection breaks.
    while (jobs(seen) < total) {
      const afterSeq = seen.at(-1)?.seq ?? '0';
      seen.push(
        ...(await read(
          { afterSeq, follow: true },
          'watcher',
          (events) => events.length === 17 || jobs([...seen, ...events]) === total,
        )),
      );
    }
    await submitting;
    seen.push(...(await read({ afterSeq: seen.at(-1)!.seq }, 'watcher', all)));
    const whole = await read({}, 'watcher', all);
    expect(seen).toEqual(whole);
    const numbers = whole.map(({ seq }) => Number(seq));
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
    expect(jobs(whole)).toBe(total);
  });

  test('operators see everything, clusters too; a job alone can be watched', async () => {
    const everything = await read({}, null, all);
    expect(everything.filter(({ subject }) => subject === 'cluster').map(({ kind }) => kind)).toContain('registered');
    const { job } = await rainbow.jobs.submit({ jobspec: ONE_CORE, credentials: both() }, as('ada'));
    const { id } = job!;
    const watching = read({ jobId: id, follow: true }, 'ada', (events) => events.at(-1)!.kind === 'canceled');
    await rainbow.jobs.cancel({ id }, as('ada'));
    const events = await watching;
    expect(events.every(({ jobId }) => jobId === id)).toBe(true);
    expect(events.at(-1)!.reason).toMatchObject({ code: 'user' });
  });

  test('batches hold the same events in the same order, for an owner and for an operator', async () => {
    for (const who of [operator, as('ada')]) {
      const single: Event[] = [];
      for await (const event of rainbow.jobs.watchEvents({}, who)) single.push(event);
      const batched: Event[] = [];
      let messages = 0;
      for await (const { events } of rainbow.jobs.watchEventBatches({}, who)) {
        messages += 1;
        batched.push(...events);
      }
      expect(batched).toEqual(single);
      expect(messages).toBeLessThan(single.length);
    }
  });

  test('a stop of the server ends those who follow', async () => {
    const other = await Rainbow.start();
    const following = failure(
      (async () => {
        for await (const _ of other.jobs.watchEvents({ follow: true }, operator)) continue;
      })(),
    );
    await other.info.getInfo({});
    await other.server.stop();
    expect((await following).code).toBe(status.UNAVAILABLE);
    await other.end();
  });
});

test('output of a job that has ended ends, of one that has none is empty', async () => {
  const { job } = await rainbow.jobs.submit({ jobspec: ONE_CORE, credentials: both() }, as('ada'));
  const { id } = job!;
  const following = (async () => {
    let chunks = 0;
    for await (const _ of rainbow.jobs.readOutput({ id, follow: true }, as('ada'))) chunks++;
    return chunks;
  })();
  await rainbow.jobs.cancel({ id }, as('ada'));
  expect(await following).toBe(0);
  const late = failure(
    (async () => {
      for await (const _ of rainbow.jobs.readOutput({ id, epoch: '9' }, as('ada'))) continue;
    })(),
  );
  expect((await late).code).toBe(status.INVALID_ARGUMENT);
});
