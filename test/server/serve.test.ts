/** The server's settings, its start and its stop. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ServerService } from '../../src/gen/rainbow/v1/server_pb.js';
import { serve, type ServeOptions } from '../../src/server/serve.ts';
import { realSystem } from '../../src/system/real.ts';
import { KEEBLER } from './graphs.ts';
import { ONE_CORE } from './jobspecs.ts';
import { Rainbow, SECRET, user } from './rainbow.ts';
import { connect, failure, status } from './raw-client.ts';

let rainbow: Rainbow | null = null;
afterEach(async () => {
  await rainbow?.end();
  rainbow = null;
});

const PRIORITIES = (steps: object[]): Record<string, string> => ({
  priorities: JSON.stringify([{ priority: 1, steps }]),
});

test.each([
  [{ policy: 'astrology' }, /selection policy cannot be used: did not find algorithm named astrology/],
  [{ policy: 'constraint' }, /selection policy cannot be used: .*priorities/],
  [{ policy: 'constraint', policyOptions: PRIORITIES([{ filter: '1 +' }]) }, /selection policy cannot be used/],
  [{ leaseSeconds: 0 }, /lease/],
  [{ leaseSeconds: Number.NaN }, /lease/],
  [{ secret: '' }, /secret is empty/],
  [{ secret: user('x').slice(7) }, /form of a user key/],
  [{ globalToken: '' }, /global token is empty/],
  [{ host: 'localhost:99999999' }, /localhost:99999999/],
] satisfies [Partial<ServeOptions>, RegExp][])('a start with %j is refused', async (options, message) => {
  const folder = await mkdtemp(join(tmpdir(), 'rainbow-test-'));
  try {
    const start = serve(
      { host: '127.0.0.1:0', database: join(folder, 'db'), version: '0', logLevel: 'silent', ...options },
      realSystem,
    );
    await expect(start).rejects.toThrow(message);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a secret that nobody gave is made and told; one that was given is not', async () => {
  rainbow = await Rainbow.start({ secret: null });
  const made = rainbow.server.secretToShow!;
  expect(made).toMatch(/^[0-9a-f-]{36}$/);
  expect((await failure(rainbow.register('red', KEEBLER.text))).message).toBe('request denied');
  await rainbow.scheduler.register({ name: 'red', secret: made, nodes: KEEBLER.text });
  expect(rainbow.logged).not.toContain(made);
  // It holds for the next start of the same store, and is not shown again.
  await rainbow.restart();
  expect(rainbow.server.secretToShow).toBeNull();
  await rainbow.scheduler.register({ name: 'blue', secret: made, nodes: KEEBLER.text });
  await rainbow.end();
  rainbow = await Rainbow.start();
  expect(rainbow.server.secretToShow).toBeNull();
});

test("the global token is everybody's token, only when asked for", async () => {
  rainbow = await Rainbow.start({ globalToken: 'rainbow' });
  const [red, blue] = [await rainbow.register('red', KEEBLER.text), await rainbow.register('blue', KEEBLER.text)];
  expect([red.token, blue.token]).toEqual(['rainbow', 'rainbow']);
  expect(red.secret).not.toBe(blue.secret);
  await rainbow.submit([red, blue], ONE_CORE);
});

test("a client's policy is refused or ignored where the operator says so", async () => {
  const policyOptions = PRIORITIES([{ filter: 'nodes_free > 0' }, { select: 'first' }]);
  rainbow = await Rainbow.start({ policy: 'constraint', policyOptions, clientMayChoosePolicy: false });
  const [red, blue] = [await rainbow.register('red', KEEBLER.text), await rainbow.register('blue', KEEBLER.text)];
  await rainbow.scheduler.updateState({ cluster: 'blue', secret: blue.secret, payload: '{"nodes_free": 1}' });
  for (let i = 0; i < 4; i++) {
    const answer = await rainbow.submit([red, blue], ONE_CORE, {
      selectAlgorithm: 'random',
      selectOptions: { a: 'b' },
    });
    expect(answer.cluster).toBe('blue');
  }
  const credentials = [{ name: 'red', token: red.token }];
  const own = rainbow.jobs.submit({ jobspec: ONE_CORE, credentials, policy: 'random' }, { authorization: user('ada') });
  expect((await failure(own)).code).toBe(status.PERMISSION_DENIED);
});

test("a client that names the server's own policy gets it with the server's options", async () => {
  const policyOptions = PRIORITIES([{ filter: 'nodes_free > 0' }, { select: 'first' }]);
  rainbow = await Rainbow.start({ policy: 'constraint', policyOptions });
  const red = await rainbow.register('red', KEEBLER.text);
  await rainbow.scheduler.updateState({ cluster: 'red', secret: red.secret, payload: '{"nodes_free": 1}' });
  expect((await rainbow.submit([red], ONE_CORE, { selectAlgorithm: 'constraint' })).cluster).toBe('red');
});

test('what is under way when the server stops is answered, and what was answered is there', async () => {
  rainbow = await Rainbow.start();
  const red = await rainbow.register('red', KEEBLER.text);
  const submits = Array.from({ length: 200 }, () =>
    rainbow!.submit([red], ONE_CORE).then(
      ({ jobid }) => jobid,
      (error: { code: number }) => {
        const ends: number[] = [status.UNAVAILABLE, status.CANCELLED];
        if (!ends.includes(error.code)) throw error;
        return null;
      },
    ),
  );
  await Promise.race(submits);
  await rainbow.server.stop();
  const acknowledged = (await Promise.all(submits)).filter((id) => id !== null);
  expect(acknowledged.length).toBeGreaterThan(0);
  await rainbow.restart();
  const { jobs } = await rainbow.scheduler.receiveJobs({ cluster: 'red', secret: red.secret });
  for (const id of acknowledged) expect(jobs).toHaveProperty(String(id));
});

test('a stop twice is one stop, and the port is free after it', async () => {
  rainbow = await Rainbow.start();
  const { server } = rainbow;
  await Promise.all([server.stop(), server.stop()]);
  const second = await serve(
    { host: `127.0.0.1:${server.port}`, database: ':memory:', secret: SECRET, version: '0', logLevel: 'silent' },
    realSystem,
  );
  const connection = connect(second.address);
  expect((await connection.client(ServerService).getInfo({})).store).toBe('memory');
  connection.close();
  await second.stop();
});

test('one server per file: a second is refused, and says why; after the first it may', async () => {
  rainbow = await Rainbow.start();
  const options = {
    host: '127.0.0.1:0',
    database: join(rainbow.folder, 'rainbow.db'),
    version: '0',
    logLevel: 'silent',
  } as const;
  await expect(serve(options, realSystem)).rejects.toThrow(/another server has the store .*rainbow\.db open/);
  await rainbow.close();
  const second = await serve(options, realSystem);
  await second.stop();
});

test('a start that failed keeps no secret that nobody has seen', async () => {
  rainbow = await Rainbow.start();
  const folder = await mkdtemp(join(tmpdir(), 'rainbow-test-'));
  try {
    const options = { database: join(folder, 'db'), version: '0', logLevel: 'silent' } as const;
    await expect(serve({ ...options, host: rainbow.server.address }, realSystem)).rejects.toThrow(/is taken/);
    const good = await serve({ ...options, host: '127.0.0.1:0' }, realSystem);
    expect(good.secretToShow).toMatch(/^[0-9a-f-]{36}$/);
    await good.stop();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
