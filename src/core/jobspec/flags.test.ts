/** What the flags of submit mean, read back from the jobspec that they give. */
import { expect, test } from 'vitest';
import { jobspecFromFlags } from './flags.ts';
import type { JobspecFlags } from './flags.ts';
import type { RequestVertex } from './jobspec.ts';
import { launchPlan } from './launch.ts';
import { checkTasks, readJobspec } from './read.ts';
import { readQuantity } from './quantity.ts';
import { readTime } from './time.ts';

function shape(vertex: RequestVertex): string {
  const inner = vertex.with.length === 0 ? '' : `[${vertex.with.map(shape).join(' ')}]`;
  return `${vertex.type}:${vertex.count.min}${vertex.unit}${inner}`;
}

function read(flags: Omit<JobspecFlags, 'command'>): { resources: string; processes: number } {
  const jobspec = readJobspec(jobspecFromFlags({ command: ['a'], ...flags }));
  checkTasks(jobspec);
  const resources = jobspec.request.groups[0]!.vertices.map(shape).join(' ');
  return { resources, processes: launchPlan(jobspec, null).length };
}

test.each([
  [{}, 'slot:1[core:1]', 1],
  [{ tasks: 4 }, 'slot:4[core:1]', 4],
  [{ nodes: 2 }, 'node:2[slot:1[core:1]]', 2],
  [{ nodes: 2, tasks: 24 }, 'node:2[slot:12[core:1]]', 24],
  [{ nodes: 2, tasks: 5, cores: 3, gpus: 1 }, 'node:1[slot:3[core:3 gpu:1]] node:1[slot:2[core:3 gpu:1]]', 5],
  [{ nodes: 3, tasks: 5, memory: '4GiB' }, 'node:2[slot:2[core:1] memory:4GiB] node:1[slot:1[core:1] memory:4GiB]', 5],
  [{ memory: '64GB' }, 'slot:1[core:1 memory:64GB]', 1],
])('%j', (flags, resources, processes) => {
  expect(read(flags)).toEqual({ resources, processes });
});

test('everything else is carried', () => {
  const text = jobspecFromFlags({
    command: ['echo', 'a b', "it's", 'yes', '0.10', ''],
    time: '1h30m',
    partition: 'debug',
    account: 'lab',
    image: 'registry.example/app:1',
    name: 'no',
    cwd: '/data dir',
    environment: { OFF: 'off', X: '12:30:00' },
  });
  expect(text).toContain('bank: lab');
  expect(readJobspec(text)).toMatchObject({
    name: 'no',
    walltime: 5400,
    queue: 'debug',
    image: 'registry.example/app:1',
    cwd: '/data dir',
    environment: { OFF: 'off', X: '12:30:00' },
    tasks: [{ command: ['echo', 'a b', "it's", 'yes', '0.10', ''] }],
  });
});

test.each([
  [{ nodes: 4, tasks: 3 }, /--tasks: 3 tasks cannot be spread over 4 nodes/],
  [{ tasks: 2, memory: '4GB' }, /--memory: is for each node/],
  [{ cwd: 'relative' }, /--cwd: must be a whole path on the cluster, one that begins with \/, not "relative"/],
  [{ nodes: 0 }, /--nodes: must be a whole number/],
  [{ tasks: 1.5 }, /--tasks/],
  [{ cores: -1 }, /--cores/],
  [{ gpus: 2 ** 31 }, /--gpus/],
  [{ memory: '64' }, /say 64GB/],
  [{ time: 'soon' }, /--time/],
])('%j is refused', (flags, message) => {
  expect(() => jobspecFromFlags({ command: ['a'], ...flags })).toThrow(message);
});

test('no command is refused', () => {
  expect(() => jobspecFromFlags({ command: [] })).toThrow(/command/);
});

test.each([
  ['64GB', 64, 'GB'],
  ['4GiB', 4, 'GiB'],
  ['512m', 512, 'MB'],
  ['1.5GB', 1500, 'MB'],
  ['0.5 TiB', 512, 'GiB'],
  ['8Gi', 8, 'GiB'],
  ['1024B', 1024, 'B'],
])('memory %s', (written, amount, unit) => {
  expect(readQuantity(written, '--memory')).toEqual({ amount, unit });
});

test.each(['', 'GB', '-1GB', '0GB', '1XB', '99999999999B', '1e9GB'])('memory %s is refused', (written) => {
  expect(() => readQuantity(written, '--memory')).toThrow(/--memory/);
});

test.each([
  ['90s', 90],
  ['10m', 600],
  ['1h30m', 5400],
  ['01:30:00', 5400],
  ['10:00', 600],
  ['2-00:00:00', 172_800],
  ['1.5h', 5400],
  ['45', 45],
  ['2d', 172_800],
  ['500ms', 0.5],
])('time %s', (written, seconds) => {
  expect(readTime(written, '--time')).toBe(seconds);
});

test.each(['', '0', '-5', '1:60', '10:99:00', '1x', 'h', '1-10:00', '9999999999'])('time %s is refused', (written) => {
  expect(() => readTime(written, '--time')).toThrow(/--time/);
});
