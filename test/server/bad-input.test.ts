/** Bad input: a clear error with the right code and the place; nothing half written; the server lives. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { JobState } from '../../src/gen/rainbow/v1/job_pb.js';
import { KEEBLER } from './graphs.ts';
import { nextgen, ONE_CORE, yaml } from './jobspecs.ts';
import { OPERATOR, Rainbow, SECRET, user, type Registered } from './rainbow.ts';
import { failure, status } from './raw-client.ts';

let rainbow: Rainbow;
let keebler: Registered;
let version: string;
beforeAll(async () => {
  rainbow = await Rainbow.start();
  keebler = await rainbow.register('keebler', KEEBLER.text);
  version = (await rainbow.clusters.get({ name: 'keebler' })).graphVersion;
});
afterAll(() => rainbow.end());

/** Whatever was sent: one cluster as it was, no job, and the server answers. */
afterEach(async () => {
  const { clusters } = await rainbow.clusters.list({});
  const { jobs } = await rainbow.jobs.list({ all: true }, { authorization: OPERATOR });
  const [only] = clusters;
  const untouched =
    clusters.length === 1 &&
    only!.name === 'keebler' &&
    only!.graphVersion === version &&
    only!.subsystems.length === 0;
  if (!untouched || jobs.length > 0)
    throw new Error(`something was written: ${clusters.length} clusters, ${jobs.length} jobs`);
});

type Graph = {
  graph: { nodes: Record<string, { metadata: Record<string, unknown> }>; edges: Record<string, string>[] };
};

function changed(change: (graph: Graph['graph']) => void): string {
  const jgf = JSON.parse(KEEBLER.text) as Graph;
  change(jgf.graph);
  return JSON.stringify(jgf);
}

const contains = (source: string, target: string): Record<string, string> => ({ source, target, relation: 'contains' });

const deep = JSON.stringify({
  graph: {
    nodes: Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [`${i}`, { metadata: { type: i === 0 ? 'cluster' : 'rack' } }]),
    ),
    edges: Array.from({ length: 9_999 }, (_, i) => contains(`${i}`, `${i + 1}`)),
  },
});

const graphs: Record<string, string> = {
  'not JSON': '{"graph":',
  'JSON, but no graph': '[1, 2, 3]',
  'JSON nested ten thousand deep': '['.repeat(10_000) + ']'.repeat(10_000),
  'no vertex': '{"graph":{"nodes":{},"edges":[]}}',
  'a cycle': changed(({ edges }) => edges.push(contains('3', '1'))),
  'a cycle through the root': changed(({ edges }) => edges.push(contains('5', '0'))),
  'a vertex that contains itself': changed(({ edges }) => edges.push(contains('3', '3'))),
  'two parents': changed(({ edges }) => edges.push(contains('2', '20'))),
  'two roots': changed(({ nodes }) => void (nodes['lonely'] = { metadata: { type: 'node' } })),
  'an edge from nowhere': changed(({ edges }) => edges.push(contains('nowhere', '1'))),
  'a type that is no text': changed(({ nodes }) => void (nodes['2']!.metadata['type'] = 5)),
  'a negative size': changed(({ nodes }) => void (nodes['2']!.metadata['size'] = -1)),
  'a size that is no whole number': changed(({ nodes }) => void (nodes['2']!.metadata['size'] = 1.5)),
  'an enormous size': changed(({ nodes }) => void (nodes['2']!.metadata['size'] = 1e300)),
  'ten thousand levels': deep,
};

test.each(Object.entries(graphs))('a graph with %s', async (_what, nodes) => {
  const register = await failure(rainbow.scheduler.register({ name: 'bad', secret: SECRET, nodes }));
  expect(register.code).toBe(status.INVALID_ARGUMENT);
  expect(register.message).toMatch(/^cluster nodes are invalid: .+/);
  const own = await failure(rainbow.clusters.register({ name: 'bad', secret: SECRET, graph: nodes }));
  expect(own.code).toBe(status.INVALID_ARGUMENT);
  const replace = await failure(
    rainbow.clusters.register({ name: 'keebler', secret: keebler.secret, graph: nodes, replace: true }),
  );
  expect(replace.code).toBe(status.INVALID_ARGUMENT);
});

const subsystems: Record<string, string> = {
  'not JSON': 'nonsense',
  'no vertex': '{"graph":{"nodes":{},"edges":[]}}',
  'an edge that leads to no vertex of the cluster': JSON.stringify({
    graph: { nodes: { s0: { metadata: { type: 'io' } } }, edges: [contains('nowhere', 's0')] },
  }),
  'an id that the cluster has': JSON.stringify({
    graph: { nodes: { '0': { metadata: { type: 'io' } } }, edges: [contains('1', '0')] },
  }),
};

test.each(Object.entries(subsystems))('a subsystem with %s', async (_what, nodes) => {
  const { name, secret } = keebler;
  const refused = await failure(rainbow.scheduler.registerSubsystem({ name, secret, subsystem: 'io', nodes }));
  expect(refused.code).toBe(status.INVALID_ARGUMENT);
  expect(refused.message).toMatch(/^cluster nodes are invalid: .+/);
  const own = rainbow.clusters.registerSubsystem({ cluster: name, secret, subsystem: 'io', graph: nodes });
  expect((await failure(own)).code).toBe(status.INVALID_ARGUMENT);
});

const node = (more: object): string => yaml(nextgen({ work: { type: 'node', ...more } }));
const jobspecs: Record<string, string> = {
  'nothing in it': '',
  'YAML that does not parse': 'version: 1\nresources: {work: [',
  'no mapping': '- a\n- b\n',
  'an unknown version': yaml({ ...(JSON.parse(node({ count: 1 })) as object), version: 999 }),
  'a negative count': node({ count: -1 }),
  'a count of zero': node({ count: 0 }),
  'a count that is not a number': node({ count: 'many' }),
  'an enormous count': node({ count: 1e300 }),
  'a fraction of a node': node({ count: 1.5 }),
  'a requirement without a field': node({ count: 1, requires: [{ name: 'io', match: 'shm' }] }),
  'an alias bomb': `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\nversion: 1\n`,
  'ten thousand levels': '['.repeat(10_000) + ']'.repeat(10_000),
};

test.each(Object.entries(jobspecs))('a jobspec with %s', async (_what, jobspec) => {
  const credentials = [{ name: keebler.name, token: keebler.token }];
  const calls = [
    rainbow.submit([keebler], jobspec),
    rainbow.submit([keebler], jobspec, { satisfyOnly: true }),
    rainbow.jobs.submit({ jobspec, credentials }, { authorization: user('ada') }),
    rainbow.jobs.match({ jobspec }),
  ];
  for (const call of calls) {
    const refused = await failure(call);
    expect(refused.code).toBe(status.INVALID_ARGUMENT);
    expect(refused.message).not.toBe('');
  }
});

test.each(['', '{', '[]', '"text"', '{"version": 1, "resources": 5}', 'version: 1'])(
  'Satisfy of %j',
  async (payload) => {
    expect((await failure(rainbow.graph.satisfy({ payload }))).code).toBe(status.INVALID_ARGUMENT);
  },
);

test('Satisfy with an unknown matcher', async () => {
  const refused = await failure(rainbow.graph.satisfy({ payload: node({ count: 1 }), matcher: 'psychic' }));
  expect(refused).toEqual({ code: status.INVALID_ARGUMENT, message: 'did not find algorithm named psychic' });
});

const NAMES = [
  '',
  'it"s',
  "it's",
  '50%',
  'two\nlines',
  'nul\0',
  '-dash',
  '.dot',
  'a'.repeat(64),
  'ünïcode',
  'a/b',
  '../etc',
];

test.each(NAMES)('the name %j for a cluster, a group and a subsystem', async (name) => {
  const operator = { authorization: OPERATOR };
  const calls = [
    rainbow.scheduler.register({ name, secret: SECRET, nodes: KEEBLER.text }),
    rainbow.clusters.register({ name, secret: SECRET, graph: KEEBLER.text }),
    rainbow.groups.create({ name, clusters: [] }, operator),
    rainbow.groups.create({ name: 'group', clusters: [name] }, operator),
    rainbow.groups.update({ name, clusters: [] }, operator),
    rainbow.groups.delete({ name }, operator),
    rainbow.scheduler.registerSubsystem({
      name: 'keebler',
      secret: keebler.secret,
      subsystem: name,
      nodes: '{"graph":{"nodes":{"s":{"metadata":{"type":"io"}}},"edges":[]}}',
    }),
  ];
  for (const call of calls) expect((await failure(call)).code).toBe(status.INVALID_ARGUMENT);
  expect((await failure(rainbow.clusters.get({ name }))).code).toBe(status.NOT_FOUND);
});

test('the dominant subsystem can be neither registered nor deleted', async () => {
  const { name, secret } = keebler;
  const calls = [
    rainbow.scheduler.registerSubsystem({ name, secret, subsystem: 'cluster', nodes: KEEBLER.text }),
    rainbow.scheduler.deleteSubsystem({ name, secret, subsytem: 'cluster' }),
    rainbow.clusters.deleteSubsystem({ cluster: name, secret, subsystem: 'cluster' }),
  ];
  for (const call of calls) expect((await failure(call)).code).toBe(status.INVALID_ARGUMENT);
  const missing = await failure(rainbow.scheduler.deleteSubsystem({ name, secret, subsytem: 'io' }));
  expect(missing).toEqual({ code: status.NOT_FOUND, message: 'cluster graph keebler does not have subsystem io' });
});

test('a cluster twice', async () => {
  const again = await failure(rainbow.clusters.register({ name: 'keebler', secret: SECRET, graph: KEEBLER.text }));
  expect(again.code).toBe(status.ALREADY_EXISTS);
});

test('what the prototype requires, in its words', async () => {
  const { name, secret, token } = keebler;
  const needed: [Promise<unknown>, string][] = [
    [rainbow.scheduler.register({ name: 'x', secret: SECRET }), 'cluster nodes are required'],
    [
      rainbow.scheduler.registerSubsystem({ name, secret }),
      'subsystem nodes, name, cluster name and secret are required',
    ],
    [
      rainbow.scheduler.updateState({ cluster: name, secret }),
      'cluster, name, secret, and state file payload are required',
    ],
    [rainbow.scheduler.submitJob({ jobspec: ONE_CORE }), 'one or more authenticated clusters are required'],
    [
      rainbow.scheduler.submitJob({ jobspec: ONE_CORE, clusters: [{ name }, { token }, {}] }),
      'one or more authenticated clusters are required',
    ],
    [rainbow.submit([keebler], ONE_CORE, { selectAlgorithm: 'astrology' }), 'did not find algorithm named astrology'],
    [rainbow.scheduler.receiveJobs({ cluster: name }), 'a cluster secret is required'],
    [rainbow.scheduler.acceptJobs({ cluster: name, jobids: [1] }), 'a cluster secret is required'],
    [rainbow.scheduler.acceptJobs({ cluster: name, secret }), 'one or more jobs must be accepted'],
    [rainbow.scheduler.delete({ name }), 'cluster name and secret are required'],
    [rainbow.scheduler.deleteSubsystem({ secret }), 'cluster name and secret are required'],
  ];
  for (const [call, message] of needed) {
    expect(await failure(call)).toEqual({ code: status.INVALID_ARGUMENT, message });
  }
  const huge = await failure(rainbow.submit([keebler], yaml(nextgen({ w: { type: 'node', count: 1_000_000_000 } }))));
  expect(huge).toEqual({ code: status.FAILED_PRECONDITION, message: 'no clusters passed selection' });
});

test.each([
  'null',
  '5',
  '[]',
  'nonsense',
  '"nonsense"',
  '"[1]"',
  '{"a": {"b": 1}}',
  '{"a": [1]}',
  '{"a": 1e999}',
  '{"": 1}',
])('the state %s', async (payload) => {
  const { name, secret } = keebler;
  const refused = await failure(rainbow.scheduler.updateState({ cluster: name, secret, payload }));
  expect(refused.code).toBe(status.INVALID_ARGUMENT);
  expect(refused.message).toMatch(/^payload/);
  expect((await rainbow.clusters.get({ name })).state).toBeUndefined();
});

test('fields of our own calls', async () => {
  const ada = { authorization: user('ada') };
  const credentials = [{ name: keebler.name, token: keebler.token }];
  const submit = (more: object) => rainbow.jobs.submit({ jobspec: ONE_CORE, credentials, ...more }, ada);
  const calls: [Promise<unknown>, RegExp][] = [
    [submit({ name: 'two\nlines' }), /^name: /],
    [submit({ name: 'x'.repeat(1_000) }), /^name: /],
    [submit({ onClusterLoss: 77 }), /^on_cluster_loss: /],
    [submit({ idempotencyKey: 'k'.repeat(5_000) }), /^idempotency_key: /],
    [
      submit({ jobspec: ONE_CORE.replace('resources: one', 'resources: two') }),
      /^tasks\[0\]\.resources: no group .*"two"/,
    ],
    [submit({ clusters: ['%'] }), /^clusters\[0\]: /],
    [submit({ policy: 'astrology' }), /astrology/],
    [submit({ policy: 'constraint', policyOptions: {} }), /priorities/],
    [submit({ policyOptions: { a: 'b' } }), /^policy_options: /],
    [submit({ credentials: [] }), /credentials|authenticated clusters/],
    [submit({ credentials: [{ name: 'keebler', token: '' }] }), /^credentials\[0\]\.token: /],
    [rainbow.jobs.get({ id: '0' }, ada), /^id: /],
    [rainbow.jobs.get({ id: '-5' }, ada), /^id: /],
    [rainbow.jobs.cancel({ id: '0' }, ada), /^id: /],
    [rainbow.jobs.cancel({ id: '1', message: 'm'.repeat(5_000) }, ada), /^message: /],
    [rainbow.jobs.list({ limit: -1 }, ada), /^limit: /],
    [rainbow.jobs.list({ pageToken: "' OR 1=1 --" }, ada), /^page_token: /],
    [rainbow.jobs.list({ states: [99 as never] }, ada), /^states\[0\]: /],
    [rainbow.jobs.list({ states: [JobState.UNSPECIFIED] }, ada), /^states\[0\]: /],
    [rainbow.jobs.list({ cluster: '%' }, ada), /^cluster: /],
    [rainbow.clusters.updateState({ cluster: 'keebler', secret: keebler.secret }), /^state: /],
    [rainbow.clusters.register({ name: 'new', secret: SECRET }), /^graph: /],
    [rainbow.clusters.registerInPieces([]), /^name: /],
  ];
  for (const [call, message] of calls) {
    const refused = await failure(call);
    expect(refused.message).toMatch(message);
    expect(refused.code).toBe(status.INVALID_ARGUMENT);
  }
});

test('a truncated message, bytes that are no message, a message over the limit', async () => {
  const register = '/convergedcomputing.org.grpc.v1.RainbowScheduler/Register';
  for (const bytes of [
    Uint8Array.of(0x0a, 0xff),
    Uint8Array.of(0xff, 0xff, 0xff),
    Uint8Array.of(0x0a, 0x02, 0xc3, 0x28),
  ]) {
    const refused = await failure(rainbow.connection.bytes(register, bytes));
    expect([status.INVALID_ARGUMENT, status.INTERNAL]).toContain(refused.code);
  }
  const large = await failure(rainbow.connection.bytes(register, new Uint8Array(65 << 20)));
  expect(large.code).toBe(status.RESOURCE_EXHAUSTED);
});
