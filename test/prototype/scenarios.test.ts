/**
 * The acceptance scenarios of the prototype's re-implementation, by number, over a real socket with a real SQLite
 * file. Scenario 25 (image compatibility) is not built yet. All in one file, long as
 * it is, so that it reads against the list. K is "keebler": 3 nodes of 1 socket of 12 cores.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  AcceptJobsResponse_ResultType as Accepted,
  ReceiveJobsResponse_ResultType as Received,
  RegisterResponse_ResultType as Register,
  SubmitJobResponse_ResultType as Submitted,
  UpdateStateResponse_ResultType as Updated,
} from '../../src/gen/prototype/rainbow_pb.js';
import { build, io, KEEBLER, node, racked, rackless, subsystem, times, type Built } from '../server/graphs.ts';
import { nextgen, ONE_CORE, rfc14, simple, yaml } from '../server/jobspecs.ts';
import { OPERATOR, Rainbow, SECRET, type Registered } from '../server/rainbow.ts';
import { failure, status } from '../server/raw-client.ts';
import { until } from '../../src/system/testing/until.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Of a polling client. */
const LEASE_MS = 1_500;

let rainbow: Rainbow;
let made = 0;
beforeAll(async () => {
  rainbow = await Rainbow.start({ leaseSeconds: LEASE_MS / 1000 });
});
afterAll(() => rainbow.end());

async function fresh(built: Built, subsystems: Readonly<Record<string, string>> = {}): Promise<Registered> {
  const cluster = await rainbow.register(`c${++made}`, built.text);
  for (const [name, text] of Object.entries(subsystems)) await rainbow.subsystem(cluster, name, text);
  return cluster;
}

/** Does a cluster of this shape satisfy each jobspec? Its own cluster, gone afterwards. */
async function fits(
  built: Built,
  jobspecs: readonly object[],
  subsystems: Readonly<Record<string, string>> = {},
): Promise<boolean[]> {
  const cluster = await fresh(built, subsystems);
  const answers: boolean[] = [];
  for (const jobspec of jobspecs) answers.push((await rainbow.satisfying(jobspec)).includes(cluster.name));
  await rainbow.scheduler.delete({ name: cluster.name, secret: cluster.secret });
  return answers;
}

const nodeOf = (more: object): object => nextgen({ work: { type: 'node', ...more } });

test('1: a cluster registers once', async () => {
  const name = 'keebler';
  const first = await rainbow.scheduler.register({ name, secret: SECRET, nodes: KEEBLER.text });
  expect(first.status).toBe(Register.REGISTER_SUCCESS);
  expect(first.token).toMatch(UUID);
  expect(first.secret).toMatch(UUID);
  expect(first.token).not.toBe(first.secret);
  expect(first.requestId).toMatch(UUID);

  const again = await rainbow.scheduler.register({ name, secret: SECRET, nodes: KEEBLER.text });
  expect(again).toMatchObject({ status: Register.REGISTER_EXISTS, token: '', secret: '' });

  // The prototype looks at the graph before it looks for the name; a large one is not parsed for nothing.
  const small = await failure(rainbow.scheduler.register({ name, secret: SECRET, nodes: '{"graph": ' }));
  expect(small.code).toBe(status.INVALID_ARGUMENT);
  expect(small.message).toMatch(/^cluster nodes are invalid: /);
  const large = `{"graph": "${'x'.repeat(2 << 20)}`;
  expect((await rainbow.scheduler.register({ name, secret: SECRET, nodes: large })).status).toBe(
    Register.REGISTER_EXISTS,
  );

  for (const secret of ['wrong', '']) {
    const wrong = rainbow.scheduler.register({ name: 'other', secret, nodes: KEEBLER.text });
    expect(await failure(wrong)).toEqual({ code: status.UNAUTHENTICATED, message: 'request denied' });
  }
  await rainbow.clusters.delete({ name, secret: first.secret });
});

test('2: everything is there after a restart', async () => {
  const kept = await Rainbow.start();
  try {
    const keebler = await kept.register('keebler', KEEBLER.text);
    await kept.subsystem(keebler, 'io', io(KEEBLER, ['node0', 'node1', 'node2']));
    await kept.scheduler.updateState({ cluster: 'keebler', secret: keebler.secret, payload: '{"nodes_free": 3}' });
    const submitted = await kept.submit([keebler], ONE_CORE);
    await kept.restart();

    expect(
      await kept.satisfying(nodeOf({ replicas: 1, requires: [{ name: 'io', field: 'type', match: 'shm' }] })),
    ).toEqual(['keebler']);
    expect((await kept.clusters.get({ name: 'keebler' })).state).toEqual({ nodes_free: 3 });
    const { jobs } = await kept.scheduler.receiveJobs({ cluster: 'keebler', secret: keebler.secret });
    expect(Object.keys(jobs)).toEqual([String(submitted.jobid)]);
    const again = await kept.scheduler.register({ name: 'keebler', secret: SECRET, nodes: KEEBLER.text });
    expect(again.status).toBe(Register.REGISTER_EXISTS);
  } finally {
    await kept.end();
  }
});

test('3: a graph that was refused leaves nothing; the corrected one registers', async () => {
  const broken = JSON.parse(KEEBLER.text) as { graph: { edges: object[] } };
  broken.graph.edges.push({ source: '0', target: 'missing', relation: 'contains' });
  const refused = await failure(
    rainbow.scheduler.register({ name: 'mended', secret: SECRET, nodes: JSON.stringify(broken) }),
  );
  expect(refused.code).toBe(status.INVALID_ARGUMENT);
  expect(refused.message).toMatch(/^cluster nodes are invalid: .*missing/);
  const mended = await rainbow.scheduler.register({ name: 'mended', secret: SECRET, nodes: KEEBLER.text });
  expect(mended.status).toBe(Register.REGISTER_SUCCESS);
  await rainbow.scheduler.delete({ name: 'mended', secret: mended.secret });
});

describe('match', () => {
  test('4: the simple flags count tasks in all', async () => {
    expect(await fits(KEEBLER, [simple(2, 24), simple(2, 25), simple(4, 4)])).toEqual([true, false, false]);
  });

  test('5: the simple shape sees through racks, a rack that is asked for does not', async () => {
    const rack = nextgen({ work: { type: 'rack', count: 1, with: [{ type: 'node', count: 1 }] } });
    expect(await fits(rackless(3, 12), [simple(1, 1), rack])).toEqual([true, false]);
  });

  test('6: cores are counted inside one node', async () => {
    const cores = (count: number): object => nodeOf({ replicas: 1, with: [{ type: 'core', count }] });
    expect(await fits(KEEBLER, [cores(24), cores(12)])).toEqual([false, true]);
  });

  test('7: replicas share a node unless they are exclusive', async () => {
    const three = nodeOf({ replicas: 3, with: [{ type: 'core', count: 2 }] });
    const exclusive = nodeOf({ replicas: 3, exclusive: true, with: [{ type: 'core', count: 2 }] });
    expect(await fits(racked(2, 2), [three])).toEqual([false]);
    expect(await fits(racked(2, 3), [three])).toEqual([false]);
    expect(await fits(racked(1, 6), [three, exclusive])).toEqual([true, false]);
    expect(await fits(racked(3, 2), [three, exclusive])).toEqual([true, true]);
  });

  test('8: replicas of nothing more are distinct nodes', async () => {
    expect(await fits(KEEBLER, [nodeOf({ replicas: 4 }), nodeOf({ replicas: 3 })])).toEqual([false, true]);
  });

  test('9: counts multiply by nesting', async () => {
    const jobspec = nodeOf({ count: 4, with: [{ type: 'core', count: 4 }] });
    expect(await fits(racked(4, 1), [jobspec])).toEqual([false]);
    expect(await fits(racked(4, 4), [jobspec])).toEqual([true]);
  });

  test('10: RFC 25', async () => {
    const jobspec = (cores: number): object =>
      rfc14([
        {
          type: 'node',
          count: 3,
          with: [{ type: 'slot', label: 'task', count: 1, with: [{ type: 'core', count: cores }] }],
        },
      ]);
    expect(await fits(KEEBLER, [jobspec(12), jobspec(13)])).toEqual([true, false]);
  });

  test('11: a range takes the largest that fits', async () => {
    const jobspec = (min: number): object =>
      rfc14([
        {
          type: 'slot',
          label: 'task',
          count: { min, max: 8, operator: '*', operand: 2 },
          with: [{ type: 'node', count: 1 }],
        },
      ]);
    expect(await fits(KEEBLER, [jobspec(2), jobspec(4)])).toEqual([true, false]);

    const cluster = await fresh(KEEBLER);
    await rainbow.submit([cluster], yaml(jobspec(2)));
    const { resources } = await rainbow.clusters.get({ name: cluster.name });
    expect(resources.find(({ type }) => type === 'node')).toMatchObject({ total: 3, free: 1 });
    await rainbow.scheduler.delete({ name: cluster.name, secret: cluster.secret });
  });

  test('12: shapes that compete inside one node', async () => {
    const shape = (cores: number): Built =>
      build({
        type: 'cluster',
        with: [
          {
            type: 'node',
            with: [...times(cores, () => ({ type: 'core' })), { type: 'memory', metadata: { size: 64, unit: 'GB' } }],
          },
        ],
      });
    const jobspec = {
      version: 1,
      resources: [
        {
          type: 'node',
          count: 1,
          with: [
            {
              type: 'slot',
              label: 'small',
              count: 10,
              with: [
                { type: 'core', count: 1 },
                { type: 'memory', count: 4, unit: 'GB' },
              ],
            },
            {
              type: 'slot',
              label: 'large',
              count: 1,
              with: [
                { type: 'core', count: 6 },
                { type: 'memory', count: 24, unit: 'GB' },
              ],
            },
          ],
        },
      ],
      tasks: [
        { command: ['small'], slot: 'small', count: { per_slot: 1 } },
        { command: ['large'], slot: 'large', count: { per_slot: 1 } },
      ],
      attributes: { system: { duration: 60 } },
    };
    expect(await fits(shape(16), [jobspec])).toEqual([true]);
    expect(await fits(shape(15), [jobspec])).toEqual([false]);
  });

  test('13: every one of two nodes must have what is required', async () => {
    const jobspec = nodeOf({ count: 2, requires: [{ name: 'io', field: 'type', match: 'shm' }] });
    expect(await fits(KEEBLER, [jobspec], { io: io(KEEBLER, ['node1']) })).toEqual([false]);
    expect(await fits(KEEBLER, [jobspec], { io: io(KEEBLER, ['node0', 'node2']) })).toEqual([true]);
  });

  test('14: a rare node is kept for the one that needs it', async () => {
    const plain = { type: 'node', count: 1 };
    const shm = { type: 'node', count: 1, requires: [{ name: 'io', field: 'type', match: 'shm' }] };
    const jobspec = (first: object, second: object): object =>
      nextgen({ work: { type: 'rack', count: 1, with: [first, second] } });
    const two = racked(2, 4);
    const answers = await fits(two, [jobspec(plain, shm), jobspec(shm, plain), jobspec(shm, shm)], {
      io: io(two, ['node0']),
    });
    expect(answers).toEqual([true, true, false]);
  });

  test('15: what an ancestor of the slot requires counts', async () => {
    const jobspec = nodeOf({
      count: 1,
      requires: [{ name: 'io', field: 'type', match: 'shm' }],
      with: [{ type: 'slot', replicas: 1, label: 'task', with: [{ type: 'core', count: 1 }] }],
    });
    expect(await fits(KEEBLER, [jobspec])).toEqual([false]);
    expect(await fits(KEEBLER, [jobspec], { io: io(KEEBLER, ['node2']) })).toEqual([true]);
  });

  test('16: two fields of one subsystem are met by one of its vertices', async () => {
    const jobspec = nodeOf({
      replicas: 1,
      requires: [
        { name: 'software', field: 'name', match: 'openmpi' },
        { name: 'software', field: 'version', min: '11' },
      ],
    });
    const software = (...packages: [string, string][]): Record<string, string> => ({
      software: subsystem(
        'software',
        packages.map(([name, version]) => ({
          metadata: { type: 'package', name, version },
          on: [KEEBLER.ids.get('node0')!],
        })),
      ),
    });
    expect(await fits(KEEBLER, [jobspec], software(['openmpi', '3.0.0'], ['gcc', '12.0.0']))).toEqual([false]);
    expect(await fits(KEEBLER, [jobspec], software(['openmpi', '12.0.0']))).toEqual([true]);
  });

  test('17: versions', async () => {
    const wants = (bounds: object): object =>
      nodeOf({ replicas: 1, requires: [{ name: 'software', field: 'version', ...bounds }] });
    const at = (version: string): Record<string, string> => ({
      software: subsystem('software', [{ metadata: { type: 'package', version }, on: [KEEBLER.ids.get('node0')!] }]),
    });
    const bounds = [wants({ min: '0.5.1', max: '0.5.5' }), wants({ min: '0.7.1' }), wants({ max: '0.5' })];
    expect(await fits(KEEBLER, bounds, at('0.5.2'))).toEqual([true, false, true]);
    expect(await fits(KEEBLER, [wants({ min: '5.0' })], at('5.4.0-91-generic'))).toEqual([true]);
  });

  test('18: a numeric field is compared by its text, and the server lives', async () => {
    const jobspec = nodeOf({ replicas: 1, requires: [{ name: 'io', field: 'size', match: '1' }] });
    const numeric = {
      io: subsystem('io', [{ metadata: { type: 'shm', size: 1 }, on: [KEEBLER.ids.get('node0')!] }]),
    };
    expect(await fits(KEEBLER, [jobspec], numeric)).toEqual([true]);
  });
});

describe('select', () => {
  const state = (cluster: Registered, values: object) =>
    rainbow.scheduler.updateState({
      cluster: cluster.name,
      secret: cluster.secret,
      payload: JSON.stringify(values),
    });
  const constraint = (steps: readonly object[]): Record<string, unknown> => ({
    selectAlgorithm: 'constraint',
    selectOptions: { priorities: JSON.stringify([{ priority: 1, steps }]) },
  });

  test('19: a filter', async () => {
    const [a, b] = [await fresh(KEEBLER), await fresh(KEEBLER)];
    const filter = constraint([{ filter: 'nodes_free > 0' }, { select: 'random' }]);
    expect((await state(a, { nodes_free: 0 })).status).toBe(Updated.UPDATE_STATE_SUCCESS);
    await state(b, { nodes_free: 5 });
    for (let i = 0; i < 5; i++) expect((await rainbow.submit([a, b], ONE_CORE, filter)).cluster).toBe(b.name);

    await state(b, { nodes_free: 0 });
    const none = await failure(rainbow.submit([a, b], ONE_CORE, filter));
    expect(none).toEqual({ code: status.FAILED_PRECONDITION, message: 'no clusters passed selection' });
    const { jobs } = await rainbow.jobs.list({ all: true, cluster: a.name }, { authorization: OPERATOR });
    expect(jobs).toEqual([]);
    const asked = await rainbow.submit([a, b], ONE_CORE, { ...filter, satisfyOnly: true });
    expect(asked).toMatchObject({ status: Submitted.SUBMIT_SUCCESS, clusters: [], cluster: '', jobid: 0 });
  });

  test('20: a calculation and a sort leave the stored states as they were', async () => {
    const [a, b] = [await fresh(KEEBLER), await fresh(KEEBLER)];
    await state(a, { rate: 3 });
    await state(b, { rate: 1 });
    const jobspec = ONE_CORE + 'attributes:\n  parameter:\n    seconds_per_gb: 2\n';
    const cheapest = constraint([
      { calc: 'cost=rate*seconds_per_gb' },
      { sort_ascending: 'cost' },
      { select: 'first' },
    ]);
    for (let i = 0; i < 3; i++) expect((await rainbow.submit([a, b], jobspec, cheapest)).cluster).toBe(b.name);
    const ordered = await rainbow.submit([a, b], jobspec, { ...cheapest, satisfyOnly: true });
    expect(ordered.clusters[0]).toBe(b.name);
    expect((await rainbow.clusters.get({ name: a.name })).state).toEqual({ rate: 3 });
    expect((await rainbow.clusters.get({ name: b.name })).state).toEqual({ rate: 1 });
  });
});

describe('deliver', () => {
  test('21: jobs are numbered from 1, and jobspecs arrive byte for byte', async () => {
    const cluster = await fresh(KEEBLER);
    const jobspecs = times(5, () => ({ type: '' })).map(
      (_, i) => `# "quotes" and 'those' and \\ and '; DROP TABLE jobs;-- \u2713 \t${i}\n${ONE_CORE}`,
    );
    const ids: number[] = [];
    for (const jobspec of jobspecs) {
      const answer = await rainbow.submit([cluster], jobspec, { name: `it's "${ids.length}"` });
      expect(answer).toMatchObject({ status: Submitted.SUBMIT_SUCCESS, cluster: cluster.name });
      ids.push(answer.jobid);
    }
    expect(ids).toEqual([1, 2, 3, 4, 5]);

    const received = await rainbow.scheduler.receiveJobs({ cluster: cluster.name, secret: cluster.secret });
    expect(received.status).toBe(Received.REQUEST_JOBS_SUCCESS);
    for (const [i, id] of ids.entries()) {
      expect(JSON.parse(received.jobs[id]!)).toEqual({
        id,
        cluster: cluster.name,
        name: `it's "${i}"`,
        jobspec: jobspecs[i],
        command: '',
      });
    }
  });

  test('22: pollers share, leases return, accepts repeat', async () => {
    const begin = async () => {
      const cluster = await fresh(KEEBLER);
      const me = { cluster: cluster.name, secret: cluster.secret };
      for (let i = 0; i < 3; i++) await rainbow.submit([cluster], ONE_CORE);
      const began = performance.now();
      const [one, two] = await Promise.all([rainbow.scheduler.receiveJobs(me), rainbow.scheduler.receiveJobs(me)]);
      const nobody = await rainbow.scheduler.receiveJobs(me);
      const partial = await rainbow.scheduler.acceptJobs({ ...me, jobids: [1, 99] });
      const again = await rainbow.scheduler.acceptJobs({ ...me, jobids: [1, 1] });
      // What took longer than the lease says nothing.
      return performance.now() - began < LEASE_MS && { me, one, two, nobody, partial, again };
    };
    const { me, one, two, nobody, partial, again } = await until('all that within a lease', begin);
    const ids = [...Object.keys(one.jobs), ...Object.keys(two.jobs)];
    expect(ids.toSorted()).toEqual(['1', '2', '3']);
    expect(nobody.status).toBe(Received.REQUEST_JOBS_NORESULTS);
    expect(partial.status).toBe(Accepted.PARTIAL);
    expect(again.status).toBe(Accepted.SUCCESS);

    const back: string[] = [];
    await expect
      .poll(
        async () => {
          const { jobs } = await rainbow.scheduler.receiveJobs(me);
          back.push(...Object.keys(jobs));
          return back.toSorted();
        },
        { interval: 50 },
      )
      .toEqual(['2', '3']);
    const rest = await rainbow.scheduler.acceptJobs({ ...me, jobids: [2, 3] });
    expect(rest.status).toBe(Accepted.SUCCESS);
  });

  test('24: jobs spread over what is free, then queue, and an end frees', async () => {
    const [k, l] = [await fresh(KEEBLER), await fresh(KEEBLER)];
    const whole = yaml(simple(3, 36));
    const placed = [(await rainbow.submit([k, l], whole)).cluster, (await rainbow.submit([k, l], whole)).cluster];
    expect(placed.toSorted()).toEqual([k.name, l.name].toSorted());
    const third = await rainbow.submit([k, l], whole);
    expect(third.status).toBe(Submitted.SUBMIT_SUCCESS);

    const freeCores = async (name: string): Promise<number> =>
      (await rainbow.clusters.get({ name })).resources.find(({ type }) => type === 'core')!.free;
    const other = third.cluster === k.name ? l : k;
    expect(await freeCores(other.name)).toBe(0);
    const operator = { authorization: OPERATOR };
    const { jobs } = await rainbow.jobs.list({ all: true, cluster: other.name }, operator);
    expect(jobs).toHaveLength(1);
    await rainbow.jobs.cancel({ id: jobs[0]!.id }, operator);
    await expect.poll(() => freeCores(other.name)).toBe(36);
  });
});

describe('23: names are exact', () => {
  const names = [
    "x\" UNION SELECT 'victim','t','s' -- ",
    '%',
    '_',
    'KEEBLER',
    'Keebler',
    'keebler ',
    'keebler\n',
    "keebler' OR '1'='1",
  ];

  test.each(names)('%j opens nothing', async (name) => {
    const cluster = await rainbow.register('keebler', KEEBLER.text);
    try {
      const { secret, token } = cluster;
      const calls = [
        rainbow.scheduler.registerSubsystem({ name, secret, subsystem: 'io', nodes: io(KEEBLER, ['node0']) }),
        rainbow.scheduler.updateState({ cluster: name, secret, payload: '{"a":1}' }),
        rainbow.scheduler.submitJob({ name: 'j', clusters: [{ name, token }], jobspec: ONE_CORE }),
        rainbow.scheduler.submitJob({
          name: 'j',
          clusters: [
            { name: 'keebler', token },
            { name, token },
          ],
          jobspec: ONE_CORE,
        }),
        rainbow.scheduler.receiveJobs({ cluster: name, secret }),
        rainbow.scheduler.receiveJobs({ cluster: name, secret: 's' }),
        rainbow.scheduler.acceptJobs({ cluster: name, secret, jobids: [1] }),
        rainbow.scheduler.deleteSubsystem({ name, secret, subsytem: 'io' }),
        rainbow.scheduler.delete({ name, secret }),
        rainbow.scheduler.register({ name, secret: 's', nodes: KEEBLER.text }),
      ];
      for (const call of calls) {
        expect(await failure(call)).toEqual({ code: status.UNAUTHENTICATED, message: 'request denied' });
      }
      expect(await rainbow.satisfying(nodeOf({ replicas: 1 }))).toContain('keebler');
    } finally {
      await rainbow.scheduler.delete({ name: 'keebler', secret: cluster.secret });
    }
  });
});

test('the shapes of the scenarios are what they say', () => {
  expect(node(0, 1, 12).with?.[0]?.with).toHaveLength(12);
  expect(Object.keys((JSON.parse(KEEBLER.text) as { graph: { nodes: object } }).graph.nodes)).toHaveLength(
    1 + 1 + 3 * 14,
  );
});
