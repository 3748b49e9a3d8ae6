/** Large graphs over the wire: everybody else is answered while one comes, and nothing is left of one that does not. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient, type RainbowClient } from '../../src/client/client.ts';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { KEEBLER } from './graphs.ts';
import { ONE_CORE } from './jobspecs.ts';
import { OPERATOR, Rainbow, SECRET, user } from './rainbow.ts';
import { failure, status } from './raw-client.ts';

/** 13 MB, 41,000 vertices: beyond what is read at once. */
const NODES = 1_000;
const LARGE = generateGraph({ name: 'large', racks: 8, nodes: NODES, coresPerNode: 36, gpusPerNode: 3 });
const PIECE = 300_000;
const operator = { authorization: OPERATOR };
const ada = { authorization: user('ada') };

let rainbow: Rainbow;
let client: RainbowClient;
beforeAll(async () => {
  rainbow = await Rainbow.start();
  client = createClient({ host: rainbow.server.address });
});
afterAll(async () => {
  client.close();
  await rainbow.end();
});

interface Gate {
  readonly passed: Promise<void>;
  open(): void;
}

function gate(): Gate {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

/** The messages of a registration; half of them wait behind the gate, and `half` opens once the others are taken. */
async function* messages(
  first: { name: string; secret: string; replace?: boolean },
  text: string,
  half: Gate,
  rest: Gate,
) {
  yield { ...first, graph: '' };
  for (let at = 0; at < text.length; at += PIECE) {
    if (at >= text.length / 2) {
      half.open();
      await rest.passed;
    }
    yield { graph: text.slice(at, at + PIECE) };
  }
}

async function names(): Promise<string[]> {
  return (await rainbow.clusters.list({})).clusters.map(({ name }) => name);
}

async function total(name: string, type: string): Promise<number | undefined> {
  const { resources } = await rainbow.clusters.get({ name });
  return resources.find((count) => count.type === type)?.total;
}

test('others register, match, submit and report while a large graph comes, and while it is read', async () => {
  const [half, rest] = [gate(), gate()];
  const registering = client.clusters.registerInPieces(messages({ name: 'large', secret: SECRET }, LARGE, half, rest), {
    timeoutMs: 60_000,
  });
  const end = { isDone: false };
  void registering.finally(() => (end.isDone = true)).catch(() => undefined);
  await half.passed;
  const small = await rainbow.register('small', KEEBLER.text);
  expect(await names()).toEqual(['small']);
  const { job } = await rainbow.jobs.submit({ jobspec: ONE_CORE, credentials: [small] }, ada);
  expect(job!.cluster).toBe('small');
  await rainbow.clusters.updateState({ cluster: 'small', secret: small.secret, state: { nodes_free: 1 } });
  expect(end.isDone).toBe(false);

  rest.open();
  let answered = 0;
  for (; !end.isDone; answered++)
    expect((await rainbow.jobs.match({ jobspec: ONE_CORE })).candidates.length).toBeGreaterThan(0);
  expect(answered).toBeGreaterThan(10);
  const { cluster } = await registering;
  expect(cluster!.resources.find(({ type }) => type === 'core')).toMatchObject({ total: NODES * 36, free: NODES * 36 });
  const { candidates } = await rainbow.jobs.match(
    { jobspec: ONE_CORE, clusters: ['large'], placement: true },
    operator,
  );
  expect(candidates[0]!.placement).toMatchObject({ execution: { nodelist: [expect.stringMatching(/^node\d+$/)] } });
}, 120_000);

test('a restart has it again, with what hangs on it and what is taken of it', async () => {
  const subsystem = {
    graph: {
      nodes: { s: { metadata: { type: 'storage', name: 'fast' } } },
      edges: [{ source: '0', target: 's', relation: 'contains' }],
    },
  };
  const { secret } = await rainbow.clusters
    .delete({ name: 'large' }, operator)
    .then(() => rainbow.clusters.register({ name: 'large', secret: SECRET, graph: LARGE }));
  await rainbow.clusters.registerSubsystem({
    cluster: 'large',
    secret,
    subsystem: 'io',
    graph: JSON.stringify(subsystem),
  });
  const before = (await rainbow.clusters.get({ name: 'large' })).resources;
  client.close();
  await rainbow.restart();
  client = createClient({ host: rainbow.server.address });
  const after = await rainbow.clusters.get({ name: 'large' });
  expect(after.resources).toEqual(before);
  expect(after.subsystems).toEqual(['io']);
  const { candidates } = await rainbow.jobs.match({ jobspec: ONE_CORE, clusters: ['large'] });
  expect(candidates).toMatchObject([{ cluster: 'large' }]);
}, 120_000);

test('deleted while its new graph comes: the graph has no cluster any more, also where another has its name', async () => {
  const { secret } = await rainbow.register('gone', KEEBLER.text);
  const [half, rest] = [gate(), gate()];
  const replacing = failure(
    client.clusters.registerInPieces(messages({ name: 'gone', secret, replace: true }, LARGE, half, rest)),
  );
  await half.passed;
  await rainbow.clusters.delete({ name: 'gone', secret });
  expect(await names()).not.toContain('gone');
  await rainbow.register('gone', KEEBLER.text);
  rest.open();
  expect(await replacing).toMatchObject({ code: 'not_found' });
  expect(await total('gone', 'core')).toBe(36);
}, 120_000);

test('while a new graph comes the earlier one serves, and what is written meanwhile stays', async () => {
  const { secret, token } = await rainbow.register('busy', KEEBLER.text);
  const [half, rest] = [gate(), gate()];
  const replacing = client.clusters.registerInPieces(
    messages({ name: 'busy', secret, replace: true }, LARGE, half, rest),
  );
  await half.passed;
  const second = { name: 'busy', secret, replace: true };
  expect(await failure(client.clusters.registerInPieces(messages(second, LARGE, gate(), rest)))).toMatchObject({
    code: 'aborted',
  });
  await rainbow.clusters.updateState({ cluster: 'busy', secret, state: { a: 1 } });
  const { job } = await rainbow.jobs.submit({ jobspec: ONE_CORE, credentials: [{ name: 'busy', token }] }, ada);
  expect(job!.cluster).toBe('busy');
  rest.open();
  await replacing;
  expect(await total('busy', 'core')).toBe(NODES * 36);
  expect((await rainbow.clusters.get({ name: 'busy' })).state).toEqual({ a: 1 });
}, 120_000);

test('a graph that breaks off, or is wrong far behind, leaves nothing but its place', async () => {
  const [half, rest] = [gate(), gate()];
  const leaving = new AbortController();
  const left = failure(
    client.clusters.registerInPieces(messages({ name: 'left', secret: SECRET }, LARGE, half, rest), {
      signal: leaving.signal,
    }),
  );
  await half.passed;
  leaving.abort();
  await left;
  rest.open();
  const lines = LARGE.split('\n');
  const line = lines.length - 5;
  lines[line - 1] = '{"source":"0","target":},';
  const open = gate();
  open.open();
  const wrong = client.clusters.registerInPieces(
    messages({ name: 'left', secret: SECRET }, lines.join('\n'), open, open),
  );
  await expect(wrong).rejects.toMatchObject({
    code: 'invalid_input',
    message: expect.stringContaining(`line ${line}, column 24`),
  });
  const unary = failure(rainbow.clusters.register({ name: 'left', secret: SECRET, graph: LARGE.slice(0, -20) }));
  expect(await unary).toMatchObject({ code: status.INVALID_ARGUMENT, message: expect.stringContaining('too early') });
  expect(await names()).not.toContain('left');
  await rainbow.register('left', KEEBLER.text);
}, 120_000);
