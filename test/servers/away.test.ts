/** Servers that were away, as processes of their own: what they have missed meanwhile they make up for. */
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { JobState } from '../../src/gen/rainbow/v1/job_pb.js';
import { localPostgres } from '../../src/store/testing/postgres.ts';
import { startProxy, type Fault } from '../../src/store/testing/proxy.ts';
import { skipWithout } from '../needs.ts';
import { buried, openFleet, type Differences, type Fleet, type Machine, type Worker } from './fleet.ts';
import { untilHolds } from '../../src/system/testing/until.ts';

const { postgres, missing } = await localPostgres();
afterAll(() => postgres?.remove());

async function fleetOf(
  servers: number,
  differences: (number: number, database: string) => ReturnType<Differences> = () => ({}),
): Promise<Fleet> {
  const url = await postgres!.newDatabase();
  const fleet = await openFleet(url, servers, (number) => differences(number, url));
  onTestFinished(() => fleet.close());
  return fleet;
}

async function freeCores({ client }: Machine): Promise<number> {
  const { resources } = await client.clusters.get({ name: 'red' });
  return Number(resources.find(({ type }) => type === 'core')?.free);
}

describe.skipIf(skipWithout('postgres', missing))('a server that cannot reach the database any more', () => {
  // It takes a while until a server has found out that nothing will be answered.
  const FAULT: Fault = process.env['RAINBOW_SOAK'] === undefined ? 'refused' : 'frozen';

  test('says so with a hint when to ask again; its agents go elsewhere; it goes on by itself when it can', async () => {
    const proxy = await startProxy(postgres!.port);
    onTestFinished(() => proxy.close());
    const fleet = await fleetOf(2, (number, database) => (number === 1 ? { database: proxy.through(database) } : {}));
    const [one, two] = fleet.machines as [Machine, Machine];
    const names = ['red', 'blue', 'green', 'grey'];
    const secrets = await Promise.all(names.map((name) => fleet.register(name)));
    const workers = names.map((name, n) => fleet.agent(name, secrets[n]!.secret, null));
    const ids: string[] = [];
    for (const { name, native } of workers) {
      const { job } = await one.client.jobs.submit({ jobspec: fleet.jobspec, clusters: [name] });
      ids.push(job!.id);
      await untilHolds(() => expect(native.jobs.has(`${job!.id}.1`)).toBe(true));
      native.run(`${job!.id}.1`);
    }
    proxy.fault = FAULT;
    if (FAULT === 'refused') proxy.cut();
    const ask = (): Promise<Response> =>
      fetch(`http://${two.address}/rainbow.v1.JobService/Get`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer several-servers' },
        body: JSON.stringify({ id: ids[0] }),
      });
    await untilHolds(async () => {
      const answer = await ask();
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    });
    // Agents that have nothing to say are let go, too: after ten seconds.
    for (const { name, native } of FAULT === 'frozen' ? workers : []) {
      const { job } = await one.client.jobs.submit({ jobspec: fleet.jobspec, clusters: [name] });
      ids.push(job!.id);
      await untilHolds(() => expect(native.jobs.has(`${job!.id}.1`)).toBe(true));
      native.run(`${job!.id}.1`);
    }
    // What runs ends, and is reported where there is a database.
    for (const [n, id] of ids.entries()) workers[n % workers.length]!.native.end(`${id}.1`, { exitCode: 0 });
    for (const id of ids) {
      await untilHolds(async () => expect((await one.client.jobs.get({ id })).state).toBe(JobState.COMPLETED));
    }
    proxy.fault = 'none';
    await untilHolds(async () => expect((await ask()).status).toBe(200));
    await untilHolds(async () => expect(await freeCores(two)).toBe(16));
  });
});

describe.skipIf(skipWithout('postgres', missing))('a server that dies', () => {
  test('has what it answered done by the others: a cancel, the output that is followed, the tasks of an array', async () => {
    const fleet = await fleetOf(2);
    const [one, two] = fleet.machines as [Machine, Machine];
    const names = ['red', 'blue', 'green', 'grey'];
    const secrets = await Promise.all(names.map((name) => fleet.register(name)));
    const workers = names.map((name, n) => fleet.agent(name, secrets[n]!.secret, null));
    const running: { id: string; key: string; native: Worker['native'] }[] = [];
    for (const { name, native } of workers) {
      const { job } = await two.client.jobs.submit({ jobspec: fleet.jobspec, clusters: [name] });
      const key = `${job!.id}.1`;
      await untilHolds(() => expect(native.jobs.has(key)).toBe(true));
      native.run(key);
      running.push({ id: job!.id, key, native });
    }
    // Output is followed at the one that stays, wherever the streams are; they move to it.
    const read = running.map(async ({ id }) => {
      let text = '';
      for await (const { data } of one.client.jobs.readOutput({ id, follow: true })) {
        text += Buffer.from(data).toString();
        if (text.endsWith('!')) break;
      }
      return text;
    });
    const { job: array } = await two.client.jobs.submit({ jobspec: fleet.jobspec, array: '0-9%2' });
    await Promise.all(running.slice(0, 2).map(({ id }) => two.client.jobs.cancel({ id })));
    await two.kill();
    for (const { key, native } of running.slice(0, 2)) {
      await untilHolds(() => expect(native.stopped.map((stopped) => stopped.key)).toContain(key));
    }
    for (const { key, native } of running) native.write(key, 'on and on!');
    expect(await Promise.all(read.slice(2))).toEqual(['on and on!', 'on and on!']);
    for (const { id } of running.slice(0, 2)) {
      await untilHolds(async () => expect((await one.client.jobs.get({ id })).state).toBe(JobState.CANCELED));
    }
    await untilHolds(async () => {
      for (const { native } of workers) {
        for (const [key, { status }] of native.jobs) {
          if (running.some((each) => each.key === key) || status.state === 'ended') continue;
          native.run(key);
          native.end(key, { exitCode: 0 });
        }
      }
      expect((await one.client.jobs.get({ id: array!.id })).state).toBe(JobState.COMPLETED);
    });
    for (const { native } of workers) expect([...native.submitted.values()].every((times) => times === 1)).toBe(true);
  });
});

describe.skipIf(skipWithout('postgres', missing))('a server that was stopped', () => {
  test('while others deleted what it has not seen looks at everything anew', async () => {
    const retention = { days: null, count: 0, every: 1 };
    const fleet = await fleetOf(2, (number) => (number === 0 ? { scheduler: { retention } } : {}));
    const [one, two] = fleet.machines as [Machine, Machine];
    await fleet.register('red');
    await untilHolds(async () => expect(await freeCores(two)).toBe(16));
    const { job } = await one.client.jobs.submit({ jobspec: fleet.jobspec });
    await untilHolds(async () => expect(await freeCores(two)).toBe(15));
    two.freeze();
    try {
      await buried(postgres!, fleet.database, 1);
      // Ended, and deleted with all of its events.
      await one.client.jobs.cancel({ id: job!.id });
      await untilHolds(() => expect(one.client.jobs.get({ id: job!.id })).rejects.toMatchObject({ code: 'not_found' }));
    } finally {
      two.thaw();
    }
    await untilHolds(async () => expect(await freeCores(two)).toBe(16));
    expect(fleet.said.join('\n')).toContain('compared with the store');
    // And it goes on following.
    await one.client.jobs.submit({ jobspec: fleet.jobspec });
    await untilHolds(async () => expect(await freeCores(two)).toBe(15));
  });

  test('is left by its agents at once, wherever their streams were; what was decided there is run elsewhere', async () => {
    const fleet = await fleetOf(2);
    const [one, two] = fleet.machines as [Machine, Machine];
    // Streams that were just opened, and such as are being opened.
    const secrets = await Promise.all(['red', 'blue', 'green', 'grey'].map((name) => fleet.register(name)));
    const workers = ['red', 'blue', 'green', 'grey'].map((name, n) => fleet.agent(name, secrets[n]!.secret, null));
    two.freeze();
    try {
      for (const { name, native } of workers) {
        const { job } = await one.client.jobs.submit({ jobspec: fleet.jobspec, clusters: [name] });
        await untilHolds(() => expect(native.jobs.has(`${job!.id}.1`)).toBe(true));
        expect((await one.client.jobs.get({ id: job!.id })).state).not.toBe(JobState.PENDING);
      }
    } finally {
      two.thaw();
    }
  });
});
