/** Flux's directives and command lines: what they become, and what is said of them. */
import { describe, expect, test } from 'vitest';
import { checkTasks, readJobspec } from '../../jobspec/read.ts';
import type { Jobspec, RequestVertex } from '../../jobspec/jobspec.ts';
import { NO_CONTEXT } from '../context.ts';
import type { ReadContext } from '../context.ts';
import { countText } from '../normal.ts';
import type { ReportLine } from '../report.ts';
import { queryText, readQuery } from './query.ts';
import { readFluxBatch, readFluxCommand } from './read.ts';

function shape(vertex: RequestVertex): string {
  const inner = vertex.with.length === 0 ? '' : `[${vertex.with.map(shape).join(' ')}]`;
  return `${vertex.type}:${countText(vertex.count)}${vertex.unit}${vertex.exclusive === true ? '!' : ''}${inner}`;
}

interface Read {
  readonly text: string;
  readonly jobspec: Jobspec;
  readonly resources: string;
  readonly report: readonly ReportLine[];
}

function read(script: string, context: Partial<ReadContext> = {}): Read {
  const { jobspec: text, report } = readFluxBatch(script, { ...NO_CONTEXT, ...context });
  const jobspec = readJobspec(text);
  checkTasks(jobspec);
  return { text, jobspec, report, resources: jobspec.request.groups[0]!.vertices.map(shape).join(' ') };
}

const one = (options: string, context: Partial<ReadContext> = {}): Read =>
  read(`#!/bin/sh\n# flux: ${options}\necho\n`, context);

test.each([
  ['-n 4', 'slot:4[core:1]'],
  ['-N2', 'node:2![slot:1[core:1]]'],
  ['-N2 -n8 -c3 -g1', 'node:2[slot:4[core:3 gpu:1]]'],
  ['-N2 -n3', 'node:2[slot:2[core:1]]'],
  ['-N2 -n2 --exclusive', 'node:2![slot:1[core:1]]'],
  ['--nslots=2 --cores-per-s=4', 'slot:2[core:4]'],
])('%s', (options, resources) => {
  expect(one(options).resources).toBe(resources);
});

test.each([
  ['5', 300],
  ['90s', 90],
  ['1.5h', 5400],
  ['2d', 172_800],
])('-t %s', (written, seconds) => {
  expect(one(`-n1 -t ${written}`).jobspec.walltime).toBe(seconds);
});

describe('directives (RFC 36)', () => {
  test.each([
    ['# flux: -n1 --job-name="a b"', 'a b'],
    ['#FLUX: -n1 --job-name=a # b', 'a'],
    ['-- flux: -n1\n-- flux: --job-name=lua', 'lua'],
    ['"""\nflux: -n1\nflux: --job-name=python\n"""', 'python'],
    ['# flux: -n1\n# a comment\n\n# flux: --job-name=b', 'b'],
    [`# flux: -n1 --job-name='''it's "it"'''`, `it's "it"`],
    ['# flux: -n1 --job-name="""\n# flux: a\n# flux:  b\n# flux: """', 'a\n b\n'],
    ["# flux: -n1 --job-name='a\\'b'", "a'b"],
  ])('%j', (directives, name) => {
    expect(read(`#!/usr/bin/thing\n${directives}\nrun\n`).jobspec.name).toBe(name);
  });

  test.each([
    ['-n1 word', /line 2, column 13: "word" is no option of flux batch/],
    ['word', /line 2, column 9: unknown directive "word"/],
    ['-n1 --requires=a|b', /line 2, column 25: put quotes around what has \| in it/],
    ['-n1 --requires="a:b"', /must be a constraint \(RFC 35\)/],
    ['-n1 --setattr=user.a="""b" c', /line 2, column 30: the """ is not closed/],
    ['-c1', /line 1, column 1: the number of slots is missing/],
    ['-n1 -x', /line 2, column 13: --exclusive needs -N/],
    ['-N4 -n2', /2 slots cannot be spread over 4 nodes/],
    ['-n1 -t soon', /must be minutes, or a duration/],
    ['-n1 --dependency=4711', /must be a dependency/],
  ])('%j is refused', (options, message) => {
    expect(() => one(options)).toThrow(message);
  });
});

test('attributes, variables and what is carried', () => {
  const { text, jobspec, report } = read(
    `#!/bin/sh
# flux: -n2 -q debug -B physics --setattr=user.a.b='{"c":[1]}' --setattr=tag=x --setopt=mpi=none --setopt=verbose
# flux: --dependency=afterok:123 --dependency=string:x?y=z --begin-time=+1h --urgency=hold --signal=USR1@30s
# flux: --output=out-{{id}}.txt --env=A=1 --env='X_*' --env-remove=X_B --env='E=$HOME' --rlimit=core --flags=debug
# flux: --setattr=^user.c=file.json --setattr=__proto__.x=1
`,
    { environment: { X_A: 'a', X_B: 'b', Y: 'y' } },
  );
  expect(jobspec.environment).toEqual({ A: '1', X_A: 'a' });
  for (const part of [
    /queue: debug/,
    /bank: physics/,
    /a:\n +b:\n +c:\n +- 1/,
    /tag: x/,
    /mpi: none\n +verbose: 1/,
    /scheme: string\n +value: x\n +"?y"?: z/,
    /begin: \+1h/,
    /hold: true/,
    /signal: USR1@30s/,
    /path: out-\{\{id\}\}\.txt/,
    /rlimit:\n +- core/,
  ]) {
    expect(text).toMatch(part);
  }
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  expect(report.filter(({ outcome }) => outcome === 'dropped').map(({ what }) => what)).toEqual([
    '--env=E=$HOME',
    '--setattr=^user.c=file.json',
  ]);
  expect(report.filter((line) => line.unheeded).map(({ what }) => what)).toEqual(['--dependency=string:x?y=z']);
  expect(report.filter(({ outcome }) => outcome === 'narrowed').map(({ what }) => what)).toEqual(['--signal=USR1@30s']);
});

test('the command line over the script', () => {
  const overrides = {
    nodes: 3,
    tasks: 6,
    cores: 2,
    gpus: 1,
    memory: '4GiB',
    time: '1h',
    partition: 'debug',
    account: 'lab',
    name: 'b',
    cwd: '/c',
    env: { A: '2' },
  };
  const { resources, jobspec, report } = one('-N2 -n4 -c4 -t 5 --job-name=a -q batch --env=A=1', { overrides });
  expect(resources).toBe('node:3[slot:2[core:2 gpu:1] memory:4GiB]');
  expect(jobspec).toMatchObject({ walltime: 3600, name: 'b', queue: 'debug', cwd: '/c', environment: { A: '2' } });
  expect(report.filter(({ outcome }) => outcome === 'overridden').map(({ what }) => what)).toEqual([
    '-N2',
    '-n4',
    '-c4',
    '-t 5',
    '--job-name=a',
    '-q batch',
  ]);
});

describe('command lines', () => {
  test('submit', () => {
    const { jobspec } = readFluxCommand(
      `flux submit -N2 -n4 \\\n  --env=A='b c' -- ./a "x y" 'it'\\''s'\n`,
      NO_CONTEXT,
    );
    expect(readJobspec(jobspec)).toMatchObject({
      environment: { A: 'b c' },
      tasks: [{ command: ['./a', 'x y', "it's"], count: { per: 'slot', n: 1 } }],
    });
  });

  test('tasks that are no multiple of nodes leave slots empty, as in Flux', () => {
    const jobspec = readJobspec(readFluxCommand('flux run -N2 -n3 a', NO_CONTEXT).jobspec);
    expect(jobspec.tasks[0]!.count).toEqual({ per: 'total', n: 3 });
    expect(jobspec.request.groups[0]!.vertices.map(shape)).toEqual(['node:2[slot:2[core:1]]']);
  });

  test('batch with its script', () => {
    const { jobspec } = readFluxCommand(
      `flux batch -n2 <<'END'\n#!/bin/sh\n# flux: -n1 -t 5\necho '<<'\nEND\n`,
      NO_CONTEXT,
    );
    expect(readJobspec(jobspec)).toMatchObject({ walltime: 300 });
    expect(jobspec).toContain("echo '<<'");
  });

  test.each([
    ['flux submit -n1 -- a $HOME', /line 1, column 22: \$ means something to a shell/],
    ['flux submit -n1 -- a; b', /; means something to a shell/],
    ['flux submit -n1', /the program is missing/],
    ['flux batch job.sh', /must be flux submit, or flux batch with/],
    ['flux submit -- a\nflux submit -- b\n', /line 2, column 1: a second command/],
    [`flux batch -n1 <<'END'\n#!/bin/sh\n`, /no line END ends the script/],
    ['flux submit --tasks-per-node=2 -N1 -- "a', /line 1, column 39: the " is not closed/],
  ])('%j is refused', (text, message) => {
    expect(() => readFluxCommand(text, NO_CONTEXT)).toThrow(message);
  });
});

describe('constraint queries (RFC 35)', () => {
  test.each([
    ['a', { properties: ['a'] }],
    ['a b', { and: [{ properties: ['a'] }, { properties: ['b'] }] }],
    ['a|b&c', { or: [{ properties: ['a'] }, { and: [{ properties: ['b'] }, { properties: ['c'] }] }] }],
    ['(a|-b)&&c', { and: [{ or: [{ properties: ['a'] }, { not: [{ properties: ['b'] }] }] }, { properties: ['c'] }] }],
    [
      'not (a or b) host:node[1-3]',
      { and: [{ not: [{ or: [{ properties: ['a'] }, { properties: ['b'] }] }] }, { hostlist: ['node[1-3]'] }] },
    ],
    ["rank:0-3 'not'", { and: [{ ranks: ['0-3'] }, { properties: ['not'] }] }],
    ['a,^b', { properties: ['a', '^b'] }],
  ])('%s', (text, constraint) => {
    expect(readQuery(text)).toEqual(constraint);
  });

  test.each(['', '(', 'a|', '-(a)', 'a)', 'what:a', 'a:', "'a", 'not', '&a', '('.repeat(30) + 'a' + ')'.repeat(30)])(
    '%j is none',
    (text) => {
      expect(readQuery(text)).toBeNull();
    },
  );

  test('what cannot be written', () => {
    expect(queryText({ op: 'and', of: [] })).toBeNull();
    expect(queryText({ op: 'properties', values: ['a b'] })).toBeNull();
  });
});
