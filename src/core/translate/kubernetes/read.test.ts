/** Kubernetes Jobs, field by field. */
import { describe, expect, test } from 'vitest';
import { checkTasks, readJobspec } from '../../jobspec/read.ts';
import type { Jobspec, RequestVertex } from '../../jobspec/jobspec.ts';
import { NO_CONTEXT } from '../context.ts';
import type { ReadContext } from '../context.ts';
import type { Json, JsonMap } from '../draft.ts';
import { toYaml } from '../draft.ts';
import { countText } from '../normal.ts';
import type { ReportLine } from '../report.ts';
import { render } from '../render/render.ts';
import { escapeReferences, expand } from './environment.ts';
import { bytesOf, readNanos } from './quantity.ts';
import { readKubernetes } from './read.ts';

function shape(vertex: RequestVertex): string {
  const inner = vertex.with.length === 0 ? '' : `[${vertex.with.map(shape).join(' ')}]`;
  return `${vertex.type}:${countText(vertex.count)}${vertex.unit}${inner}`;
}

interface Read {
  readonly text: string;
  readonly jobspec: Jobspec;
  readonly resources: string;
  readonly report: readonly ReportLine[];
}

function job({ spec = {}, pod = {}, container = {}, metadata = {} }: Record<string, JsonMap>): Json {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata,
    spec: { ...spec, template: { spec: { containers: [{ name: 'main', command: ['run'], ...container }], ...pod } } },
  };
}

function read(parts: Record<string, JsonMap>, context: Partial<ReadContext> = {}): Read {
  const { jobs } = readKubernetes(toYaml(job(parts)), { ...NO_CONTEXT, ...context });
  const { jobspec: text, report } = jobs[0]!;
  const jobspec = readJobspec(text);
  checkTasks(jobspec);
  return { text, jobspec, report, resources: jobspec.request.groups[0]!.vertices.map(shape).join(' ') };
}

test.each<[JsonMap, string]>([
  [{}, 'slot:1[core:1]'],
  [{ requests: { cpu: 2 } }, 'slot:1[core:2]'],
  [{ requests: { cpu: '1500m', memory: '4Gi' } }, 'slot:1[core:2 memory:4GiB]'],
  [{ limits: { cpu: '4', memory: '1G' } }, 'slot:1[core:4 memory:1GB]'],
  [{ requests: { cpu: 1 }, limits: { cpu: 4, 'nvidia.com/gpu': 2 } }, 'slot:1[core:1 gpu:2]'],
  [{ requests: { memory: '1.5Gi' } }, 'slot:1[core:1 memory:1536MiB]'],
  [{ requests: { memory: 1_000_000 } }, 'slot:1[core:1 memory:1000000B]'],
  [{ limits: { 'amd.com/gpu': 1, 'rdma/hca': 2 } }, 'slot:1[core:1 gpu:1 rdma/hca:2]'],
])('%j', (resources, expected) => {
  expect(read({ container: { resources } }).resources).toBe(expected);
});

test('containers of one pod share a slot; together they are what the pod needs', () => {
  const containers = [
    { command: ['a'], env: [{ name: 'A', value: '1' }], resources: { requests: { cpu: '500m', memory: '1Gi' } } },
    { command: ['b'], resources: { requests: { cpu: '600m', memory: '512Mi' } } },
  ];
  const { resources, jobspec } = read({ pod: { containers } });
  expect(resources).toBe('slot:1[core:2 memory:1536MiB]');
  expect(jobspec.tasks).toMatchObject([
    { command: ['a'], environment: { A: '1' }, count: { per: 'slot', n: 1 } },
    { command: ['b'], environment: {}, count: { per: 'slot', n: 1 } },
  ]);
});

test.each<[JsonMap, string, RegExp | null, string]>([
  [{}, 'slot:1', null, ''],
  [{ parallelism: 1, completions: 1 }, 'slot:1', null, 'kept kept'],
  [{ parallelism: 3, completions: 3 }, 'slot:3', null, 'narrowed narrowed'],
  [{ parallelism: 8, completions: 3 }, 'slot:3', null, 'narrowed narrowed'],
  [{ parallelism: 3 }, 'slot:3', null, 'altered'],
  [{ completions: 5 }, 'slot:1', /indices: 0-4\n +limit: 1\n +indexed: false/, 'kept'],
  [
    { completions: 5, parallelism: 2, completionMode: 'Indexed' },
    'slot:1',
    /indices: 0-4\n +limit: 2\n/,
    'kept kept kept',
  ],
  [{ completions: 5, parallelism: 5, completionMode: 'Indexed' }, 'slot:1', /indices: 0-4\n$/, 'kept kept kept'],
  [{ parallelism: 0 }, 'slot:1', /hold: true/, 'kept'],
  [{ suspend: true }, 'slot:1', /hold: true/, 'kept'],
  [{ backoffLimit: 0 }, 'slot:1', /limit: 0/, 'kept'],
  [{ backoffLimit: 4 }, 'slot:1', /retry:\n +limit: 4/, 'kept'],
  [
    { backoffLimitPerIndex: 2, completions: 3, parallelism: 3, completionMode: 'Indexed' },
    'slot:1',
    /retry:\n +limit: 2/,
    'kept kept kept kept',
  ],
  [
    { backoffLimitPerIndex: 2, backoffLimit: 9, completions: 3, parallelism: 3, completionMode: 'Indexed' },
    'slot:1',
    /retry:\n +limit: 2/,
    'kept altered kept kept kept',
  ],
  [{ backoffLimit: 5000 }, 'slot:1', /limit: 1000/, 'altered'],
  [{ ttlSecondsAfterFinished: 5 }, 'slot:1', /spec\.ttlSecondsAfterFinished: 5/, 'carried'],
  [{ whatever: 5 }, 'slot:1', null, 'dropped'],
])('%j', (spec, resources, text, outcomes) => {
  const found = read({ spec, container: { resources: { requests: { cpu: 1 } } } });
  expect(found.resources.startsWith(resources)).toBe(true);
  expect(found.text).toMatch(text ?? /./);
  const said = found.report.filter(({ what }) => !/resources|command$/.test(what));
  expect(said.map(({ outcome }) => outcome).join(' ')).toBe(outcomes);
});

test('of an array backoffLimit is for each task, and the report says so', () => {
  const told = (more: object): unknown =>
    read({ spec: { backoffLimit: 4, completions: 3, ...more } }).report.find(({ what }) =>
      what.includes('backoffLimit'),
    );
  expect(told({ parallelism: 1 })).toMatchObject({
    outcome: 'kept',
    became: expect.stringContaining('each of its tasks'),
  });
  expect(told({ parallelism: 3 })).toMatchObject({ became: 'it is tried again at most 4 times' });
});

test('deadlines: the first that comes', () => {
  const { jobspec, report } = read({ spec: { activeDeadlineSeconds: 100 }, pod: { activeDeadlineSeconds: 60 } });
  expect(jobspec.walltime).toBe(60);
  expect(report.map(({ outcome }) => outcome)).toContain('overridden');
});

test('where it may run', () => {
  const affinity = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          {
            matchExpressions: [
              { key: 'arch', operator: 'In', values: ['a', 'b'] },
              { key: 'old', operator: 'DoesNotExist' },
            ],
          },
          { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] },
        ],
      },
    },
    podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [] },
  };
  const { jobspec, report } = read({ pod: { nodeSelector: { disk: 'ssd' }, affinity, nodeName: 'n2' } });
  const properties = (...values: string[]) => ({ op: 'properties', values });
  expect(jobspec.request.constraint).toEqual({
    op: 'and',
    of: [
      properties('disk=ssd'),
      {
        op: 'or',
        of: [
          {
            op: 'and',
            of: [
              { op: 'or', of: [properties('arch=a'), properties('arch=b')] },
              { op: 'not', of: [properties('old')] },
            ],
          },
          { op: 'hostlist', values: ['n1'] },
        ],
      },
      { op: 'hostlist', values: ['n2'] },
    ],
  });
  expect(report.filter((line) => line.unheeded).map(({ what }) => what)).toEqual([
    'spec.template.spec.affinity.podAntiAffinity',
  ]);
  const greater = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'k', operator: 'Gt', values: ['5'] }] }],
      },
    },
  };
  expect(read({ pod: { affinity: greater } }).report.map(({ outcome }) => outcome)).toContain('dropped');
});

test('what cannot come along is dropped, and said with its path', () => {
  const { report } = read({
    pod: {
      volumes: [{ name: 'v' }],
      initContainers: [{ name: 'i' }],
      securityContext: { runAsUser: 5 },
      tolerations: [{ key: 'x' }],
    },
    container: {
      envFrom: [{}],
      env: [{ name: 'S', valueFrom: { secretKeyRef: { name: 'x' } } }],
      volumeMounts: [{ name: 'v' }],
      ports: [{ containerPort: 80 }],
    },
  });
  const path = 'spec.template.spec.';
  const dropped = report.filter(({ outcome }) => outcome === 'dropped').map(({ what }) => what);
  expect(new Set(dropped)).toEqual(
    new Set([
      `${path}volumes`,
      `${path}initContainers`,
      `${path}containers[0].envFrom`,
      `${path}containers[0].env[0].valueFrom`,
      `${path}containers[0].volumeMounts`,
    ]),
  );
  expect(report.filter((line) => line.unheeded).map(({ what }) => what)).toEqual([`${path}securityContext`]);
});

describe('documents', () => {
  const one = toYaml(job({ metadata: { name: 'a' } }));

  test('several, a list, and what is none', () => {
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [job({ metadata: { name: 'b' } }), { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' } }],
    };
    const { jobs, report } = readKubernetes(`---\n${one}---\n# nothing\n---\n${JSON.stringify(list)}\n`, NO_CONTEXT);
    expect(jobs.map(({ jobspec }) => readJobspec(jobspec).name)).toEqual(['a', 'b']);
    expect(report).toMatchObject([{ outcome: 'dropped', what: 'Service s' }]);
  });

  test.each([
    ['kind: Pod\napiVersion: v1\n', /line 1, column 1: there is no Job/],
    ['kind: Job\napiVersion: batch/v2\n', /line 2, column 13: a Job is of apiVersion batch\/v1/],
    ['kind: Job\napiVersion: batch/v1\n', /line 1, column 1: `spec` is missing/],
    [
      one.replace('- run', '- {}'),
      /spec\.template\.spec\.containers\[0\]\.command\[0\] \(line \d+, column \d+\): must be text/,
    ],
    [one.replace(/ +command:\n +- run\n/, ''), /`command` is missing/],
    [one.replace('metadata:', 'metadata: 3 #'), /./],
    [one.replace('spec:', 'spec:\n  parallelism: lots'), /spec\.parallelism \(line 6, column 16\): must be a number/],
    [one.replace('spec:', 'spec:\n  completionMode: Some'), /must be Indexed or NonIndexed/],
  ])('%j is refused', (text, message) => {
    expect(() => readKubernetes(text, NO_CONTEXT)).toThrow(message);
  });
});

test('the command line over the document', () => {
  const overrides = {
    tasks: 4,
    cores: 2,
    gpus: 1,
    memory: '2GB',
    time: '1h',
    partition: 'debug',
    name: 'ours',
    image: 'b:2',
    cwd: '/b',
    env: { A: '2' },
  };
  const { resources, jobspec, report } = read(
    {
      metadata: { name: 'mine' },
      spec: { parallelism: 2, completions: 2, activeDeadlineSeconds: 60 },
      container: {
        image: 'a:1',
        workingDir: '/a',
        env: [{ name: 'A', value: '1' }],
        resources: { requests: { cpu: 8, memory: '1Gi' } },
      },
    },
    { overrides },
  );
  expect(resources).toBe('slot:4[core:2 gpu:1 memory:2GB]');
  expect(jobspec).toMatchObject({
    name: 'ours',
    image: 'b:2',
    cwd: '/b',
    walltime: 3600,
    queue: 'debug',
    environment: { A: '2' },
  });
  expect(report.filter(({ outcome }) => outcome === 'overridden').length).toBe(6);
});

test('what the pod as a whole needs counts instead of the sum of its containers', () => {
  const document = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    spec: {
      template: {
        spec: {
          resources: { requests: { cpu: '3' } },
          containers: ['2', '2'].map((cpu) => ({ command: ['a'], resources: { requests: { cpu, memory: '1Gi' } } })),
        },
      },
    },
  };
  const { jobs } = readKubernetes(JSON.stringify(document), NO_CONTEXT);
  const [slot] = readJobspec(jobs[0]!.jobspec).request.groups[0]!.vertices;
  expect(slot!.with.map(shape).join(' ')).toBe('core:3 memory:2GiB');
  const outcomes = jobs[0]!.report.filter(({ what }) => what.endsWith('cpu')).map(({ outcome }) => outcome);
  expect(outcomes).toEqual(['kept', 'overridden', 'overridden']);
});

test.each([
  ['1', 10n ** 9n],
  ['500m', 5n * 10n ** 8n],
  ['1.5Gi', 1536n * 1024n * 1024n * 10n ** 9n],
  ['1e3', 10n ** 12n],
  ['.5', 5n * 10n ** 8n],
  ['1n', 1n],
  ['0.1n', 1n],
  ['-1', null],
  ['1 Gi', null],
  ['1kb', null],
  ['', null],
  ['.', null],
  ['9Ei', null],
])('the quantity %s', (written, nanos) => {
  expect(readNanos(written)).toBe(nanos);
});

test.each([
  ['4Gi', 4, 'GiB', false],
  ['0.5Gi', 512, 'MiB', false],
  ['2048Ki', 2048, 'KiB', false],
  ['1000', 1000, 'B', false],
  ['5000000000', 5, 'GB', false],
  ['4294967297', 4_194_305, 'KiB', true],
  ['100m', 1, 'B', true],
])('%s of memory', (written, amount, unit, rounded) => {
  expect(bytesOf(readNanos(written)!, written)).toEqual({ amount, unit, rounded });
});

test.each([
  ['$(A)', 'x'],
  ['$$(A)', '$(A)'],
  ['$(B) $A $', '$(B) $A $'],
  ['$$$(A)', '$x'],
  ['a$$b', 'a$b'],
])('%s expands to %s', (written, text) => {
  expect(expand(written, { A: 'x' })).toBe(text);
});

test.each<[string[], JsonMap, string[]]>([
  [['a', 'b'], {}, ['a', 'b']],
  [['a', '$(JOB_COMPLETION_INDEX)'], {}, ['/bin/sh', '-c', 'exec a "$JOB_COMPLETION_INDEX"']],
  [
    ['a b', '', "it's", '--i=$(JOB_COMPLETION_INDEX).$(JOB_COMPLETION_INDEX)$(A)'],
    { A: '$x' },
    ['/bin/sh', '-c', `exec 'a b' '' 'it'\\''s' --i="$JOB_COMPLETION_INDEX"."$JOB_COMPLETION_INDEX"'$x'`],
  ],
  [['a', '$$(JOB_COMPLETION_INDEX)'], {}, ['a', '$(JOB_COMPLETION_INDEX)']],
  [['a', '$(JOB_COMPLETION_INDEX)'], { JOB_COMPLETION_INDEX: 'own' }, ['a', 'own']],
])('the command %j of an Indexed Job with %j', (command, variables, expected) => {
  const env = Object.entries(variables).map(([name, value]) => ({ name, value }));
  const { jobspec, text } = read({
    spec: { completions: 2, completionMode: 'Indexed' },
    container: { command, env },
  });
  expect(jobspec.tasks[0]!.command).toEqual(expected);
  // It means the same in a pod.
  const again = readKubernetes(render(text, 'kubernetes', 'debian').text, NO_CONTEXT).jobs[0]!;
  expect(readJobspec(again.jobspec).tasks[0]!.command).toEqual(expected);
});

test('without Indexed no pod has an index', () => {
  const { jobspec } = read({ spec: { completions: 2 }, container: { command: ['a', '$(JOB_COMPLETION_INDEX)'] } });
  expect(jobspec.tasks[0]!.command).toEqual(['a', '$(JOB_COMPLETION_INDEX)']);
});

test.each(['$(A)', '$$', '$', '$1 ${A} $((1+2))', '$$$(A', 'a'])('%s escaped expands to itself', (text) => {
  expect(expand(escapeReferences(text), { A: 'x' })).toBe(text);
});
