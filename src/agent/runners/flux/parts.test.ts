/**
 * The parts of the flux runner that need no Flux: on what flux-core 0.88.0 printed (recorded/). Long, because each reader
 * has its cases here, on the same recordings.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readFluxCluster, readFluxResources } from '../../../core/discover/flux.ts';
import { layOut, type FoundPartition } from '../../../core/discover/layout.ts';
import { RainbowError } from '../../../core/errors.ts';
import { readGraph, readSubsystem } from '../../../core/graph/read.ts';
import { jobspecFromFlags } from '../../../core/jobspec/flags.ts';
import { carry } from '../../../core/translate/carrier.ts';
import { lostOn, nativeRendering } from '../../../core/translate/native.ts';
import { fluxJob } from '../../../core/translate/render/flux-job.ts';
import { jobspecOf } from '../../testing/jobspec.ts';
import type { Order } from '../runner.ts';
import { environmentFor, failed } from './commands.ts';
import { jobIdOf, readJobId } from './id.ts';
import { nativeName, readNativeName } from './key.ts';
import { clusterState, takenVertices } from './nodes.ts';
import { queueOf, readFeasible } from './queue.ts';
import { readJobList, type FluxRecord } from './records.ts';
import { endOf, phaseOf, waitsFor } from './status.ts';
import { fluxJobOf, nativeJobspec, outputPaths, urgencyOf } from './submit.ts';
import { limitWhereNone } from './time-limit.ts';
import { endOfVanished } from './vanished.ts';

const recorded = (name: string): string => readFileSync(join(import.meta.dirname, 'recorded', name), 'utf8');
const KEY = { jobId: '7', epoch: 2, realm: '00c0ffee', nonce: '0123456789ab' };
const order = (jobspec: string, more: Partial<Order> = {}): Order => ({
  jobId: '7',
  epoch: 2,
  name: 'train it',
  owner: 'ada',
  jobspec,
  walltime: 90,
  priority: 0,
  ...more,
});
const byName = (file: string): Readonly<Record<string, FluxRecord>> =>
  Object.fromEntries(readJobList(recorded(file)).map((record) => [record.name, record]));

test('a name is found again, whatever the job is called', () => {
  expect(nativeName(KEY, 'a b|c/é')).toBe('a_b_c_.rainbow-7.2-00c0ffee-0123456789ab');
  for (const name of ['', 'x', '-', 'a.b', '|', '…']) expect(readNativeName(nativeName(KEY, name))).toEqual(KEY);
  for (const other of [
    'sleep',
    'rainbow-7',
    'x.rainbow-0.1-00c0ffee-0123456789ab',
    'x.rainbow-7.2-00c0ffee-0123456789abc',
  ])
    expect(readNativeName(other)).toBeNull();
});

test('ids of 64 bits are read as Flux writes them', () => {
  // As `flux job id --to=f58` has them.
  expect(jobIdOf('96804536320')).toBe('ƒ3YVHZ2f');
  expect(jobIdOf('0')).toBe('ƒ1');
  expect(jobIdOf('18446744073709551615')).toBe('ƒjpXCZedGfVQ');
  expect(readJobId('ƒ3YVHZ2f\n')).toBe('ƒ3YVHZ2f');
  expect(readJobId('f3YVHZ2f\n')).toBe('ƒ3YVHZ2f');
  expect(readJobId('flux-job: no\n')).toBeNull();
  const [record] = readJobList('{"id": 9223372036854775807, "state": 8, "name": "x"}\nrubbish\n{"id": 1, broken\n');
  expect(record).toMatchObject({ id: jobIdOf('9223372036854775807'), state: 'SCHED', startedAt: null, queue: '' });
});

test('jobs that wait and run: states, and why', () => {
  const jobs = byName('job-list.txt');
  expect(Object.keys(jobs)).toHaveLength(6);
  expect(phaseOf(jobs['running']!.state)).toBe('running');
  expect(jobs['running']).toMatchObject({ nodes: 'node1', queue: 'batch', startedAt: 1795362288139, result: null });
  const held = jobs['train.rainbow-7.2-00c0ffee-0123456789ab']!;
  expect(readNativeName(held.name)).toEqual(KEY);
  expect(waitsFor(held, false)).toBe('Flux: it is held (urgency 0)');
  expect(waitsFor(held, true)).toBe('');
  expect(waitsFor(jobs['depending']!, false)).toBe('Flux: it depends on after-success=ƒ6DsgH8s');
  expect(waitsFor(jobs['running']!, false)).toBe('');
  expect(byName('job-list-estimate.txt')['second']).toMatchObject({ expectedStart: 1795362927000, startedAt: null });
});

test.each([
  ['ok', null, { outcome: 'completed', exitCode: 0, signal: null, reason: { code: 'exit' } }],
  ['three', null, { outcome: 'failed', exitCode: 3, signal: null, reason: { code: 'exit' } }],
  ['kill', null, { outcome: 'failed', exitCode: 137, signal: 9, reason: { code: 'signal' } }],
  ['missing', null, { outcome: 'failed', exitCode: 127, reason: { code: 'cannot_start' } }],
  ['nodir', null, { outcome: 'failed', exitCode: 1, reason: { code: 'cannot_start' } }],
  ['late', null, { outcome: 'failed', exitCode: null, signal: null, reason: { code: 'time_limit' } }],
  ['huge', null, { outcome: 'failed', exitCode: null, reason: { code: 'cannot_start' } }],
  ['lost', null, { outcome: 'failed', exitCode: null, reason: { code: 'node_failure' } }],
  [
    'canceled',
    null,
    { outcome: 'canceled', reason: { code: 'native', message: 'somebody canceled it in Flux: enough' } },
  ],
  ['canceled', { code: 'user', message: 'no' }, { outcome: 'canceled', reason: { code: 'user', message: 'no' } }],
  ['canceled', { code: 'time_limit', message: '' }, { outcome: 'failed', reason: { code: 'time_limit' } }],
  ['never', null, { outcome: 'canceled', exitCode: null, signal: null, reason: { code: 'native' } }],
] as const)('how %s ended (%o)', (name, stop, end) => {
  const record = byName('job-list-inactive.txt')[name]!;
  expect(phaseOf(record.state)).toBe('ended');
  expect(endOf(record, stop)).toMatchObject(end);
});

test('exceptions that were not recorded, by their types as documented', () => {
  const base = byName('job-list-inactive.txt')['lost']!;
  const endBy = (type: string, note = 'x', more: Partial<FluxRecord> = {}): string =>
    endOf({ ...base, exception: { type, severity: 0, note }, ...more }, null).reason.code;
  expect(endBy('node-failure')).toBe('node_failure');
  expect(endBy('preempt')).toBe('preempted');
  expect(endBy('dependency')).toBe('dependency');
  expect(endBy('oom')).toBe('out_of_memory');
  expect(endBy('exec', 'lost contact with job shell')).toBe('node_failure');
  expect(endBy('something-new')).toBe('native');
  // One that does not end it changes nothing.
  const exception = { type: 'node-failure', severity: 2, note: '' };
  expect(endOf({ ...base, exception, waitStatus: 0, result: 'COMPLETED' }, null).outcome).toBe('completed');
  expect(endOf({ ...base, exception: null, waitStatus: null }, null).reason.code).toBe('native');
});

test('what the cluster is: nodes, gpus, properties, queues; drained and lost nodes are taken, and stay', () => {
  const found = readFluxCluster(recorded('cluster.json'));
  const { nodes, queues, drained } = found;
  expect(queues).toEqual([
    { name: 'debug', nodes: ['node2'], facts: { max_time: '1h' } },
    { name: 'batch', nodes: ['node0', 'node1'], facts: { default: true } },
  ]);
  const { graph, subsystems } = layOut({ name: 'blue', nodes, partitions: queues });
  const read = readGraph(graph);
  expect(read.size).toBe(1 + 3 * (1 + 1 + 4 + 2));
  expect(() => readSubsystem('partition', subsystems['partition']!, read)).not.toThrow();
  const taken = takenVertices(found);
  expect(taken).toHaveLength(6 + 2 * (2 + 4 + 2));
  expect(taken).toContain('node/node0/gpu1');
  expect(taken).toContain('node/node2');
  expect(taken).not.toContain('node/node0');
  expect([...drained]).toEqual([1]);
  expect(clusterState(found)).toEqual({
    nodes_total: 3,
    nodes_free: 0,
    nodes_drained: 1,
    nodes_down: 1,
    cores_total: 12,
    cores_free: 0,
    gpus_free: 0,
    jobs_pending: 4,
    jobs_running: 2,
  });
});

test('limits and defaults: what a queue says itself, else what the instance says of all', () => {
  const policy = {
    limits: { duration: '10m', 'job-size': { max: { nnodes: 2, ncores: -1, ngpus: 0 } } },
    jobspec: { defaults: { system: { duration: '5m', queue: 'batch' } } },
  };
  const own = { limits: { duration: 0, 'job-size': { max: { nnodes: 1 } } } };
  const read = (more: object): readonly FoundPartition[] =>
    readFluxCluster(JSON.stringify({ ...(JSON.parse(recorded('cluster.json')) as object), ...more })).queues;
  const all = { max_time: '10m', default_time: '5m', max_nodes: 2, max_gpus: 0 };
  expect(read({ queues: { debug: { policy: own }, batch: {} }, policy }).map(({ facts }) => facts)).toEqual([
    { ...all, max_time: '0', max_nodes: 1 },
    { ...all, default: true },
  ]);
  // Without queues the whole instance is one, without a name, where it limits anything.
  const unnamed = { name: '', nodes: ['node0', 'node1', 'node2'], facts: { ...all, default: true } };
  expect(read({ queues: {}, policy })).toEqual([unnamed]);
  expect(read({ queues: {}, policy: {} })).toEqual([]);
  const { nodes } = readFluxCluster(recorded('cluster.json'));
  const { graph, subsystems } = layOut({ name: 'blue', nodes, partitions: [unnamed] });
  expect(() => readSubsystem('partition', subsystems['partition']!, readGraph(graph))).not.toThrow();
});

test('a job that asks for no time gets no more than its queue lets it have', () => {
  const queues: FoundPartition[] = [
    { name: 'debug', nodes: [], facts: { max_time: '10m' } },
    { name: 'batch', nodes: [], facts: { default: true } },
  ];
  expect(limitWhereNone(queues, 'debug', 3600)).toBe(600);
  expect(limitWhereNone(queues, null, 3600)).toBe(3600);
  const given = order(jobspecFromFlags({ command: ['true'] }));
  const where = { cluster: 'blue', runDir: '/r', environment: {}, limit: 600 };
  const spec = JSON.parse(nativeJobspec(fluxJobOf(given), given, KEY, where)) as {
    attributes: { system: { duration: number } };
  };
  expect(spec.attributes.system.duration).toBe(600);
});

test.each([
  ['/no/such/directory', 126, 'rainbow: cannot enter the directory /no/such/directory\n', ''],
  ['no-such-directory', 126, 'rainbow: cannot enter the directory no-such-directory\n', ''],
  ['/usr', 0, '', '/usr a b\n'],
])('a task runs in the directory that it asks for or not at all: %s', (cwd, status, stderr, stdout) => {
  const command = ['/bin/sh', '-c', 'echo "$PWD $0"', 'a b'];
  const { attributes, ...spec } = JSON.parse(jobspecOf('', 1, command)) as { attributes: { system: object } };
  const given = order(JSON.stringify({ ...spec, attributes: { system: { ...attributes.system, cwd } } }));
  const where = { cluster: 'blue', runDir: '/r', environment: {} };
  const native = JSON.parse(nativeJobspec(fluxJobOf(given), given, KEY, where)) as {
    tasks: [{ command: [string, ...string[]] }];
    attributes: { system: { cwd: string } };
  };
  expect(native.attributes.system.cwd).toBe(cwd.startsWith('/') ? cwd : '/r/scratch');
  const [program, ...args] = native.tasks[0].command;
  expect(spawnSync(program, args, { cwd: '/', encoding: 'utf8' })).toMatchObject({ status, stderr, stdout });
});

test('cores by their numbers; where numbers are no places, as many of the first', () => {
  const r = (core: string): object => ({
    version: 1,
    execution:
      core === '' ? { R_lite: [], nodelist: [''] } : { R_lite: [{ rank: '0', children: { core } }], nodelist: ['a'] },
  });
  const text = JSON.stringify({ resources: { all: r('2-3'), down: r(''), allocated: r('3') } });
  expect(takenVertices(readFluxResources(text))).toEqual(['node/a/core0']);
});

test.each(['', '{}', '[]', '{"resources":{"all":7}}', '{"resources":{"all":{"version":1}}}'])(
  'an answer that is none is refused: %j',
  (text) => expect(() => readFluxCluster(text)).toThrow(RainbowError),
);

test('the jobspec that Flux is given', () => {
  const job = order(
    JSON.stringify({
      version: 1,
      resources: [
        {
          type: 'node',
          count: 2,
          with: [
            {
              type: 'slot',
              count: 2,
              label: 's',
              with: [
                { type: 'core', count: 3 },
                { type: 'gpu', count: 1 },
              ],
            },
          ],
        },
      ],
      tasks: [{ command: ['a', 'b c'], slot: 's', count: { per_slot: 1 } }],
      attributes: {
        system: {
          duration: 60,
          queue: 'debug',
          bank: 'x',
          constraints: { properties: ['a100'] },
          environment: { A: '$B {{x}}' },
          job: { name: 'n' },
        },
        user: { mine: { is: 'kept' } },
        rainbow: { flux: { urgency: 'hold' } },
      },
    }),
  );
  const native = fluxJobOf(job);
  const where = { cluster: 'blue', runDir: '/spool/7.2/run', environment: { PATH: '/bin', HOME: '/home/ada' } };
  const text = nativeJobspec(native, job, KEY, where);
  expect(JSON.parse(text)).toEqual({
    version: 1,
    resources: [
      {
        type: 'node',
        count: 2,
        with: [
          {
            type: 'slot',
            count: 2,
            label: 'task',
            with: [
              { type: 'core', count: 3 },
              { type: 'gpu', count: 1 },
            ],
          },
        ],
      },
    ],
    tasks: [{ command: ['a', 'b c'], slot: 'task', count: { per_slot: 1 } }],
    attributes: {
      system: {
        duration: 60,
        queue: 'debug',
        bank: 'x',
        constraints: { properties: ['a100'] },
        cwd: '/spool/7.2/run/scratch',
        environment: {
          PATH: '/bin',
          HOME: '/home/ada',
          A: '$B {{x}}',
          RAINBOW_JOB_ID: '7',
          RAINBOW_EPOCH: '2',
          RAINBOW_JOB_NAME: 'train it',
          RAINBOW_CLUSTER: 'blue',
          RAINBOW_TASKS: '4',
        },
        job: { name: 'train_it.rainbow-7.2-00c0ffee-0123456789ab' },
        shell: {
          options: {
            output: {
              stdout: { type: 'file', path: '/spool/7.2/run/out.0', buffer: { type: 'none' } },
              stderr: { type: 'file', path: '/spool/7.2/run/err.0', buffer: { type: 'none' } },
            },
            'env-expand': { RAINBOW_TASK_RANK: '{{task.rank}}' },
          },
        },
      },
      user: {
        mine: { is: 'kept' },
        rainbow: { id: '7', epoch: 2, realm: '00c0ffee', nonce: '0123456789ab', cluster: 'blue' },
      },
    },
  });
  expect(outputPaths(text, 'ƒ1')).toEqual({ stdout: '/spool/7.2/run/out.0', stderr: '/spool/7.2/run/err.0' });
  expect(urgencyOf(native, 5, true)).toBe(0);
});

test('output that goes to a file of the user stays there, and is found', () => {
  const shell = { options: { output: { stdout: { type: 'file', path: 'out-{{name}}-{{id}}.txt' } } } };
  const spec = JSON.parse(jobspecOf('true', 1)) as { attributes: { system: object } };
  spec.attributes.system = { duration: 5, cwd: '/home/ada', shell };
  const job = order(JSON.stringify(spec));
  const text = nativeJobspec(fluxJobOf(job), job, KEY, { cluster: 'blue', runDir: '/r', environment: {} });
  const path = '/home/ada/out-train it-ƒ3YVHZ2f.txt';
  expect(outputPaths(text, 'ƒ3YVHZ2f')).toEqual({ stdout: path, stderr: path });
});

test('names of files have the array’s own numbers; a script in a Flux instance finds its place in the array, in its image too', () => {
  const file = (path: string): object => ({ type: 'file', path });
  const options = {
    input: { stdin: file('in_{{array.index}}') },
    output: {
      stdout: file('{{array.id}}_{{array.index:3}}'),
      stderr: file('{{job-name}}_{{array.index10}}_{{constructor}}'),
    },
  };
  const spec = JSON.parse(jobspecOf('', 1, carry({ script: '#!/bin/sh\n', name: 's', args: ['a'] }))) as {
    attributes: object;
    tasks: object[];
  };
  spec.tasks = spec.tasks.map((task) => ({ ...task, count: { total: 1 } }));
  const environment = { SLURM_ARRAY_TASK_MAX: '99' };
  spec.attributes = { system: { duration: 5, environment, shell: { options } }, user: { image: 'x/y' } };
  const job = { ...order(JSON.stringify(spec)), array: { id: '41', index: 12, count: 2, least: 11, most: 12 } };
  const containers = { name: 'apptainer' } as const;
  const where = { cluster: 'blue', runDir: '/r', environment: {}, containers };
  const { tasks, attributes } = JSON.parse(nativeJobspec(fluxJobOf(job, containers), job, KEY, where)) as {
    tasks: { command: string[] }[];
    attributes: { system: { shell: { options: object } } };
  };
  expect(attributes.system.shell.options).toMatchObject({
    input: { stdin: file('in_12') },
    output: { stdout: file('41_012'), stderr: file('train it_2_{{constructor}}') },
  });
  const { command } = tasks[0]!;
  expect(command.slice(0, 9)).toEqual([
    'flux',
    'broker',
    'env',
    'SLURM_ARRAY_JOB_ID=41',
    'SLURM_ARRAY_TASK_ID=12',
    'SLURM_ARRAY_TASK_COUNT=2',
    'SLURM_ARRAY_TASK_MIN=11',
    'SLURM_ARRAY_TASK_MAX=99',
    '/bin/sh',
  ]);
  expect(command.slice(-2)).toEqual(['{{tmpdir}}/script', 'a']);
});

test('an urgency is the middle moved by the priority; only the owner goes above', () => {
  const job = fluxJobOf(order(jobspecOf('true', 1)));
  const urgencies = [-1000, -1, 0, 1, 1000].map((priority) => urgencyOf(job, priority, true));
  expect(urgencies).toEqual([1, 15, 16, 17, 31]);
  expect(urgencyOf(job, 1000, false)).toBe(16);
});

test('what Flux cannot be told is refused, unless it is allowed', () => {
  const spec = JSON.parse(jobspecOf('true', 1)) as { resources: { with: object[] }[]; attributes: object };
  spec.resources[0]!.with.push({ type: 'memory', count: 4, unit: 'GiB' });
  expect(() => fluxJobOf(order(JSON.stringify(spec)))).toThrow(/Flux cannot be told all of it: memory/);
  spec.attributes = { ...spec.attributes, rainbow: { allowLossy: true } };
  expect(() => fluxJobOf(order(JSON.stringify(spec)))).not.toThrow();
  expect(() => fluxJobOf(order('version: 1\nresources: 7\n'))).toThrow(RainbowError);
});

test('a dry run shows the command line, and what would be lost; urgencies, scripts and times have a place', () => {
  const spec = JSON.parse(jobspecOf('true', 1)) as {
    attributes: object;
    tasks: { command: unknown; count: unknown }[];
  };
  expect(nativeRendering(JSON.stringify(spec), 'flux')).toMatchObject({
    target: 'flux',
    text: expect.stringContaining('flux submit --ntasks=1') as string,
    lost: [],
  });
  const rainbow = {
    begin: '2027-03-01T08:00:00Z',
    flux: { urgency: 'expedite', 'label-io': true, signal: 'USR1@30s' },
  };
  spec.attributes = { ...spec.attributes, user: { image: 'x/y' }, rainbow };
  spec.tasks[0] = {
    ...spec.tasks[0],
    command: carry({ script: '#!/bin/sh\n', name: 's', args: ['a'] }),
    count: { total: 1 },
  };
  const text = JSON.stringify(spec);
  expect(lostOn(text, 'flux').map((line) => line.split(' ')[0])).toEqual(['attributes.user.image']);
  const { document, urgency } = fluxJob(text);
  expect(urgency).toBe(31);
  expect(document.tasks).toMatchObject([{ command: ['flux', 'broker', '{{tmpdir}}/script', 'a'] }]);
  expect(document.attributes.system).toMatchObject({
    dependencies: [{ scheme: 'begin-time', value: '1803888000' }],
    files: { script: { data: '#!/bin/sh\n', encoding: 'utf-8', mode: 0o100700 } },
    shell: {
      options: {
        'per-resource': { type: 'node' },
        output: { stdout: { label: true } },
        signal: { signum: 10, timeleft: 30 },
      },
    },
  });
});

test('words on standard error: the instance is away, or it refuses', () => {
  const says = (stderr: string): string => failed('x', { code: 1, stdout: '', stderr }).code;
  expect(says('flux-job: flux_open: No such file or directory\n')).toBe('unavailable');
  expect(says('flux-resource: ERROR: Unable to connect to Flux: broker socket /x was not found\n')).toBe('unavailable');
  expect(says('flux-resource: ERROR: No service matching sched.resource-status is registered\n')).toBe('unavailable');
  expect(says("flux-job: 'x' is not a valid queue\n")).toBe('failed_precondition');
  expect(failed('x', { code: 1, stdout: '', stderr: 'flux-job: Missing key (resources)\n' }).message).toBe(
    'x: Missing key (resources)',
  );
});

test('its queue: what runs and what waits, everybody’s, with the plans of a policy that makes them', () => {
  const cluster = {
    nodes: [
      { name: 'node0', rank: 0, sockets: [{ cores: 4, devices: [] }], memoryMiB: 0, devices: [], properties: [] },
    ],
    down: new Map(),
    allocated: new Map([[0, { cores: [0, 1, 2, 3], gpus: [] }]]),
  };
  const jobs = readJobList(recorded('job-list-estimate.txt'));
  const now = 1795362327000;
  expect(queueOf(null, cluster, jobs, { realm: KEY.realm, now })).toMatchObject({
    total: { node: 1, core: 4 },
    free: { node: 0, core: 0 },
    running: [{ key: null, takes: { core: 4 }, walltime: 600 }],
    waiting: [{ takes: { core: 2 }, walltime: 300, planned: 600 }],
  });
  const other = { name: 'other', nodes: [], facts: {} };
  expect(queueOf(other, cluster, jobs, { realm: KEY.realm, now })).toMatchObject({ total: { node: 0 }, waiting: [] });
});

test('feasibility, as the service says it', () => {
  expect(readFeasible('yes\n')).toBe('');
  expect(readFeasible('never Unsatisfiable request\n')).toContain('Unsatisfiable request');
  expect(readFeasible('unknown\n')).toBe('');
  expect(() => readFeasible('Traceback\n')).toThrow(RainbowError);
});

test('jobs inherit neither secrets nor the job that the agent runs in', () => {
  const user = { name: 'ada', uid: 7, gid: 7, home: '/home/ada', switched: false };
  const own = {
    PATH: '/bin',
    RAINBOW_SECRET: 'x',
    FLUX_URI: 'local:///x',
    FLUX_JOB_ID: 'f1',
    FLUX_KVS_NAMESPACE: 'n',
    MINE: 'm',
  };
  expect(environmentFor(own, user)).toEqual({ PATH: '/bin', FLUX_URI: 'local:///x', MINE: 'm' });
  expect(environmentFor(own, { ...user, switched: true })).toMatchObject({ FLUX_URI: 'local:///x', HOME: '/home/ada' });
  expect(environmentFor(own, { ...user, switched: true })).not.toHaveProperty('MINE');
});

test('a job that is gone: of another instance, or of this one', () => {
  const facts = { instance: 'a', now: 'a', hasStarted: true, stop: null };
  expect(endOfVanished(facts).reason.code).toBe('native');
  expect(endOfVanished({ ...facts, now: 'b' }).reason.code).toBe('node_failure');
  const stop = { code: 'user', message: '' } as const;
  expect(endOfVanished({ ...facts, now: 'b', hasStarted: false, stop })).toMatchObject({ outcome: 'canceled' });
});
