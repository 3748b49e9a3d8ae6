/** The examples, read as they are: what they become, and what of them is in the way. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { launchPlan } from '../jobspec/launch.ts';
import { checkTasks, readJobspec } from '../jobspec/read.ts';
import type { RequestVertex } from '../jobspec/jobspec.ts';
import { carried } from './carrier.ts';
import { NO_CONTEXT } from './context.ts';
import { countText } from './normal.ts';
import { obstacles } from './report.ts';
import { formOf, translate } from './translate.ts';
import type { Translation } from './translate.ts';

const folder = fileURLToPath(new URL('../../../examples/', import.meta.url));

function read(name: string): Translation & { readonly text: string } {
  const text = readFileSync(`${folder}${name}`, 'utf8');
  const form = formOf(text);
  return { text, ...translate(text, form, { ...NO_CONTEXT, file: name.split('/').at(-1)! }) };
}

export function shape(vertex: RequestVertex): string {
  const inner = vertex.with.length === 0 ? '' : `[${vertex.with.map(shape).join(' ')}]`;
  return `${vertex.type}:${countText(vertex.count)}${vertex.unit}${vertex.exclusive === true ? '!' : ''}${inner}`;
}

describe('examples', () => {
  test.each([
    ['batch/simulation.sh', 'sbatch', 'node:2[slot:4[core:4] memory:64GiB]', 5400, 1, []],
    ['batch/array.sh', 'sbatch', 'slot:1[core:1 memory:2GiB]', 1200, 1, []],
    ['batch/gpu.py', 'sbatch', 'node:1[slot:1[core:8] gpu:2! memory:32GiB]', 216_000, 1, []],
    ['batch/one-program.sh', 'sbatch', 'slot:4[core:1]', 300, 4, []],
    ['batch/flux.sh', 'flux', 'node:2[slot:4[core:4]]', 5400, 1, []],
    ['kubernetes/pi.yaml', 'kubernetes', 'slot:1[core:1 memory:256MiB]', 120, 1, []],
    ['kubernetes/indexed.yaml', 'kubernetes', 'slot:1[core:2 memory:4GiB]', null, 1, []],
    ['kubernetes/training.yaml', 'kubernetes', 'slot:4[core:4 gpu:1 memory:16GiB]', null, 4, ['ConfigMap settings']],
  ])('%s', (name, form, resources, walltime, processes, inTheWay) => {
    const { jobs, report, ...rest } = read(name);
    expect(rest.form).toBe(form);
    expect(jobs).toHaveLength(1);
    const jobspec = readJobspec(jobs[0]!.jobspec);
    checkTasks(jobspec);
    expect(jobspec.request.groups[0]!.vertices.map(shape).join(' ')).toBe(resources);
    expect(jobspec.walltime).toBe(walltime);
    expect(launchPlan(jobspec, null)).toHaveLength(processes);
    expect(obstacles([...report, ...jobs[0]!.report]).map(({ what }) => what)).toEqual(inTheWay);
  });

  test('a script is carried whole, in a command that anybody can run', () => {
    const { jobs, text } = read('batch/gpu.py');
    const [task] = readJobspec(jobs[0]!.jobspec).tasks;
    expect(task!.command.slice(0, 2)).toEqual(['/bin/sh', '-c']);
    expect(carried(task!.command)).toEqual({ script: text, name: 'gpu.py', args: [] });
  });

  test('what they say besides resources is in the jobspec', () => {
    expect(readJobspec(read('batch/simulation.sh').jobs[0]!.jobspec)).toMatchObject({
      name: 'simulation',
      environment: { OMP_NUM_THREADS: '4' },
      request: {
        constraint: {
          op: 'and',
          of: [
            { op: 'properties', values: ['intel'] },
            { op: 'or', of: [{ values: ['ib'] }, { values: ['opa'] }] },
          ],
        },
      },
    });
    expect(read('batch/array.sh').jobs[0]!.jobspec).toMatch(/array:\n +indices: 0-99\n +limit: 10\n/);
    expect(readJobspec(read('batch/flux.sh').jobs[0]!.jobspec)).toMatchObject({ name: 'it\'s a "job"' });
    expect(read('batch/flux.sh').jobs[0]!.jobspec).toMatch(/notes: \|\n +line one\n +line two\n/);
    expect(readJobspec(read('kubernetes/training.yaml').jobs[0]!.jobspec)).toMatchObject({
      name: 'training',
      image: 'registry.example/train:3',
      cwd: '/data',
      tasks: [{ command: ['train', '--epochs', '10', '--price', '$5'] }],
    });
  });

  test('every line of the report says where it stands', () => {
    for (const name of ['batch/simulation.sh', 'batch/array.sh', 'batch/flux.sh', 'kubernetes/training.yaml']) {
      const { jobs, text } = read(name);
      const lines = text.split('\n');
      const wrong = jobs[0]!.report.filter(({ line, column, what }) => {
        const there = (lines[(line ?? 0) - 1] ?? '').slice((column ?? 0) - 1).replaceAll(/["']/g, '');
        return there === '' || (what.startsWith('-') && !there.startsWith(what.split('\n')[0]!.slice(0, 8)));
      });
      expect(wrong).toEqual([]);
    }
  });
});
