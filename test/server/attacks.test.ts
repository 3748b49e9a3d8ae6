/** What the prototype let strangers do. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { io, KEEBLER } from './graphs.ts';
import { nextgen, ONE_CORE } from './jobspecs.ts';
import { OPERATOR, Rainbow, SECRET, user, type Registered } from './rainbow.ts';
import { failure, lookedAtLater, status } from './raw-client.ts';

let rainbow: Rainbow;
let red: Registered;
let blue: Registered;
beforeAll(async () => {
  rainbow = await Rainbow.start();
  red = await rainbow.register('red', KEEBLER.text);
  blue = await rainbow.register('blue', KEEBLER.text);
});
afterAll(() => rainbow.end());

const DENIED = { code: status.UNAUTHENTICATED, message: 'request denied' };

test('no name of any form opens a cluster, on any call of ours', async () => {
  for (const cluster of [`x" UNION SELECT 'red','t','s' -- `, '%', 'r_d', 'RED', "red' --", 'red\0', '']) {
    const secret = red.secret;
    const calls = [
      rainbow.clusters.register({ name: cluster, secret, graph: KEEBLER.text, replace: true }),
      rainbow.clusters.registerInPieces([{ name: cluster, secret, replace: true }, { graph: KEEBLER.text }]),
      rainbow.clusters.registerSubsystem({ cluster, secret, subsystem: 'io', graph: io(KEEBLER, ['node0']) }),
      rainbow.clusters.deleteSubsystem({ cluster, secret, subsystem: 'io' }),
      rainbow.clusters.updateState({ cluster, secret, state: { a: 1 } }),
      rainbow.clusters.delete({ name: cluster, secret }),
    ];
    for (const call of calls) expect(await failure(call)).toEqual(DENIED);
    if (cluster === '') continue;
    const submit = rainbow.jobs.submit(
      { jobspec: ONE_CORE, credentials: [{ name: cluster, token: red.token }] },
      { authorization: user('eve') },
    );
    expect(await failure(submit)).toEqual(DENIED);
  }
});

test("one cluster's secret is nothing to another, nor is its token, nor the server's", async () => {
  for (const secret of [blue.secret, red.token, SECRET, red.secret.toUpperCase(), `${red.secret} `]) {
    expect(await failure(rainbow.scheduler.updateState({ cluster: 'red', secret, payload: '{"a":1}' }))).toEqual(
      DENIED,
    );
    expect(await failure(rainbow.scheduler.delete({ name: 'red', secret }))).toEqual(DENIED);
    expect(await failure(rainbow.scheduler.receiveJobs({ cluster: 'red', secret }))).toEqual(DENIED);
  }
  for (const token of [blue.token, red.secret, SECRET, 'rainbow']) {
    const mixed = rainbow.scheduler.submitJob({
      jobspec: ONE_CORE,
      clusters: [
        { name: 'blue', token: blue.token },
        { name: 'red', token },
      ],
    });
    expect(await failure(mixed)).toEqual(DENIED);
  }
});

test('an unknown name and a wrong token are the same answer', async () => {
  const answer = (name: string, token: string) =>
    failure(rainbow.scheduler.submitJob({ jobspec: ONE_CORE, clusters: [{ name, token }] }));
  expect(await answer('red', 'wrong')).toEqual(await answer('nobody', 'wrong'));
});

test('the graph service registers nothing', async () => {
  const refused = await failure(rainbow.graph.register({ name: 'evil', payload: KEEBLER.text }));
  expect(refused.code).toBe(status.PERMISSION_DENIED);
});

test('Satisfy with a numeric field, and with fields named like methods, kills nobody', async () => {
  await rainbow.subsystem(red, 'io', io(KEEBLER, ['node0']));
  for (const field of ['size', '__proto__', 'constructor', 'toString', 'a.b.c', '..', '__proto__.polluted']) {
    for (const match of [1, '1', true]) {
      const requires = [{ name: 'io', field, match }];
      await rainbow.satisfying(nextgen({ work: { type: 'node', replicas: 1, requires } }));
    }
  }
  for (const name of ['__proto__', 'constructor', 'toString', 'cluster']) {
    const requires = [{ name, field: 'type', match: 'shm' }];
    expect(await rainbow.satisfying(nextgen({ work: { type: 'node', replicas: 1, requires } }))).toEqual([]);
  }
  expect(await rainbow.satisfying(nextgen({ work: { type: '__proto__', count: 1 } }))).toEqual([]);
});

test('policies and their options cannot be reached through prototypes, nor kept for others', async () => {
  for (const selectAlgorithm of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    const refused = await failure(rainbow.submit([red], ONE_CORE, { selectAlgorithm }));
    expect(refused).toEqual({
      code: status.INVALID_ARGUMENT,
      message: `did not find algorithm named ${selectAlgorithm}`,
    });
  }
  const mine = {
    selectAlgorithm: 'constraint',
    selectOptions: { priorities: '[{"priority": 1, "steps": [{"filter": "false"}, {"select": "first"}]}]' },
  };
  await rainbow.scheduler.updateState({ cluster: 'red', secret: red.secret, payload: '{"a": 1}' });
  expect((await failure(rainbow.submit([red], ONE_CORE, mine))).message).toBe('no clusters passed selection');
  expect((await rainbow.submit([red], ONE_CORE)).cluster).toBe('red');
});

test('strangers read no jobs', async () => {
  const ada = { authorization: user('ada') };
  const eve = { authorization: user('eve') };
  const credentials = [{ name: 'red', token: red.token }];
  const { job } = await rainbow.jobs.submit({ jobspec: ONE_CORE, credentials }, ada);
  const id = job!.id;
  const first = (stream: AsyncIterable<unknown>): Promise<void> =>
    lookedAtLater(
      (async () => {
        for await (const _ of stream) return;
      })(),
    );
  const asEve = [
    rainbow.jobs.get({ id }, eve),
    rainbow.jobs.cancel({ id }, eve),
    rainbow.jobs.explain({ id }, eve),
    first(rainbow.jobs.watchEvents({ jobId: id }, eve)),
    first(rainbow.jobs.readOutput({ id }, eve)),
  ];
  const nobody = await failure(rainbow.jobs.get({ id: '999999' }, eve));
  expect(nobody.code).toBe(status.NOT_FOUND);
  for (const call of asEve) {
    const refused = await failure(call);
    expect(refused.code).toBe(status.NOT_FOUND);
    expect(refused.message.replace(id, '999999')).toBe(nobody.message);
  }
  for (const options of [
    {},
    { authorization: 'Bearer nonsense' },
    { authorization: `Bearer ${red.secret}` },
    { authorization: 'Basic x' },
  ]) {
    for (const call of [rainbow.jobs.get({ id }, options), rainbow.jobs.list({}, options)]) {
      expect((await failure(call)).code).toBe(status.UNAUTHENTICATED);
    }
  }
  expect((await failure(rainbow.jobs.list({ all: true }, eve))).code).toBe(status.PERMISSION_DENIED);
  expect((await failure(rainbow.groups.list({}, eve))).code).toBe(status.PERMISSION_DENIED);
  expect((await failure(rainbow.groups.list({}))).code).toBe(status.UNAUTHENTICATED);
  expect((await rainbow.jobs.get({ id }, { authorization: OPERATOR })).id).toBe(id);
  expect((await rainbow.jobs.get({ id }, ada)).jobspec).toBe(ONE_CORE);
});

test('a token lets one submit there and nowhere else', async () => {
  const credentials = [{ name: 'red', token: red.token }];
  const ada = { authorization: user('ada') };
  for (const other of ['blue', 'nobody']) {
    const refused = await failure(rainbow.jobs.submit({ jobspec: ONE_CORE, credentials, clusters: [other] }, ada));
    expect(refused.code).toBe(status.PERMISSION_DENIED);
    expect(refused.message).toContain(`"${other}"`);
  }
});

test('guessing is slowed down, for the name that is guessed at and nobody else', async () => {
  const codes = new Set<number>();
  for (let i = 0; i < 150; i++) {
    codes.add((await failure(rainbow.scheduler.receiveJobs({ cluster: 'guessed', secret: `${i}` }))).code);
  }
  expect([...codes].toSorted((a, b) => a - b)).toEqual([status.RESOURCE_EXHAUSTED, status.UNAUTHENTICATED]);
  await rainbow.scheduler.receiveJobs({ cluster: 'red', secret: red.secret });
});

test('wrong tries hold up nobody at that address who has the right secret or token', async () => {
  const green = await rainbow.register('green', KEEBLER.text);
  const wrong = [
    () => rainbow.scheduler.receiveJobs({ cluster: 'green', secret: 'wrong' }),
    () => rainbow.jobs.list({ all: true }, { authorization: 'Bearer wrong' }),
    () => rainbow.submit([{ ...blue, token: 'wrong' }], ONE_CORE),
  ];
  for (const attempt of wrong) {
    const codes = new Set<number>();
    for (let i = 0; i < 150 && !codes.has(status.RESOURCE_EXHAUSTED); i++) codes.add((await failure(attempt())).code);
    expect([...codes]).toEqual([status.UNAUTHENTICATED, status.RESOURCE_EXHAUSTED]);
  }
  await rainbow.scheduler.receiveJobs({ cluster: 'green', secret: green.secret });
  await rainbow.jobs.list({ all: true }, { authorization: OPERATOR });
  await rainbow.register('yellow', KEEBLER.text);
  expect((await rainbow.submit([green, blue], ONE_CORE)).jobid).toBeGreaterThan(0);
});

test('no secret is in the log or in the database', async () => {
  await rainbow.jobs.list({ all: true }, { authorization: OPERATOR });
  const { token } = await rainbow.groups.create({ name: 'both', clusters: ['red'] }, { authorization: OPERATOR });
  const files = await Promise.all(
    ['rainbow.db', 'rainbow.db-wal'].map((name) => readFile(join(rainbow.folder, name), 'latin1').catch(() => '')),
  );
  expect(files.join('')).toContain('both');
  expect(rainbow.logged).toContain('register');
  for (const secret of [red.secret, red.token, blue.secret, blue.token, token, SECRET, user('ada').slice(7)]) {
    expect(rainbow.logged).not.toContain(secret);
    for (const file of files) expect(file).not.toContain(secret);
  }
});
