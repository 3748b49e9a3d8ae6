/** Every dialect read, and what each refuses, with the place in the message. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RainbowError } from '../errors.ts';
import type { Jobspec, RequestVertex } from './jobspec.ts';
import { checkTasks, readJobspec } from './read.ts';

const example = (name: string): string =>
  readFileSync(new URL(`../../../examples/jobspecs/${name}`, import.meta.url), 'utf8');

function problem(text: string, options: { format?: 'yaml' | 'json' } = {}): string {
  try {
    readJobspec(text, options);
  } catch (error) {
    if (error instanceof RainbowError && error.code === 'invalid_input') return error.message;
    throw error;
  }
  return 'no error';
}

const nextgen = (resources: string, rest = ''): string => `version: 1\nresources:\n  a: ${resources}\n${rest}`;
const rfc14 = (vertex: string, rest = ''): string => `version: 1\nresources: [${vertex}]\n${rest}`;
const vertexOf = (jobspec: Jobspec): RequestVertex => jobspec.request.groups[0]!.vertices[0]!;

test('a nextgen jobspec gives groups, tasks and attributes', () => {
  const jobspec = readJobspec(example('nextgen.yaml'));
  expect(jobspec).toMatchObject({
    dialect: 'nextgen',
    name: 'train',
    walltime: 3600,
    environment: { OMP_NUM_THREADS: '4' },
    parameters: { seconds_per_gb: 2 },
    tasks: [{ name: 'train', command: ['train', '--epochs', '10'], slot: 'train', count: { per: 'total', n: 2 } }],
  });
  const node = vertexOf(jobspec);
  expect(node).toMatchObject({ type: 'node', replicas: 2, countGiven: false, path: 'resources.train' });
  expect(node.requires).toEqual([
    {
      subsystem: 'io',
      fields: [{ field: 'type', match: 'shm', min: null, max: null }],
      path: 'resources.train.requires[0]',
    },
  ]);
  expect(node.with[1]).toMatchObject({ type: 'gpu', countGiven: true, path: 'resources.train.with[1]' });
  expect(node.with[1]!.requires[0]!.fields[0]).toMatchObject({
    min: { text: '535', number: null },
    max: { text: '550', number: null },
  });
});

test('an RFC 14 jobspec is one joint request', () => {
  const jobspec = readJobspec(example('rfc14.yaml'));
  expect(jobspec.dialect).toBe('rfc14');
  expect(jobspec.request.groups).toHaveLength(1);
  expect(vertexOf(jobspec).with.map((slot) => [slot.label, slot.count.min, slot.with.length])).toEqual([
    ['reader', 10, 2],
    ['database', 1, 2],
  ]);
  expect(vertexOf(jobspec).with[0]!.with[1]).toMatchObject({ type: 'memory', unit: 'GB' });
  checkTasks(jobspec);
});

test('a count may be a range', () => {
  const { count } = vertexOf(readJobspec(example('rfc14-range.yaml')));
  expect(count).toEqual({ min: 2, max: 8, operator: '*', operand: 2, values: null });
});

test('an RFC 25 jobspec is told by its shape, and RFC 14 is not refused for lacking it', () => {
  expect(readJobspec(example('rfc25.yaml'))).toMatchObject({ dialect: 'rfc25', name: 'three-nodes', walltime: 60 });
  const withoutDuration = example('rfc25.yaml').replace('duration: 60', 'duration: 0');
  expect(readJobspec(withoutDuration)).toMatchObject({ dialect: 'rfc14', walltime: null });
});

test('RFC 31 constraints are read', () => {
  expect(readJobspec(example('constraint.yaml')).request.constraint).toEqual({
    op: 'and',
    of: [
      { op: 'hostlist', values: ['node[0-99]'] },
      { op: 'properties', values: ['ssd', '^slow'] },
    ],
  });
});

test('the experimental form has one task beside a list', () => {
  const jobspec = readJobspec(
    rfc14(
      '{type: node, count: 4, with: [{type: slot, count: 1, label: default, with: [{type: core, count: 2}]}]}',
      'task: {slot: default, command: [ior], count: {per_slot: 1}, resources: {io: {storage: []}}}',
    ),
  );
  expect(jobspec).toMatchObject({ dialect: 'experimental', tasks: [{ command: ['ior'], slot: 'default' }] });
});

test('JSON is read as YAML is, with tabs and escapes', () => {
  const text =
    '{\n\t"version": 1,\n\t"resources": {"a": {"type": "node", "replicas": 1, "attributes": {}}},\n\t"name": "\\u00e9\\/x"\n}';
  expect(readJobspec(text, { format: 'json' })).toMatchObject({ dialect: 'nextgen', name: 'é/x', tasks: [] });
});

test('version 9999 is RFC 14’s development version; others are errors', () => {
  expect(readJobspec('version: 9999\nresources: [{type: node, count: 1}]').dialect).toBe('rfc14');
  expect(problem('version: 2\nresources: [{type: node, count: 1}]')).toMatch(
    /^version \(line 1, column 10\): unknown version 2/,
  );
  expect(problem('version: 9999\nresources: {a: {type: node}}')).toMatch(/unknown version 9999.*nextgen/);
  expect(problem('resources: {a: {type: node}}')).toMatch(/`version` is missing/);
});

test('no resources: an empty request', () => {
  expect(readJobspec('version: 1').request.groups).toEqual([]);
  expect(readJobspec('version: 1\nresources: {}').request.groups).toEqual([]);
});

test.each([
  ['{type: rack, replicas: 1, label: app, with: [{type: node, count: 2, with: [{type: core, count: 24}]}]}', 2, 24],
  ['{type: rack, replicas: 1, with: [{type: node, count: 3}]}', 3, 0],
  [
    '{type: rack, replicas: 1, attributes: {}, requires: [], with: [{type: node, count: 1, with: [{type: core, count: 1, attributes: {}}]}]}',
    1,
    1,
  ],
])('the simple shape: %s', (resources, nodes, tasks) => {
  expect(readJobspec(nextgen(resources)).request.groups[0]!.simple).toEqual({ nodes, tasks });
});

test.each([
  '{type: rack, count: 1, with: [{type: node, count: 2}]}',
  '{type: rack, replicas: 2, with: [{type: node, count: 2}]}',
  '{type: rack, replicas: 1, exclusive: true, with: [{type: node, count: 2}]}',
  '{type: rack, replicas: 1, with: [{type: node, count: 2, with: [{type: core, count: 1}, {type: gpu, count: 1}]}]}',
  '{type: rack, replicas: 1, with: [{type: node, count: 2, requires: [{name: io, field: type, match: shm}]}]}',
  '{type: rack, replicas: 1, with: [{type: node, replicas: 2}]}',
])('not the simple shape: %s', (resources) => {
  expect(readJobspec(nextgen(resources)).request.groups[0]!.simple).toBeNull();
});

test('two groups are never simple, and only the scheduled ones are asked for', () => {
  const simple = '{type: rack, replicas: 1, with: [{type: node, count: 2}]}';
  const both = readJobspec(`version: 1\nresources:\n  a: ${simple}\n  b: ${simple}`);
  expect(both.request.groups.map((group) => [group.key, group.simple])).toEqual([
    ['a', null],
    ['b', null],
  ]);
  const one = readJobspec('version: 1\nresources: {a: {type: node}, b: {type: node, schedule: true}}');
  expect(one.request.groups.map((group) => group.key)).toEqual(['b']);
});

test('a nextgen slot counts by count or by replicas', () => {
  const slot = vertexOf(readJobspec(nextgen('{type: slot, replicas: 3, with: [{type: core, count: 1}]}')));
  expect(slot).toMatchObject({ count: { min: 3, max: 3 }, countGiven: true, replicas: null });
  expect(problem(nextgen('{type: slot, replicas: 3, count: 2, with: [{type: core}]}'))).toMatch(/mean the same/);
});

test('what the prototype’s tools write is taken', () => {
  const jobspec = readJobspec(
    nextgen(
      '{type: node, count: 1, requires: [{name: system, field: cpu.target, value: amd64}]}',
      'requires: {spack: [{name: spack, field: type, match: package}]}\ntasks: [{command: "bash -c \'echo hi\'", resources: a, requires: spack}]\n',
    ),
  );
  expect(jobspec.tasks[0]).toMatchObject({ command: ['bash', '-c', 'echo hi'], slot: 'a' });
  const singular = readJobspec(nextgen('{type: node, count: 1}', 'task:\n  command: [ior]\n'));
  expect(singular.tasks[0]).toMatchObject({ command: ['ior'], slot: null });
});

test('tasks of batches take the resources of their batch', () => {
  const jobspec = readJobspec(
    nextgen(
      '{type: node, count: 1}',
      'tasks: [{group: inner}, {command: [last], resources: a}]\ngroups: [{name: inner, resources: a, tasks: [{command: [first]}]}, {name: loose, tasks: [{command: [own]}]}]\n',
    ),
  );
  expect(jobspec.tasks.map((task) => [task.command[0], task.slot])).toEqual([
    ['first', 'a'],
    ['last', 'a'],
    ['own', null],
  ]);
  const cycle = 'groups: [{name: x, tasks: [{group: y}]}, {name: y, tasks: [{group: x}]}]\ntasks: [{group: x}]';
  expect(problem(nextgen('{type: node}', cycle))).toMatch(/holds itself/);
});

test('a null in the environment unsets', () => {
  const slot = '{type: slot, count: 1, label: s, with: [{type: core, count: 1}]}';
  const rest = `tasks: [{command: [a], slot: s, count: {per_slot: 1}, attributes: {environment: {B: null, C: 0.10}}}]
attributes: {system: {environment: {A: null, B: yes, N: 007}}}`;
  const jobspec = readJobspec(rfc14(slot, rest));
  expect(jobspec).toMatchObject({ environment: { B: 'yes', N: '007' }, unset: ['A'] });
  expect(jobspec.tasks[0]).toMatchObject({ environment: { C: '0.10' }, unset: ['B'] });
});

test.each([
  ['count: 0', /^resources\[0\]\.count \(line 2, column 43\): must be a whole number of at least 1, not 0$/],
  ['count: -1', /not -1/],
  ['count: 1.5', /not 1\.5/],
  ['count: 2147483648', /2147483648 is more than 2147483647/],
  ['count: 1e300', /1e300 is more than/],
  ['count: .inf', /is more than/],
  ['count: "-3"', /not -3/],
  ['count: "1-99999999999"', /99999999999 is more than/],
  ['count: true', /not true/],
  ['count: [1]', /not a list/],
  ['count: {max: 3}', /`min` is missing/],
  ['count: {min: 3, max: 2}', /max 2 is less than min 3/],
  ['count: {min: 3, operator: "*"}', /`operand` is missing/],
  ['count: {min: 1, operator: "^", operand: 2}', /min of at least 2/],
  ['count: {min: 2, operator: "*", operand: 1}', /operand of at least 2/],
  ['count: {min: 2, operator: "-", operand: 1}', /must be "\+"/],
  ['label: x', /`count` is missing/],
  ['count: 1, replicas: 2', /`replicas` is of the form/],
  ['count: 1, with: []', /a slot bundles resources/],
  ['count: 1, with: [{type: core, count: 1}]', /a slot needs a `label`/],
  ['count: 1, requires: [{name: a, field: b, match: c}], with: [{type: core, count: 1}]', /a slot is virtual/],
  ['count: 1, widht: 3, exclusiv: true', /did you mean `exclusive`/],
])('RFC 14 slot {%s} is refused', (keys, message) => {
  expect(problem(rfc14(`{type: slot, unit: "", ${keys}}`))).toMatch(message);
});

test.each([
  ['{replicas: 1}', /`type` is missing/],
  ['{type: node, count: 0}', /^resources\.a\.count \(line 3, column \d+\): must be a whole number/],
  ['{type: node, count: {min: 1}}', /not a map/],
  ['{type: node, replicas: 0}', /resources\.a\.replicas/],
  ['5', /must be a map with a type, not 5/],
  ['{type: node, with: 3}', /must be a list, not 3/],
  ['{type: node, exclusive: 3}', /must be true or false, not 3/],
  ['{type: node, require: [{name: io, field: type, match: shm}]}', /did you mean `requires`/],
  ['{type: node, requires: [{name: io, match: shm}]}', /`field` is missing/],
  ['{type: node, requires: [{field: type, match: shm}]}', /`name` is missing/],
  ['{type: node, requires: [{name: io, field: type}]}', /`match`, `min` or `max` is missing/],
  ['{type: node, requires: [{name: io, field: type, match: ""}]}', /must not be empty/],
  ['{type: node, requires: [{name: io, attribute: a}]}', /`value` is missing/],
  ['{type: node, requires: {io: {}}}', /says nothing about "io"/],
  ['{type: node, requires: {io: shm}}', /must be a map, not "shm"/],
])('nextgen resources %s are refused', (resources, message) => {
  expect(problem(nextgen(resources))).toMatch(message);
});

test.each([
  ['tasks: [{command: [], resources: a}]', /tasks\[0\]\.command.*the command is empty/],
  ['tasks: [{command: "a \'b", resources: a}]', /a quote in the command is not closed/],
  ['tasks: [{command: [a, null]}]', /must be text, not null/],
  ['tasks: [{command: [a], resources: "a|b"}]', /combines groups/],
  ['tasks: [{group: none}]', /no group named "none"/],
  ['tasks: [{command: [a], replicas: -1}]', /tasks\[0\]\.replicas/],
  ['attributes: {parameter: 5}', /attributes\.parameter \(line 4.*must be a map/],
  ['attributes: {parameter: {a: [1]}}', /a parameter is a number/],
  ['attributes: {duration: -1}', /duration such as/],
  ['attributes: {duration: soon}', /duration such as/],
  ['attributes: {duration: inf}', /a job needs an end/],
  ['attributes: {system: {constraints: {near: [x]}}}', /unknown constraint "near"/],
  ['attributes: {system: {constraints: {hostlist: ["n[3-1]"]}}}', /ends before it begins/],
  ['attributes: {environment: {"a=b": 1}}', /cannot be the name/],
  ['resource: {a: {type: node}}', /did you mean `resources`/],
])('a nextgen jobspec with %s is refused', (rest, message) => {
  expect(problem(nextgen('{type: node, count: 1}', rest))).toMatch(message);
});

test.each([
  ['queue: [debug]', /^attributes\.system\.queue \(line 4, column \d+\): must be a name, as text, not a list$/],
  ['queue: {a: 1}', /^attributes\.system\.queue .* not a map$/],
  ['bank: [physics]', /^attributes\.system\.bank .* not a list$/],
])('a native word that is no text is refused: %s', (words, message) => {
  const rest = `tasks: []\nattributes: {system: {${words}}}`;
  expect(problem(rfc14('{type: node, count: 1}', rest))).toMatch(message);
  expect(problem(nextgen('{type: node, count: 1}', rest))).toMatch(/must be a name, as text/);
});

test.each(['queue: ""', 'queue: null', 'queue: []', 'bank: {}'])('one that says nothing is none: %s', (words) => {
  expect(readJobspec(nextgen('{type: node, count: 1}', `attributes: {system: {${words}}}`)).queue).toBeNull();
});

test('a key that combines groups is refused', () => {
  expect(problem('version: 1\nresources: {"a|b": {type: node}}')).toMatch(/"a\|b" combines groups/);
});

test.each([
  ['{command: [a], slot: s}', /`count` is missing/],
  ['{command: [a], slot: s, count: {}}', /needs exactly one of/],
  ['{command: [a], slot: s, count: {per_slot: 1, total: 2}}', /not per_slot, total/],
  ['{command: [a], slot: s, count: {per_slot: 0}}', /at least 1/],
  ['{command: [a], count: {per_slot: 1}}', /`slot` is missing/],
  ['{slot: s, count: {per_slot: 1}}', /`command` is missing/],
])('the RFC 14 task %s is refused', (task, message) => {
  const slot = '{type: slot, count: 1, label: s, with: [{type: core, count: 1}]}';
  expect(problem(rfc14(slot, `tasks: [${task}]`))).toMatch(message);
});

test('a task that names no slot is an error at submit only', () => {
  const jobspec = readJobspec(example('rfc25.yaml').replace('slot: task', 'slot: other'));
  expect(() => checkTasks(jobspec)).toThrow(/tasks\[0\]\.slot: no slot is named "other"; there is "task"/);
  const group = readJobspec(nextgen('{type: node}', 'tasks: [{command: [a], resources: b}]'));
  expect(() => checkTasks(group)).toThrow(/tasks\[0\]\.resources: no group in `resources` is named "b"; there is "a"/);
  const slot = '{type: slot, count: 1, label: s, with: [{type: core, count: 1}]}';
  const twice = readJobspec(rfc14(`${slot}, ${slot}`, 'tasks: [{command: [a], slot: s, count: {per_slot: 1}}]'));
  expect(() => checkTasks(twice)).toThrow(/is on 2 slots/);
  const byGpu = 'tasks: [{command: [a], slot: s, count: {per_resource: {type: gpu, count: 1}}}]';
  expect(() => checkTasks(readJobspec(rfc14(slot, byGpu)))).toThrow(/holds no resource of type "gpu"/);
});

test('more vertices than the limit are refused', () => {
  const many = Array.from({ length: 4097 }, () => '{type: c, count: 1}').join(', ');
  expect(problem(`version: 1\nresources: [${many}]`)).toMatch(/more than|limit/);
});
