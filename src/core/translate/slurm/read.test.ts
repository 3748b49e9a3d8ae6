/** Directives of sbatch, one by one: what they become, and what is said of them. */
import { describe, expect, test } from 'vitest';
import { withoutLifecycle } from '../lifecycle.ts';
import { lostOn } from '../native.ts';
import { checkTasks, readJobspec } from '../../jobspec/read.ts';
import type { Jobspec, RequestVertex } from '../../jobspec/jobspec.ts';
import { NO_CONTEXT } from '../context.ts';
import type { ReadContext } from '../context.ts';
import { countText } from '../normal.ts';
import { readersOf, type ReportLine } from '../report.ts';
import { readSbatch } from './read.ts';

function shape(vertex: RequestVertex): string {
  const inner = vertex.with.length === 0 ? '' : `[${vertex.with.map(shape).join(' ')}]`;
  const model = vertex.requires[0]?.fields[0]?.match;
  return `${vertex.type}:${countText(vertex.count)}${vertex.unit}${model === undefined ? '' : `(${model})`}${vertex.exclusive === true ? '!' : ''}${inner}`;
}

interface Read {
  readonly text: string;
  readonly jobspec: Jobspec;
  readonly resources: string;
  readonly report: readonly ReportLine[];
}

function read(directives: string, context: Partial<ReadContext> = {}): Read {
  const { jobspec: text, report } = readSbatch(`#!/bin/sh\n${directives}\necho\n`, { ...NO_CONTEXT, ...context });
  const jobspec = readJobspec(text);
  checkTasks(jobspec);
  return { text, jobspec, report, resources: jobspec.request.groups[0]!.vertices.map(shape).join(' ') };
}

const one = (options: string, context: Partial<ReadContext> = {}): Read => read(`#SBATCH ${options}`, context);

test.each([
  ['', 'slot:1[core:1]', ''],
  ['-n 4', 'slot:4[core:1]', 'kept'],
  ['--ntasks=4 --cpus-per-task=8', 'slot:4[core:8]', 'kept kept'],
  ['-N 3', 'node:3[slot:1[core:1]]', 'kept'],
  ['-N2 -n8', 'node:2[slot:4[core:1]]', 'kept kept'],
  ['-N2 -n5', 'node:1[slot:3[core:1]] node:1[slot:2[core:1]]', 'kept kept'],
  ['-N 4 -n 2', 'node:2[slot:1[core:1]]', 'noted kept'],
  ['-N 2-4', 'node:2-4[slot:1[core:1]]', 'kept'],
  ['-N 2-15:4', 'node:2-14:4[slot:1[core:1]]', 'kept'],
  ['-N 1,3-5', 'node:1,3,4,5[slot:1[core:1]]', 'kept'],
  ['-N 2-4 -n 8', 'node:2[slot:4[core:1]]', 'narrowed kept'],
  ['-N 2 --ntasks-per-node=3', 'node:2[slot:3[core:1]]', 'kept kept'],
  ['-N 1 -n 8 --ntasks-per-node=4', 'node:1[slot:8[core:1]]', 'kept kept noted'],
  ['--ntasks-per-node=4', 'node:1[slot:4[core:1]]', 'kept'],
  ['-n 10 --ntasks-per-node=4', 'node:1[slot:4[core:1]] node:2[slot:3[core:1]]', 'kept narrowed'],
  ['--mem=16G', 'slot:1[core:1 memory:16GiB]', 'kept'],
  ['-N2 --mem=4000', 'node:2[slot:1[core:1] memory:4000MiB]', 'kept kept'],
  ['-n4 --mem 1T', 'node:1[slot:4[core:1] memory:1TiB]', 'narrowed kept'],
  ['-c4 --mem-per-cpu=2G', 'slot:1[core:4 memory:8GiB]', 'kept kept'],
  ['--mem=0 -N1', 'node:1![slot:1[core:1]]', 'altered kept'],
  ['--exclusive -N2', 'node:2![slot:1[core:1]]', 'kept kept'],
  ['--exclusive=user -N2', 'node:2![slot:1[core:1]]', 'altered kept'],
  ['--gres=gpu:2', 'slot:1[core:1 gpu:2]', 'kept'],
  ['-N2 --gres=gpu:a100:2,shard:1', 'node:2[slot:1[core:1] gpu:2(a100)! shard:1!]', 'kept kept'],
  ['--gpus-per-node=v100:1 -N 2', 'node:2[slot:1[core:1] gpu:1(v100)!]', 'kept kept'],
  ['-n2 --gpus-per-task=1', 'slot:2[core:1 gpu:1]', 'kept kept'],
  ['-G 4', 'slot:1[core:1 gpu:4]', 'kept'],
  ['-G 4 -N 2', 'node:2[slot:1[core:1] gpu:2!]', 'narrowed kept'],
  ['-G 3 -N 2', 'node:2[slot:1[core:1] gpu:2!]', 'altered kept'],
  ['-G 4 -n 2', 'slot:2[core:1 gpu:2]', 'narrowed kept'],
  ['-G 4 --gpus-per-task=2', 'slot:2[core:1 gpu:2]', 'kept kept'],
  ['--gpus-per-task=2 --cpus-per-gpu=3', 'slot:1[core:6 gpu:2]', 'kept kept'],
  ['--tres-per-task=cpu:4,gres/gpu:a100:1', 'slot:1[core:4 gpu:1(a100)]', 'kept'],
  ['--gpus-per-socket=1 --sockets-per-node=2 -N1', 'node:1[slot:1[core:1] gpu:2!]', 'kept carried kept'],
  ['--mincpus=8 -N1 -c2', 'node:1[slot:1[core:2] core:6]', 'kept kept kept'],
  ['--gres=none', 'slot:1[core:1]', 'noted'],
  ['-w node[1-3]', 'node:3[slot:1[core:1]]', 'kept'],
])('%s', (options, resources, outcomes) => {
  const found = one(options);
  expect(found.resources).toBe(resources);
  expect(found.report.map(({ outcome }) => outcome).join(' ')).toBe(outcomes);
  expect(found.jobspec.tasks).toHaveLength(1);
  expect(found.jobspec.tasks[0]!.count).toEqual({ per: 'total', n: 1 });
});

test.each([
  ['90', 5400],
  ['10:30', 630],
  ['1:30:00', 5400],
  ['2-12', 216_000],
  ['2-12:30', 217_800],
  ['1-00:00:01', 86_401],
])('--time=%s', (written, seconds) => {
  expect(one(`--time=${written}`).jobspec.walltime).toBe(seconds);
  expect(one(`-t ${written}`).jobspec.walltime).toBe(seconds);
});

test.each(['0', 'UNLIMITED', '-1'])('--time=%s has no end here', (written) => {
  const { jobspec, report } = one(`--time=${written}`);
  expect(jobspec.walltime).toBeNull();
  expect(report[0]).toMatchObject({ outcome: 'altered', line: 2, column: 9 });
});

describe('words', () => {
  test.each([
    ['#SBATCH -J "a b"', 'a b'],
    ["#SBATCH --job-name='a # b'", 'a # b'],
    ['#SBATCH --job-name=a\\ b#c', 'a b'],
    ['#SBATCH   -Ja\t# a comment', 'a'],
    ['#SBATCH --job-n x', 'x'],
    ['#SBATCH -HJ x', 'x'],
    ['#SBATCH -J\n#SBATCH x', 'x'],
    ['#SBATCH -J a\n#SBATCH -J b', 'b'],
    ['#SBATCH--job-name=close', 'close'],
  ])('%j', (directives, name) => {
    expect(read(directives).jobspec.name).toBe(name);
  });

  test('what sbatch takes for a comment is one', () => {
    const { resources, report } = read(
      '##SBATCH -N9\n# SBATCH -N9\n #SBATCH -N9\n#sbatch -N9\n\n   # comment\n#SBATCH -N2\necho\n#SBATCH -N9',
    );
    expect(resources).toBe('node:2[slot:1[core:1]]');
    expect(report.map(({ outcome, line }) => [outcome, line])).toEqual([
      ['kept', 8],
      ['noted', 10],
    ]);
  });

  test.each([
    ['#SBATCH --nod=2', /line 2, column 9: --nod could be --nodefile, --nodelist, --nodes/],
    ['#SBATCH --nope', /line 2, column 9: unknown option "--nope"/],
    ['#SBATCH -N2 word', /line 2, column 13: "word" is no option of sbatch/],
    ['#SBATCH -N', /line 2, column 9: -N needs a value/],
    ['#SBATCH --hold=1', /line 2, column 9: --hold takes no value/],
    ['#SBATCH -N 0', /line 2, column 9: -N 0: must be a number of nodes/],
    ['#SBATCH --mem=lots', /must be an amount of memory/],
    ['#SBATCH --mem=1G --mem-per-cpu=1G', /line 2, column 18: .* exclude each other/],
    ['#SBATCH -t 1:2:3:4', /must be a span of time/],
    ['#SBATCH --array=5-1', /must be array tasks/],
    ['#SBATCH -d afterok', /must be dependencies/],
    ['#SBATCH -C "(a&b"', /must be features/],
    ['#SBATCH --gpus-per-socket=1', /needs --sockets-per-node/],
  ])('%j is refused', (directives, message) => {
    expect(() => read(directives)).toThrow(message);
  });
});

test.each([
  ['-o mine_%j.txt', 1],
  ['-o mine_%j.txt -e errors', 2],
  ['-o mine_%j.txt -D /work', 0],
  ['-o /data/mine_%j.txt', 0],
])('%s: files that go with the job are told (%i)', (options, told) => {
  const said = one(options).report.filter(
    ({ outcome, why }) => outcome === 'noted' && why?.includes('removed after it'),
  );
  expect(said.length).toBe(told);
});

test.each([
  ['-p gpu', 'Slurm and Flux'],
  ['-A lab', 'Slurm and Flux'],
  ['-o /out', 'Slurm and Flux'],
  ['--mail-type=END', 'Slurm'],
  ['-d singleton', null],
  ['-n 2', null],
])('whose schedulers are told of %s: %s', (options, readers) => {
  expect(readersOf(one(options).report[0]!)).toBe(readers);
});

test('where it may run', () => {
  const constraint = (options: string): unknown => one(options).jobspec.request.constraint;
  expect(constraint('-C a')).toEqual({ op: 'properties', values: ['a'] });
  expect(constraint('-C "a&b,c"')).toEqual({ op: 'properties', values: ['a', 'b', 'c'] });
  // From left to right: no operator binds tighter.
  expect(constraint('-C "a|b&c"')).toMatchObject({
    op: 'and',
    of: [{ op: 'or' }, { op: 'properties', values: ['c'] }],
  });
  expect(constraint('-x a,b')).toEqual({ op: 'not', of: [{ op: 'hostlist', values: ['a', 'b'] }] });
  expect(one('-C "[a|b]" -N2').report[0]).toMatchObject({ outcome: 'altered' });
  expect(one('-C "a*2&b*1" -N3').report[0]).toMatchObject({ outcome: 'dropped' });
  expect(constraint('-C "a*2&b*1" -N3')).toBeNull();
  expect(one('-N4 -w a,b').report.map(({ outcome }) => outcome)).toContain('altered');
});

test('variables', () => {
  const environment = { HOME: '/home/ada', TOKEN: 'secret' };
  const { jobspec, report } = one(`--export="ALL,HOME,A=1,B='x,y',GONE"`, { environment });
  expect(jobspec.environment).toEqual({ HOME: '/home/ada', A: '1', B: 'x,y' });
  expect(report.map(({ outcome, why }) => [outcome, why])).toEqual([
    ['noted', 'GONE is not set here, so it is not set there'],
    ['noted', expect.stringContaining('only named ones go along')],
  ]);
  expect(one('--export=NONE', { environment }).jobspec.environment).toEqual({});
  expect(one('--export=constructor').jobspec.environment).toEqual({});
});

test('the least time that it may be given', () => {
  const { text, jobspec, report } = read('#SBATCH -t 1:00:00 --time-min=5');
  expect([jobspec.walltime, jobspec.leastTime]).toEqual([3600, 300]);
  expect(text).toMatch(/slurm:\n +time-min: ["']?5/);
  expect(report).toContainEqual(
    expect.objectContaining({
      outcome: 'kept',
      what: '--time-min=5',
      became: 'on a cluster of Slurm it may be given as little as 300 s',
    }),
  );
  expect(one('-t 5 --time-min=5').jobspec.leastTime).toBeNull();
  expect(one('--time-min=5').jobspec.leastTime).toBeNull();
  expect(() => one('-t 5 --time-min=10')).toThrow(
    /--time-min=10: must be no more than the time that it asks for, 300 s/,
  );
  expect(() => one('--time-min=soon')).toThrow(/--time-min=soon: must be a span of time/);
});

test('what is carried: kept in the jobspec, and said', () => {
  const { text, report } = read(`#SBATCH -a 0-15:4%2 -d afterok:1:2,aftercorr:3 -H -b now+1hour
#SBATCH -p debug -A physics -q high -L matlab:2 --signal=B:USR1@60 --requeue
#SBATCH -o out/%x-%j_%4t.txt -e /dev/null --mail-type=END,FAIL --nice`);
  for (const part of [
    /array:\n +indices: 0-15:4\n +limit: 2/,
    /dependencies:\n +- scheme: afterok\n +value: "1"\n +- scheme: afterok\n +value: "2"\n +- scheme: aftercorr/,
    /hold: true/,
    /begin: now\+1hour/,
    /queue: debug/,
    /bank: physics/,
    /qos: high/,
    /licenses: matlab:2/,
    /requeue: true/,
    /path: out\/\{\{name\}\}-\{\{id\}\}_\{\{task\.rank:4\}\}\.txt/,
    /nice: true/,
  ]) {
    expect(text).toMatch(part);
  }
  const kept = ['-a 0-15:4%2', '-H', '-b now+1hour'];
  expect(report.filter(({ outcome }) => outcome === 'kept').map(({ what }) => what)).toEqual(kept);
  // What only Slurm can do keeps it to clusters of Slurm.
  const narrowed = report.filter(({ outcome }) => outcome === 'narrowed').map(({ what }) => what);
  expect(narrowed).toEqual(['-L matlab:2', '--signal=B:USR1@60']);
  const others = report.filter(({ outcome }) => outcome !== 'kept' && outcome !== 'narrowed');
  expect(
    others.every(({ outcome, what }) => outcome === 'carried' || (outcome === 'noted' && what.startsWith('-o'))),
  ).toBe(true);
  const unheeded = report.filter((line) => line.unheeded).map(({ what }) => what);
  expect(unheeded).toEqual(['-d afterok:1:2,aftercorr:3']);
  for (const [runner, most] of [
    ['slurm', 0],
    ['flux', 2],
    ['process', 2],
  ] as const) {
    const lost = lostOn(withoutLifecycle(text), runner);
    expect([runner, lost.filter((line) => /licenses|signal/.test(line)).length]).toEqual([runner, most]);
  }
});

test('--ntasks-per-node=0 is as if it were not said, and has its line', () => {
  const { resources, report } = read('#SBATCH -n2 --ntasks-per-node=0');
  expect(resources).toBe('slot:2[core:1]');
  expect(report.map(({ outcome, what }) => [outcome, what])).toEqual([
    ['kept', '-n2'],
    ['noted', '--ntasks-per-node=0'],
  ]);
});

test('a heterogeneous job: only its first component', () => {
  const { resources, report } = read('#SBATCH -N1\n#SBATCH hetjob\n#SBATCH -N2 --mem=1G');
  expect(resources).toBe('node:1[slot:1[core:1]]');
  expect(report.map(({ outcome, line }) => [outcome, line])).toEqual([
    ['kept', 2],
    ['dropped', 4],
    ['dropped', 4],
  ]);
});

describe('the command line over the script', () => {
  const script =
    '-N2 --ntasks-per-node=4 -c2 --mem-per-cpu=1G --gres=gpu:2,shard:1 -t 10 -J mine -p main -A old -D /a --export=A=1,B=2';

  test('each flag stands for its option', () => {
    const overrides = {
      nodes: 3,
      cores: 8,
      memory: '64GB',
      gpus: 1,
      time: '2h',
      partition: 'debug',
      account: 'lab',
      name: 'ours',
      cwd: '/b',
      env: { B: '3' },
      image: 'a:1',
    };
    const { resources, jobspec, report } = one(script, { overrides });
    expect(resources).toBe('node:3[slot:4[core:8 gpu:1] shard:1! memory:64GB]');
    expect(jobspec).toMatchObject({
      name: 'ours',
      cwd: '/b',
      walltime: 7200,
      queue: 'debug',
      image: 'a:1',
      environment: { A: '1', B: '3' },
    });
    const set = report.filter(({ outcome }) => outcome === 'overridden');
    expect(new Set(set.map(({ what }) => what))).toEqual(
      new Set([
        '--gres=gpu:2,shard:1',
        '--mem-per-cpu=1G',
        '-D /a',
        '-J mine',
        '-N2',
        '-c2',
        '-t 10',
        '-p main',
        '-A old',
      ]),
    );
    expect(set.every(({ line }) => line === 2)).toBe(true);
  });

  test('tasks in all', () => {
    expect(one(script, { overrides: { tasks: 3 } }).resources).toContain('node:1[slot:2[');
  });
});

describe('what it runs', () => {
  const tasks = (body: string, args: readonly string[] = []): Jobspec['tasks'] =>
    readJobspec(readSbatch(`#!/bin/sh\n#SBATCH -n3\n${body}`, { ...NO_CONTEXT, args }).jobspec).tasks;

  test('a script that only starts a program is that program', () => {
    expect(tasks(`exec srun -- ./a 'b c' "d"\n`)[0]!.count).toEqual({ per: 'total', n: 1 });
    expect(tasks(`exec srun -- ./a 'b c'\n`)).toMatchObject([
      { command: ['./a', 'b c'], count: { per: 'slot', n: 1 } },
    ]);
    expect(tasks(`exec ./a 'it'\\''s'\n`)).toMatchObject([{ command: ['./a', "it's"], count: { per: 'total', n: 1 } }]);
  });

  test.each([
    'srun ./a',
    'exec srun -n2 -- ./a',
    'exec ./a $HOME',
    'exec ./a\necho',
    'exec ./a > b',
    'exec A=b ./a',
    'exec ./a *',
    'exec -a x y',
  ])('%j is a script', (body) => {
    expect(tasks(`${body}\n`)[0]!.command[0]).toBe('/bin/sh');
  });

  test('with arguments it is a script', () => {
    expect(tasks('exec ./a\n', ['x']).at(0)!.command.at(-1)).toBe('x');
  });

  test('what only Slurm has is said', () => {
    const { report } = readSbatch('#!/bin/bash\nsrun ./a\necho $SLURM_JOB_ID; flux run b\n', NO_CONTEXT);
    expect(report.map(({ what, line, column, outcome }) => [what, line, column, outcome])).toEqual([
      ['srun', 2, 1, 'noted'],
      ['SLURM_JOB_ID', 3, 7, 'noted'],
      ['flux run', 3, 21, 'noted'],
    ]);
  });
});
