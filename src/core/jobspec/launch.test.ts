/** How many processes a placed job starts, and with what around them. */
import { expect, test } from 'vitest';
import type { Witness } from '../match/matcher.ts';
import { launchPlan } from './launch.ts';
import { readJobspec } from './read.ts';

const slots = (task: string, count = '2', more = ''): string => `version: 1
resources:
- type: node
  count: 3
  with:
  - {type: slot, count: ${count}, label: s, with: [{type: core, count: 2}, {type: gpu, count: 1}]}
tasks:
- {command: [a, b], slot: s, count: ${task}}
${more}`;

const claim = (vertex: number, request: string, amount = 1) => ({ vertex, amount, exclusive: true, request });
const path = 'resources[0].with[0].with[0]';

function witness(numberOfSlots: number): Witness {
  const slot = { label: 's', claims: [claim(1, path), claim(2, path), claim(3, 'resources[0].with[0].with[1]')] };
  const other = { label: 'other', claims: [claim(9, path)] };
  return { groups: [{ key: '', claims: [], slots: [...Array.from({ length: numberOfSlots }, () => slot), other] }] };
}

test.each([
  ['{per_slot: 2}', null, 12],
  ['{per_slot: 2}', 4, 8],
  ['{total: 5}', null, 5],
  ['{total: 5}', 4, 5],
  ['{per_resource: {type: core, count: 1}}', null, 12],
  ['{per_resource: {type: core, count: 3}}', 4, 24],
  ['{per_resource: {type: gpu, count: 1}}', 4, 4],
])('%s on %s slots', (task, allocated, expected) => {
  const plan = launchPlan(readJobspec(slots(task)), allocated === null ? null : witness(allocated));
  expect(plan.map((launch) => launch.task)).toEqual(Array.from({ length: expected }, (_, i) => i));
  expect(plan[0]!.command).toEqual(['a', 'b']);
});

test('a task’s environment lies over the job’s', () => {
  const text = `version: 1
resources: [{type: slot, count: 1, label: s, with: [{type: core, count: 1}]}]
tasks:
- {command: [a], slot: s, count: {per_slot: 1}, attributes: {environment: {A: null, B: task, U: now}}}
- {command: [b], slot: s, count: {per_slot: 1}}
attributes: {system: {environment: {A: job, B: job, C: job, U: null, V: null}}}`;
  const plan = launchPlan(readJobspec(text), null);
  expect(plan).toEqual([
    { task: 0, command: ['a'], environment: { B: 'task', C: 'job', U: 'now' }, unset: ['V', 'A'] },
    { task: 1, command: ['b'], environment: { A: 'job', B: 'job', C: 'job' }, unset: ['U', 'V'] },
  ]);
});

test('the simple shape runs a copy for each task, and at least one on each node', () => {
  const text = (cores: string): string =>
    `version: 1\nresources: {a: {type: rack, replicas: 1, with: [{type: node, count: 2${cores}}]}}\ntasks: [{command: [x], resources: a}]`;
  expect(launchPlan(readJobspec(text(', with: [{type: core, count: 5}]')), null)).toHaveLength(5);
  expect(launchPlan(readJobspec(text(', with: [{type: core, count: 1}]')), null)).toHaveLength(2);
  expect(launchPlan(readJobspec(text('')), null)).toHaveLength(2);
});

test('a nextgen task runs as often as its replicas say', () => {
  const text =
    'version: 1\nresources: {a: {type: node, replicas: 4}}\ntasks: [{command: [x], resources: a, replicas: 3}, {command: [y]}]';
  expect(launchPlan(readJobspec(text), null).map((launch) => launch.command[0])).toEqual(['x', 'x', 'x', 'y']);
});

test('what cannot be run is refused', () => {
  expect(() => launchPlan(readJobspec('version: 1\nresources: {a: {type: node}}'), null)).toThrow(/nothing to run/);
  expect(() => launchPlan(readJobspec(slots('{total: 10001}')), null)).toThrow(/more than 10000 processes/);
  expect(() => launchPlan(readJobspec(slots('{per_slot: 2000000000}', '2000000000')), null)).toThrow(/more than 10000/);
  const waits =
    'version: 1\nresources: {a: {type: node}}\ntasks: [{name: x, command: [x]}, {command: [y], depends_on: [x]}]';
  expect(() => launchPlan(readJobspec(waits), null)).toThrow(/depends_on/);
});
