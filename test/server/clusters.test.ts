/** Clusters, groups, the server itself, over the wire. */
import { zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { JobState } from '../../src/gen/rainbow/v1/job_pb.js';
import { io, KEEBLER, racked } from './graphs.ts';
import { ONE_CORE, simple, yaml } from './jobspecs.ts';
import { OPERATOR, Rainbow, SECRET, user } from './rainbow.ts';
import { failure, status } from './raw-client.ts';

let rainbow: Rainbow;
beforeAll(async () => {
  rainbow = await Rainbow.start();
});
afterAll(() => rainbow.end());

const operator = { authorization: OPERATOR };
const ada = { authorization: user('ada') };

test('register, look, replace, delete', async () => {
  const registered = await rainbow.clusters.register({ name: 'red', secret: SECRET, graph: KEEBLER.text });
  expect(registered.secret).not.toBe(registered.token);
  expect(registered.cluster).toMatchObject({ name: 'red', connected: false, runner: '', subsystems: [] });
  const cores = (cluster: { resources: { type: string; total: number; free: number }[] }) =>
    cluster.resources.find(({ type }) => type === 'core');
  expect(cores(registered.cluster!)).toMatchObject({ total: 36, free: 36 });

  const secret = registered.secret;
  await rainbow.clusters.registerSubsystem({ cluster: 'red', secret, subsystem: 'io', graph: io(KEEBLER, ['node0']) });
  const twice = rainbow.clusters.registerSubsystem({
    cluster: 'red',
    secret,
    subsystem: 'io',
    graph: io(KEEBLER, ['node1']),
  });
  expect((await failure(twice)).code).toBe(status.ALREADY_EXISTS);
  const proto = rainbow.scheduler.registerSubsystem({
    name: 'red',
    secret,
    subsystem: 'io',
    nodes: io(KEEBLER, ['node1']),
  });
  expect(await failure(proto)).toEqual({
    code: status.ALREADY_EXISTS,
    message: 'subsystem io already exists for cluster red',
  });

  const wrong = rainbow.clusters.register({ name: 'red', secret: 'wrong', graph: KEEBLER.text, replace: true });
  expect((await failure(wrong)).code).toBe(status.UNAUTHENTICATED);
  const replaced = await rainbow.clusters.register({ name: 'red', secret, graph: racked(4, 12).text, replace: true });
  expect(replaced).toMatchObject({ secret: '', token: '' });
  expect(cores(replaced.cluster!)).toMatchObject({ total: 48 });
  expect((await rainbow.jobs.match({ jobspec: yaml(simple(4, 48)) })).candidates).toMatchObject([{ cluster: 'red' }]);

  await rainbow.clusters.deleteSubsystem({ cluster: 'red', secret, subsystem: 'io' });
  expect((await rainbow.clusters.get({ name: 'red' })).subsystems).toEqual([]);
  await rainbow.clusters.delete({ name: 'red', secret });
  expect((await failure(rainbow.clusters.get({ name: 'red' }))).code).toBe(status.NOT_FOUND);
});

test('a graph in pieces, cut anywhere', async () => {
  const { text } = racked(20, 24);
  const cut = Math.floor(text.length / 7) + 1;
  const pieces = Array.from({ length: 7 }, (_, i) => ({ graph: text.slice(i * cut, (i + 1) * cut) }));
  const answer = await rainbow.clusters.registerInPieces([{ name: 'pieces', secret: SECRET }, ...pieces]);
  expect(answer.cluster!.resources.find(({ type }) => type === 'core')!.total).toBe(480);
  const packed = pieces.map(({ graph }) => ({ packedGraph: zstdCompressSync(graph) }));
  const replaced = await rainbow.clusters.registerInPieces([
    { name: 'pieces', secret: answer.secret, replace: true },
    ...packed,
  ]);
  expect(replaced.cluster!.resources).toEqual(answer.cluster!.resources);
  const both = [
    { name: 'x', secret: SECRET },
    { ...pieces[0]!, ...packed[0]! },
  ];
  const refused = await failure(rainbow.clusters.registerInPieces(both));
  expect([refused.code, refused.message]).toEqual([status.INVALID_ARGUMENT, expect.stringMatching(/^packed_graph: /)]);
  const garbled = [{ name: 'x', secret: SECRET }, packed[0]!, { packedGraph: Buffer.from('{') }];
  const { code, message } = await failure(rainbow.clusters.registerInPieces(garbled));
  expect([code, message]).toEqual([status.INVALID_ARGUMENT, expect.stringMatching(/^packed_graph: .*Zstandard/)]);
  const other = rainbow.clusters.registerInPieces([
    { name: 'x', secret: SECRET },
    { name: 'y', graph: text },
  ]);
  expect((await failure(other)).code).toBe(status.INVALID_ARGUMENT);
  const denied = rainbow.clusters.registerInPieces([{ name: 'x', secret: 'wrong' }, ...pieces]);
  expect((await failure(denied)).code).toBe(status.UNAUTHENTICATED);
  await rainbow.clusters.delete({ name: 'pieces' }, operator);
});

test('state is merged, in either protocol, once or twice encoded', async () => {
  const { name, secret } = await rainbow.register('blue', KEEBLER.text);
  await rainbow.scheduler.updateState({ cluster: name, secret, payload: '{"a": 1, "b": "x"}' });
  await rainbow.scheduler.updateState({ cluster: name, secret, payload: JSON.stringify('{"b": true, "c": 2.5}') });
  const answer = await rainbow.clusters.updateState({ cluster: name, secret, state: { d: null } });
  expect(answer.state).toEqual({ a: 1, b: true, c: 2.5, d: null });
  expect((await rainbow.clusters.list({})).clusters.map(({ state }) => state)).toEqual([answer.state]);
  await rainbow.clusters.delete({ name, secret });
});

test('a group opens its clusters with one token, for both protocols', async () => {
  const [one, two] = [await rainbow.register('one', KEEBLER.text), await rainbow.register('two', KEEBLER.text)];
  const missing = rainbow.groups.create({ name: 'lab', clusters: ['one', 'nowhere'] }, operator);
  expect((await failure(missing)).code).toBe(status.NOT_FOUND);
  const { token, group } = await rainbow.groups.create({ name: 'lab', clusters: ['two', 'one', 'two'] }, operator);
  expect(group!.clusters).toEqual(['one', 'two']);
  const taken = rainbow.groups.create({ name: 'one', clusters: [] }, operator);
  expect((await failure(taken)).code).toBe(status.ALREADY_EXISTS);
  const shadow = rainbow.scheduler.register({ name: 'lab', secret: SECRET, nodes: KEEBLER.text });
  expect((await failure(shadow)).code).toBe(status.ALREADY_EXISTS);

  const { job } = await rainbow.jobs.submit({ jobspec: ONE_CORE, credentials: [{ name: 'lab', token }] }, ada);
  expect(job!.candidates).toEqual(['one', 'two']);
  const submitted = await rainbow.submit([{ name: 'lab', token, secret: '' }], ONE_CORE);
  expect(['one', 'two']).toContain(submitted.cluster);
  expect(submitted.jobid).toBeGreaterThan(0);

  const updated = await rainbow.groups.update({ name: 'lab', clusters: ['one'] }, operator);
  expect(updated.clusters).toEqual(['one']);
  const narrowed = await rainbow.jobs.submit({ jobspec: ONE_CORE, credentials: [{ name: 'lab', token }] }, ada);
  expect(narrowed.job!.candidates).toEqual(['one']);
  expect((await rainbow.groups.list({}, operator)).groups).toMatchObject([{ name: 'lab', clusters: ['one'] }]);
  await rainbow.groups.delete({ name: 'lab' }, operator);
  const gone = rainbow.jobs.submit({ jobspec: ONE_CORE, credentials: [{ name: 'lab', token }] }, ada);
  expect((await failure(gone)).message).toBe('request denied');
  for (const { name, secret } of [one, two]) await rainbow.scheduler.delete({ name, secret });
});

test('a deleted cluster takes nothing with it: its waiting jobs go back, its namesake inherits nothing', async () => {
  const one = await rainbow.register('one', KEEBLER.text);
  const two = await rainbow.register('two', KEEBLER.text);
  const credentials = [one, two].map(({ name, token }) => ({ name, token }));
  const { job } = await rainbow.jobs.submit({ jobspec: ONE_CORE, credentials }, ada);
  const held = job!.cluster === 'one' ? one : two;
  const other = held === one ? two : one;
  const deleted = await rainbow.clusters.delete({ name: held.name, secret: held.secret });
  expect(deleted).toMatchObject({ jobsReturned: 1, jobsCanceled: 0 });
  await expect.poll(async () => (await rainbow.jobs.get({ id: job!.id }, ada)).cluster).toBe(other.name);
  expect((await rainbow.jobs.get({ id: job!.id }, ada)).state).toBe(JobState.ASSIGNED);

  const namesake = await rainbow.register(held.name, KEEBLER.text);
  const polled = await rainbow.scheduler.receiveJobs({ cluster: namesake.name, secret: namesake.secret });
  expect(polled.jobs).toEqual({});
  const old = rainbow.scheduler.receiveJobs({ cluster: namesake.name, secret: held.secret });
  expect((await failure(old)).message).toBe('request denied');
  for (const name of ['one', 'two']) await rainbow.clusters.delete({ name }, operator);
});

test('an answer of ReceiveJobs stays under what the clients read; the rest comes next', async () => {
  const { name, secret, token } = await rainbow.register('bulk', KEEBLER.text);
  const jobspec = `# ${'"x" '.repeat(100_000)}\n${ONE_CORE}`;
  for (let i = 0; i < 9; i++) await rainbow.submit([{ name, secret, token }], jobspec);
  const received: string[] = [];
  const sizes: number[] = [];
  for (;;) {
    const { jobs } = await rainbow.scheduler.receiveJobs({ cluster: name, secret });
    if (Object.keys(jobs).length === 0) break;
    received.push(...Object.keys(jobs));
    sizes.push(Object.values(jobs).reduce((sum, text) => sum + Buffer.byteLength(text), 0));
    for (const text of Object.values(jobs)) expect((JSON.parse(text) as { jobspec: string }).jobspec).toBe(jobspec);
  }
  expect(received.toSorted()).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
  expect(sizes.length).toBeGreaterThan(1);
  for (const size of sizes) expect(size).toBeLessThan(3_600_000);
  const limited = await rainbow.scheduler.receiveJobs({ cluster: name, secret, maxJobs: 1 });
  expect(limited.jobs).toEqual({});
  await rainbow.clusters.delete({ name, secret });
});

test('maxJobs is kept to', async () => {
  const { name, secret, token } = await rainbow.register('few', KEEBLER.text);
  for (let i = 0; i < 5; i++) await rainbow.submit([{ name, secret, token }], ONE_CORE);
  const poll = async (maxJobs: number) =>
    Object.keys((await rainbow.scheduler.receiveJobs({ cluster: name, secret, maxJobs })).jobs).length;
  expect([await poll(2), await poll(2), await poll(-1), await poll(0)]).toEqual([2, 2, 1, 0]);
  await rainbow.clusters.delete({ name, secret });
});

test('a polling client gets the tasks of an array', async () => {
  const { name, secret, token } = await rainbow.register('tasks', KEEBLER.text);
  await rainbow.jobs.submit({ jobspec: ONE_CORE, credentials: [{ name, token }], array: '0-2' }, ada);
  const received = new Set<string>();
  const poll = async (): Promise<number> => {
    const { jobs } = await rainbow.scheduler.receiveJobs({ cluster: name, secret });
    for (const number of Object.keys(jobs)) received.add(number);
    return received.size;
  };
  await expect.poll(poll).toBe(3);
  await rainbow.clusters.delete({ name, secret });
});

test('the server says what it is', async () => {
  expect(await rainbow.info.getInfo({})).toMatchObject({
    version: '0.0.0-test',
    name: 'rainbow',
    store: 'sqlite',
    agentProtocols: [1],
    defaultPolicy: 'random',
    clientMayChoosePolicy: true,
  });
});
