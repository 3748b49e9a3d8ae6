/**
 * The parts of the slurm runner that need no Slurm: on what 22.05.8 printed. Long, because the recorded answers stand
 * beside the cases that read them.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readSlurmNodes, readSlurmPartitions } from '../../../core/discover/slurm.ts';
import { NO_CONTEXT } from '../../../core/translate/context.ts';
import { readSbatch } from '../../../core/translate/slurm/read.ts';
import { nativeRendering } from '../../../core/translate/native.ts';
import { readJobspec } from '../../../core/jobspec/read.ts';
import { splitWords } from '../../../core/jobspec/words.ts';
import { jobspecOf } from '../../testing/jobspec.ts';
import type { Order } from '../runner.ts';
import { failed } from './commands.ts';
import { nativeName, readNativeName } from './key.ts';
import { clusterState, takenVertices } from './nodes.ts';
import { queueOf } from './queue.ts';
import { readQueued } from './queued.ts';
import { readCompletions, readSacct, readSqueue } from './records.ts';
import {
  endOf,
  isForgotten,
  KNOWN_STATES,
  phaseOf,
  phaseOfAll,
  waitsFor,
  wasNotLaunched,
  type RunTimes,
} from './status.ts';
import { lastTaskOf, nativeSubmission, readJobId, slurmJobOf } from './submit.ts';
import { limitToSay } from './time-limit.ts';
import { readMapping, slurmUsers } from './users.ts';

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
const WHERE = { cluster: 'red', runDir: '/shared/100%/run', cwd: '/shared/scratch' };

test('a name is found again, whatever the job is called', () => {
  expect(nativeName(KEY, 'a b|c/é')).toBe('rainbow-7.2-00c0ffee-0123456789ab-a_b_c_');
  for (const name of ['', 'x', '-', 'a-b', '|']) expect(readNativeName(nativeName(KEY, name))).toEqual(KEY);
  for (const other of [
    'wrap',
    'rainbow-7',
    'rainbow-0.1-00c0ffee-0123456789ab',
    'xrainbow-7.2-00c0ffee-0123456789ab',
  ]) {
    expect(readNativeName(other)).toBeNull();
  }
});

test('rows of squeue: jobs, arrays, and a reason with bars; what does not read is left out', () => {
  const records = readSqueue(
    [
      '11|2-3%2|11|PENDING|0|2026-11-22T15:01:42|N/A|N/A|0|nobody|gpu||wrap|JobArrayTaskLimit|',
      '12|0|11|RUNNING|0|2026-11-22T15:01:42|2026-11-22T15:01:43|2026-11-22T16:01:43|0|nobody|gpu|red-g1|wrap|None|',
      '10|N/A|10|FAILED|768|2026-11-22T14:53:24|2026-11-22T15:01:43|2026-11-22T15:01:45|1|nobody|main|red-c1|job|(a|b)|',
      'slurm_load_jobs error: Unable to contact slurm controller',
      '',
    ].join('\n'),
  );
  expect(records).toMatchObject([
    {
      id: '11',
      arrayTask: null,
      isArray: true,
      state: 'PENDING',
      startedAt: null,
      reason: 'JobArrayTaskLimit',
      hadNodes: false,
    },
    { id: '12', arrayTask: 0, isArray: true, reason: '', hadNodes: true, startedAt: Date.UTC(2026, 10, 22, 15, 1, 43) },
    { id: '10', arrayTask: null, isArray: false, waitStatus: 768, restarts: 1, reason: '(a|b)' },
  ]);
});

test('rows of squeue for an estimate: what runs, what waits and is planned, what is held', () => {
  const rows = [
    'RUNNING|main|4294901759|2|8|2|gres:gpu:a100:2|N/A|N/A|OK|red-c[1-2]|1:00:00|10:00|2026-11-22T17:30:28|None|x|y|',
    'PENDING|main|4294901757|1|4|1|N/A|gres:gpu:3|N/A|NO||2:00|0:00|2026-11-22T17:32:30|Resources|wrap|',
    'PENDING|main,gpu|0|1|1|1|N/A|N/A|N/A|OK||UNLIMITED|0:00|N/A|JobHeldUser|wrap|',
    'COMPLETED|main|1|1|1|1|N/A|N/A|N/A|OK||2:00|0:00|N/A|None|wrap|',
    'squeue: error: Invalid job format specification: Nodes',
    '',
  ];
  const [running, waiting, held, ...more] = readQueued(rows.join('\n'));
  expect(more).toEqual([]);
  expect(running).toMatchObject({
    name: 'x',
    waits: false,
    nodes: 2,
    cpus: 8,
    gpus: 4,
    hosts: ['red-c1', 'red-c2'],
    walltime: 3600,
    elapsed: 600,
    plannedAt: null,
  });
  expect(waiting).toMatchObject({
    waits: true,
    isHeld: false,
    isWhole: true,
    gpus: 3,
    walltime: 120,
    hosts: [],
    plannedAt: Date.UTC(2026, 10, 22, 17, 32, 30),
  });
  expect(held).toMatchObject({ isHeld: true, partitions: ['main', 'gpu'], walltime: 365 * 86_400 });
});

test('the queue of a partition: its nodes in service, what runs there, what waits before a new job', () => {
  const nodes = readSlurmNodes(
    'NodeName=a CPUTot=4 CPUAlloc=4 Sockets=1 CoresPerSocket=4 Partitions=main,fast State=ALLOCATED\n' +
      'NodeName=b CPUTot=4 CPUAlloc=0 Sockets=1 CoresPerSocket=4 Partitions=main State=IDLE\n' +
      'NodeName=c CPUTot=4 CPUAlloc=0 Sockets=1 CoresPerSocket=4 Partitions=main State=IDLE+DRAIN\n',
  );
  const facts = { state: 'UP', priority_tier: 1 };
  const main = { name: 'main', nodes: ['a', 'b', 'c'], facts };
  const fast = { name: 'fast', nodes: ['a'], facts: { ...facts, priority_tier: 9 } };
  const jobs = readQueued(
    [
      `RUNNING|fast|9|1|4|1|N/A|N/A|N/A|OK|a|1:00:00|10:00|N/A|None|${nativeName(KEY, 'x')}|`,
      'PENDING|main|5|2|2|2|N/A|N/A|N/A|NO||2:00|0:00|1970-01-01T00:02:00|Resources|wrap|',
      'PENDING|fast|7|1|1|1|N/A|N/A|N/A|OK||3:00|0:00|N/A|Priority|wrap|',
      'PENDING|main|6|1|1|1|N/A|N/A|N/A|OK||4:00|0:00|N/A|Dependency|wrap|',
    ].join('\n'),
  );
  const of = (partition: typeof main | null) =>
    queueOf(partition, [main, fast], nodes, jobs, { realm: KEY.realm, now: 60_000 });
  expect(of(main)).toMatchObject({
    name: 'main',
    total: { node: 2, core: 8, gpu: 0 },
    free: { node: 1, core: 4, gpu: 0 },
    running: [{ key: { jobId: '7', epoch: 2 }, takes: { core: 4 }, walltime: 3600, elapsed: 600 }],
    waiting: [
      { takes: { core: 1 }, walltime: 180, planned: null },
      { takes: { node: 2, core: 8 }, walltime: 120, planned: 60 },
    ],
    isClosed: false,
  });
  expect(of(fast)).toMatchObject({ total: { node: 1, core: 4 }, free: { core: 0 }, waiting: [{ walltime: 180 }] });
  expect(of({ ...main, facts: { ...facts, state: 'DRAIN' } }).isClosed).toBe(true);
});

test('lines of jobcomp and of sacct', () => {
  const line =
    'JobId=1 UserId=nobody(65534) GroupId=nogroup(65534) Name=rainbow-7.2 JobState=FAILED Partition=main TimeLimit=60 ' +
    'StartTime=2026-11-22T14:09:35 EndTime=2026-11-22T14:09:37 NodeList=red-c1 ProcCnt=1 ExitCode=3:0 ';
  expect(readCompletions(`${line}\nrubbish\n`)).toEqual([
    { id: '1', name: 'rainbow-7.2', state: 'FAILED', waitStatus: 768, started: true },
  ]);
  expect(readSacct('5|job|CANCELLED by 1000|0:15|2026-11-22T14:09:35\n5.batch|batch|FAILED|1:0|\n')).toEqual([
    { id: '5', name: 'job', state: 'CANCELLED', waitStatus: 15, started: true },
  ]);
});

test('every state has its meaning, and one that is not known is taken for running', () => {
  for (const state of KNOWN_STATES) expect(['waiting', 'running', 'completing', 'ended']).toContain(phaseOf(state));
  expect(phaseOf('SOMETHING_NEW')).toBe('running');
  expect(phaseOfAll([{ state: 'COMPLETED' }, { state: 'PENDING' }])).toBe('running');
  expect(phaseOfAll([{ state: 'COMPLETED' }, { state: 'COMPLETING' }])).toBe('completing');
  expect(phaseOfAll([{ state: 'COMPLETED' }, { state: 'TIMEOUT' }])).toBe('ended');
});

const record = (state: string, waitStatus: number | null = 0, reason = '', restarts = 0) => ({
  state,
  waitStatus,
  reason,
  restarts,
});
const task = (status: number, cannot: string | null = null) => ({ task: 0, status, cannot });
const USER = { code: 'user', message: 'enough' } as const;

test.each([
  ['COMPLETED', record('COMPLETED'), [task(0)], null, { outcome: 'completed', exitCode: 0, signal: null }],
  [
    'an exit code',
    record('FAILED', 768, 'NonZeroExitCode'),
    [],
    null,
    { outcome: 'failed', exitCode: 3, reason: { code: 'exit' } },
  ],
  [
    'a signal',
    record('FAILED', 9, 'RaisedSignal:9(Killed)'),
    [],
    null,
    { outcome: 'failed', signal: 9, exitCode: 137, reason: { code: 'signal' } },
  ],
  ['the wrapper’s word', record('FAILED', 256), [task(137)], null, { exitCode: 137, signal: 9 }],
  [
    'no program',
    record('FAILED', 0x7f00),
    [task(127, 'x: there is no such program')],
    null,
    { reason: { code: 'cannot_start' }, exitCode: 127 },
  ],
  [
    'a spool that nodes do not see',
    record('FAILED', 53, 'RaisedSignal:53(Real-time_signal_19)'),
    [],
    null,
    { reason: { code: 'cannot_start', message: expect.stringContaining('--spool') as string } },
  ],
  ['a launch that failed', record('FAILED', 256, 'JobLaunchFailure'), [], null, { reason: { code: 'cannot_start' } }],
  [
    'TIMEOUT',
    record('TIMEOUT'),
    [task(143)],
    null,
    { outcome: 'failed', reason: { code: 'time_limit' }, exitCode: null },
  ],
  [
    'OUT_OF_MEMORY',
    record('OUT_OF_MEMORY', 9),
    [],
    null,
    { outcome: 'failed', reason: { code: 'out_of_memory' }, signal: 9 },
  ],
  ['NODE_FAIL', record('NODE_FAIL'), [], null, { outcome: 'failed', reason: { code: 'node_failure' } }],
  [
    'OUT_OF_MEMORY of its own script (22.05.8, cgroup v1)',
    record('OUT_OF_MEMORY', 253, 'OutOfMemory'),
    [],
    null,
    { reason: { code: 'out_of_memory' }, exitCode: null, signal: null },
  ],
  [
    'OverMemoryKill (22.05.8)',
    record('FAILED', 9, 'JobLaunchFailure'),
    [],
    null,
    { reason: { code: 'signal' }, exitCode: 137, signal: 9 },
  ],
  ['BOOT_FAIL', record('BOOT_FAIL'), [], null, { reason: { code: 'node_failure' } }],
  ['PREEMPTED', record('PREEMPTED'), [], null, { reason: { code: 'preempted' } }],
  ['DEADLINE', record('DEADLINE'), [], null, { reason: { code: 'deadline' } }],
  ['a cancel of ours', record('CANCELLED'), [], USER, { outcome: 'canceled', reason: USER, exitCode: null }],
  ['a cancel of somebody else', record('CANCELLED'), [], null, { outcome: 'canceled', reason: { code: 'native' } }],
  [
    'a time limit that we kept',
    record('CANCELLED'),
    [],
    { code: 'time_limit', message: '' },
    { outcome: 'failed', reason: { code: 'time_limit' } },
  ],
  [
    'a requeue before',
    record('NODE_FAIL', 0, '', 2),
    [],
    null,
    { reason: { message: expect.stringContaining('3 times') as string } },
  ],
] as const)('how it ended: %s', (_, ended, tasks, stop, expected) => {
  expect(endOf({ records: [ended], tasks, stop })).toMatchObject(expected);
});

test('a controller that forgot a run and began another: what the wrapper wrote of the first is the end', () => {
  const at = 1_000_000;
  const again = (state: string, waitStatus: number, startedAt = at + 5_000) => [
    { ...record(state, waitStatus), startedAt },
  ];
  const times = { claimedAt: at - 60_000, lastAt: at, stopAskedAt: null };
  const end = (records: ReturnType<typeof again>, status: number) => {
    const tasks = [task(status)];
    return endOf({ records, tasks, stop: null, forgotten: isForgotten(records, tasks, times) });
  };
  expect(end(again('FAILED', 75 << 8), 0)).toMatchObject({ outcome: 'completed', exitCode: 0 });
  expect(end(again('FAILED', 75 << 8), 3)).toMatchObject({ outcome: 'failed', exitCode: 3 });
  expect(end(again('CANCELLED', 0), 0)).toMatchObject({ outcome: 'completed' });
  expect(end(again('NODE_FAIL', 0), 3)).toMatchObject({ outcome: 'failed', exitCode: 3 });
  // In the same second.
  expect(end(again('FAILED', 75 << 8, at - 500), 0)).toMatchObject({ outcome: 'completed' });
  expect(end(again('CANCELLED', 0, at - 500), 0)).toMatchObject({ outcome: 'completed' });
  // It ran, and was canceled; or leaves with that code itself.
  expect(end(again('CANCELLED', 15, at - 500), 143)).toMatchObject({ outcome: 'canceled', reason: { code: 'native' } });
  expect(end(again('FAILED', 75 << 8, at - 500), 75)).toMatchObject({ outcome: 'failed', exitCode: 75 });
  expect(isForgotten(again('FAILED', 75 << 8), [], { claimedAt: 0, lastAt: 0, stopAskedAt: null })).toBe(false);
});

test('a run that was canceled and left with 0 is canceled: Slurm speaks of the run whose wrapper wrote', () => {
  const startedAt = 1_000_000;
  const records = [{ ...record('CANCELLED', 0), startedAt }];
  const tasks = [task(0)];
  const end = (stop: typeof USER | null, times: RunTimes) =>
    endOf({ records, tasks, stop, forgotten: isForgotten(records, tasks, times) });
  const native = { claimedAt: startedAt + 300, lastAt: startedAt + 500, stopAskedAt: null };
  expect(end(null, native)).toMatchObject({ outcome: 'canceled', reason: { code: 'native' }, exitCode: 0 });
  expect(end(USER, { ...native, stopAskedAt: startedAt + 400 })).toMatchObject({ outcome: 'canceled', reason: USER });
  // Where the files' clock is behind that of the controller.
  expect(end(USER, { claimedAt: 1, lastAt: 3, stopAskedAt: 2 })).toMatchObject({ outcome: 'canceled', reason: USER });
  // It had ended before anybody asked, and a run after it was canceled.
  const before = { claimedAt: startedAt - 9000, lastAt: startedAt + 500, stopAskedAt: startedAt + 600 };
  expect(end(USER, before)).toMatchObject({ outcome: 'completed', exitCode: 0 });
});

test('what was never launched is told from what failed by itself, where there is no claim', () => {
  expect(wasNotLaunched(record('FAILED', 2 << 8, 'NonZeroExitCode'))).toBe(true);
  expect(wasNotLaunched(record('CANCELLED'))).toBe(true);
  for (const code of [74, 75]) expect(wasNotLaunched(record('FAILED', code << 8, 'NonZeroExitCode'))).toBe(false);
  expect(wasNotLaunched(record('FAILED', 1 << 8, 'JobLaunchFailure'))).toBe(false);
  expect(wasNotLaunched(record('TIMEOUT'))).toBe(false);
  const noFiles = endOf({ records: [record('FAILED', 74 << 8, 'NonZeroExitCode')], tasks: [], stop: null });
  expect(noFiles).toMatchObject({
    reason: { code: 'cannot_start', message: expect.stringContaining('--spool') as string },
  });
});

test('of an array the worst of its tasks counts', () => {
  const ends = endOf({
    records: [record('COMPLETED'), record('FAILED', 512), record('FAILED', 256)],
    tasks: [],
    stop: null,
  });
  expect(ends).toMatchObject({ outcome: 'failed', exitCode: 2 });
});

test('why it waits', () => {
  expect(waitsFor([record('PENDING', 0, 'Resources')])).toBe('Slurm: Resources');
  expect(waitsFor([record('PENDING', 0, 'BeginTime', 1)])).toBe('requeued by Slurm (1 times); Slurm: BeginTime');
  expect(waitsFor([record('RUNNING', 0, '')])).toBe('');
});

test('what is asked for is said natively; the rest is in the wrapper', () => {
  const jobspec = JSON.stringify({
    version: 1,
    resources: [
      {
        type: 'node',
        count: 2,
        with: [
          {
            type: 'slot',
            count: 4,
            label: 't',
            with: [
              { type: 'core', count: 2 },
              { type: 'gpu', count: 1 },
            ],
          },
        ],
      },
    ],
    tasks: [{ command: ['./a b', "it's"], slot: 't', count: { per_slot: 1 } }],
    attributes: {
      system: { duration: 3600, cwd: '/work', queue: 'gpu', bank: 'lab', environment: { A: "x'\ny", 'b.c': '1' } },
      rainbow: { slurm: { comment: 'mine', 'mail-type': 'END' } },
    },
  });
  const given = order(jobspec, { priority: -5 });
  const { args, script } = nativeSubmission(slurmJobOf(given), given, KEY, WHERE);
  expect(args).toEqual(
    expect.arrayContaining([
      '--partition=gpu',
      '--account=lab',
      '--chdir=/work',
      '--nodes=2',
      '--ntasks-per-node=4',
      '--cpus-per-task=2',
      '--gpus-per-task=1',
      '--time=01:00:00',
      '--mail-type=END',
      '--nice=5',
      '--no-requeue',
      '--job-name=rainbow-7.2-00c0ffee-0123456789ab-train_it',
      '--comment=rainbow job=7 epoch=2 cluster=red key=00c0ffee-0123456789ab mine',
      '--output=/shared/100%%/run/out.0',
    ]),
  );
  expect(script).toContain(`export A='x'\\''\ny'`);
  expect(script).toContain(`exec srun --cpus-per-task=2 env 'b.c=1' '/bin/sh' '-c'`);
});

test.each([
  [null, 1800],
  ['debug', null],
  ['gpu', 3600],
  ['short', 1800],
  ['debug,gpu', 600],
  ['nope', 3600],
])('a job in %s that asks for no time gets %s s', (queue, limit) => {
  const partitions = readSlurmPartitions(
    [
      'PartitionName=short Default=YES DefaultTime=NONE MaxTime=00:30:00 Nodes=a',
      'PartitionName=debug DefaultTime=00:05:00 MaxTime=00:10:00 Nodes=a',
      'PartitionName=gpu DefaultTime=NONE MaxTime=1-00:00:00 Nodes=a',
    ].join('\n'),
  );
  expect(limitToSay(partitions, { queue, walltime: null }, 3600)).toBe(limit);
  const { jobspec } = readSbatch('#!/bin/sh\necho\n', NO_CONTEXT);
  const given = order(jobspec);
  const { args } = nativeSubmission(slurmJobOf(given), given, KEY, { ...WHERE, limit });
  const said = args.filter((word) => word.startsWith('--time='));
  expect(said).toEqual(limit === null ? [] : [`--time=${limit / 60}`]);
});

test.each([
  ['debug', '--time-min=5', 600],
  ['debug', '--time-min=20', null],
  ['debug', '--nice', null],
  ['main', '--time-min=5', null],
  ['nope', '--time-min=5', null],
])('of an hour, in %s with %s, sbatch is told %s s', (queue, option, limit) => {
  const partitions = readSlurmPartitions(
    ['PartitionName=debug MaxTime=00:10:00 Nodes=a', 'PartitionName=main MaxTime=1-0 Nodes=a'].join('\n'),
  );
  const script = `#!/bin/sh\n#SBATCH -p ${queue} --time=60 ${option}\necho\n`;
  const given = order(readSbatch(script, NO_CONTEXT).jobspec);
  expect(limitToSay(partitions, readJobspec(given.jobspec), 3600)).toBe(limit);
  const { args } = nativeSubmission(slurmJobOf(given), given, KEY, { ...WHERE, limit });
  const times = args.filter((word) => word.startsWith('--time'));
  const least = option.startsWith('--time-min') ? [option] : [];
  expect(times.toSorted()).toEqual([...least, limit === null ? '--time=01:00:00' : '--time=10'].toSorted());
});

test.each([
  ['--gpus=1', '--gres=gpu:1'],
  ['--gpus=2', '--gres=gpu:2'],
  ['--gres=gpu:a100:2,shard:1', '--gres=gpu:a100:2,shard:1'],
  ['--gpus-per-task=1', '--gres=gpu:1'],
  ['-n2 --gpus-per-task=1', '--ntasks=2 --gpus-per-task=1'],
  ['-N2 --gpus-per-task=1', '--nodes=2 --gpus-per-task=1'],
  ['-N2 --gres=gpu:2', '--nodes=2 --gres=gpu:2'],
])('%s is said as %s', (directives, said) => {
  const { jobspec } = readSbatch(`#!/bin/sh\n#SBATCH ${directives}\necho\n`, NO_CONTEXT);
  const { options } = slurmJobOf(order(jobspec));
  expect(options.map(([name, value]) => `--${name}=${value}`).join(' ')).toBe(said);
});

test.each([
  '-n2 -c3 -p gpu -J mine',
  '-n2 --gpus-per-task=1 -t 10 -o /out -D /work --requeue',
  '-n1 --mem=4G --comment=\'a "b"\' --open-mode=append',
  '-n1 -e /err',
])('a dry run shows what is given to sbatch: %s', (directives) => {
  const { jobspec } = readSbatch(`#!/bin/sh\n#SBATCH ${directives}\necho\n`, NO_CONTEXT);
  const shown = nativeRendering(jobspec, 'slurm')!.text.split('\n');
  const given = order(jobspec);
  const { args } = nativeSubmission(slurmJobOf(given), given, KEY, WHERE);
  const names = (words: readonly string[]): string[] =>
    words.filter((word) => word.startsWith('--')).map((word) => /^--[\w-]+/.exec(word)![0]);
  const [program, ...options] = splitWords(shown[0]!)!;
  expect(program).toBe('sbatch');
  const added = names(shown[1]!.split(/[ ,]/));
  const changed = ['--comment'];
  expect(args).toEqual(expect.arrayContaining(options.filter((word) => !changed.includes(names([word])[0]!))));
  expect([...new Set([...names(options), ...added])].sort()).toEqual(
    names(args)
      .filter((name) => name !== '--parsable')
      .sort(),
  );
});

test('gpus by task on a range of nodes are said by node, which is told', () => {
  const { jobspec } = readSbatch('#!/bin/sh\n#SBATCH -N2-4 --ntasks-per-node=2 --gpus-per-task=1\necho\n', NO_CONTEXT);
  expect(() => slurmJobOf(order(jobspec))).toThrow(
    '--gpus-per-node=2 (sbatch counts none by task on a range of nodes)',
  );
});

test('what Slurm cannot be told refuses it, unless its owner allows that', () => {
  const spec = JSON.parse(jobspecOf('true', 1)) as {
    attributes: { user?: object; rainbow?: object; [key: string]: unknown };
  };
  spec.attributes['image'] = 'ubuntu';
  spec.attributes['strange'] = { thing: 1 };
  expect(() => slurmJobOf(order(JSON.stringify(spec)))).toThrow(
    expect.objectContaining({ code: 'failed_precondition', message: expect.stringContaining('strange') as string }),
  );
  spec.attributes.rainbow = { allowLossy: true };
  expect(slurmJobOf(order(JSON.stringify(spec))).asked.command).toEqual(['/bin/sh', '-c', 'true']);
});

test('arrays, and ids of sbatch', () => {
  const spec = JSON.parse(jobspecOf('true', 1)) as { attributes: Record<string, unknown> };
  spec.attributes['rainbow'] = { array: { indices: '1,3-7:2', limit: 9 } };
  const job = slurmJobOf(order(JSON.stringify(spec)));
  expect(lastTaskOf(job)).toBe(7);
  const { args } = nativeSubmission(job, order(''), KEY, WHERE);
  expect(args).toEqual(expect.arrayContaining(['--array=1,3-7:2%9', '--output=/shared/100%%/run/out.%a']));
  expect([readJobId('17\n'), readJobId('17;red\n'), readJobId('no'), readJobId('')]).toEqual(['17', '17', null, null]);
});

test('patterns in names of files are filled in with Rainbow’s own array and name, where Slurm is given no array', () => {
  const { jobspec } = readSbatch('#!/bin/sh\n#SBATCH -i %a -o %A_%4a_%%a_%j -e %x_%b.%N\necho\n', NO_CONTEXT);
  const array = { id: '41', index: 12, count: 2, least: 11, most: 12 };
  const filesOf = (given: Order): readonly string[] =>
    nativeSubmission(slurmJobOf(given), given, KEY, WHERE).args.filter((arg) => /^--(input|output|error)=/.test(arg));
  expect(filesOf(order(jobspec, { name: 'a/100%', array }))).toEqual([
    '--input=12',
    '--output=41_0012_%%a_%j',
    '--error=a_100%%_2.%N',
  ]);
  expect(filesOf(order(jobspec))).toEqual(['--input=%a', '--output=%A_%4a_%%a_%j', '--error=train it_%b.%N']);
  const ofSlurms = readSbatch('#!/bin/sh\n#SBATCH -i %a -a 0-3\necho\n', NO_CONTEXT).jobspec;
  expect(filesOf(order(ofSlurms, { array }))).toContain('--input=%a');
});

test('what is taken: cores by number, gpus by index, a node out of service whole', () => {
  const nodes = readSlurmNodes(
    'NodeName=a CPUTot=4 CPUAlloc=2 Sockets=1 CoresPerSocket=4 Gres=gpu:2 GresUsed=gpu:1(IDX:1) RealMemory=100 AllocMem=100 State=MIXED\n' +
      'NodeName=b CPUTot=1 Sockets=1 CoresPerSocket=1 State=DOWN+DRAIN\n' +
      'NodeName=c CPUTot=1 Sockets=1 CoresPerSocket=1 State=DOWN*\n',
  );
  expect(takenVertices(nodes).join(' ')).toBe(
    [
      'node/a/core0 node/a/core1 node/a/gpu1 node/a/memory0',
      'node/b node/b/socket0 node/b/core0 node/c node/c/socket0 node/c/core0',
    ].join(' '),
  );
  expect(clusterState(nodes, { pending: 3, running: 1 })).toMatchObject({
    nodes_total: 3,
    nodes_free: 0,
    nodes_drained: 1,
    nodes_down: 1,
    cores_free: 2,
    gpus_free: 1,
    jobs_pending: 3,
  });
});

test('a mapping names local users, never root; who is not in it is refused', async () => {
  expect([...readMapping('# who\nada  alice\n\nbob@x nobody # guest\n')]).toEqual([
    ['ada', 'alice'],
    ['bob@x', 'nobody'],
  ]);
  for (const wrong of ['ada', 'ada root', 'ada a b', 'ada alice\nada bob', 'ada al/ice', 'ada -u']) {
    expect(() => readMapping(wrong), `of ${wrong}`).toThrow(expect.objectContaining({ code: 'invalid_input' }));
  }
  const folder = mkdtempSync(join(tmpdir(), 'rainbow-map-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'map');
  writeFileSync(file, 'ada nobody\n', { mode: 0o644 });
  const users = await slurmUsers(null, file);
  expect(users.names()).toEqual(['nobody']);
  expect(await users.userOf({ owner: 'ada' })).toMatchObject({
    name: 'nobody',
    by: process.getuid?.() === 0 ? 'uid' : 'sudo',
  });
  await expect(users.userOf({ owner: 'eve' })).rejects.toMatchObject({ code: 'failed_precondition' });
  // A question that is nobody's is asked as one of them.
  expect(await users.anyone()).toEqual(await users.userOf({ owner: 'ada' }));
  chmodSync(file, 0o666);
  await expect(slurmUsers(null, file)).rejects.toMatchObject({ code: 'invalid_input' });
});

test.each([
  ['sudo: a password is required\n', 'sudo does not let the agent run sbatch as that user (a password is required)'],
  ['Sorry, user rainbow is not allowed to execute sbatch as eve on red.\n', 'sudo does not let the agent'],
  [
    'sudo: unable to resolve host red\nsbatch: error: Invalid account\n',
    'sbatch: unable to resolve host red; Invalid account',
  ],
])('where sudo refuses, that is said, and not what sbatch would say: %s', (stderr, message) => {
  const error = failed('sbatch', { code: 1, stdout: '', stderr });
  expect(error).toMatchObject({
    code: 'failed_precondition',
    message: expect.stringContaining(message) as string,
  });
});
