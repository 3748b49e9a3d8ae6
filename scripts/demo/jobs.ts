/** The demo's jobs: what each asks for, how it must end, and the table of how it did. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { isFinal } from '../../src/core/job/state.ts';
import { jobspecFromFlags } from '../../src/core/jobspec/flags.ts';
import type { Job } from '../../src/gen/rainbow/v1/job_pb.js';
import { paint } from '../../src/cli/paint.ts';
import { paintState, reasonText } from '../../src/cli/present/job.ts';
import { stateWord } from '../../src/cli/present/words.ts';
import { table } from '../../src/cli/table.ts';
import type { Demo } from './start.ts';
import { say, sayPlain } from './say.ts';

const GREETING = 'a job of its own printed this';

interface DemoJob {
  readonly name: string;
  readonly why: string;
  readonly jobspec: string;
  readonly ends: {
    readonly state: 'completed' | 'failed' | 'rejected';
    /** Any of these; none where it is empty. */
    readonly clusters: readonly string[];
    readonly exitCode: number | null;
    readonly reason?: string;
    readonly prints?: string;
  };
}

const sh = (script: string): readonly string[] => ['sh', '-c', script];

export const jobs: readonly DemoJob[] = [
  {
    name: 'anywhere',
    why: 'fits both clusters',
    jobspec: jobspecFromFlags({ nodes: 1, tasks: 2, time: '60s', command: sh('sleep 0.5') }),
    ends: { state: 'completed', clusters: ['red', 'blue'], exitCode: 0 },
  },
  {
    name: 'on-gpus',
    why: 'needs two gpus: only red has any',
    jobspec: jobspecFromFlags({ gpus: 2, time: '60s', command: sh('sleep 0.5') }),
    ends: { state: 'completed', clusters: ['red'], exitCode: 0 },
  },
  {
    name: 'with-gcc-12',
    why: 'needs a node with gcc 12: only blue’s software subsystem has it',
    jobspec: readFileSync(join(import.meta.dirname, '..', '..', 'examples', 'demo', 'needs-gcc.yaml'), 'utf8'),
    ends: { state: 'completed', clusters: ['blue'], exitCode: 0 },
  },
  {
    name: 'too-large',
    why: 'needs 100 nodes: no cluster can ever hold it',
    jobspec: jobspecFromFlags({ nodes: 100, time: '60s', command: ['true'] }),
    ends: { state: 'rejected', clusters: [], exitCode: null, reason: 'never_fits' },
  },
  {
    name: 'fails',
    why: 'its program ends with exit code 3',
    jobspec: jobspecFromFlags({ time: '60s', command: sh('exit 3') }),
    ends: { state: 'failed', clusters: ['red', 'blue'], exitCode: 3, reason: 'exit' },
  },
  {
    name: 'prints',
    why: 'its output comes back',
    jobspec: jobspecFromFlags({
      time: '60s',
      command: sh(`echo "${GREETING}, as process $$ of user $(id -un) on $(uname -n)"`),
    }),
    ends: { state: 'completed', clusters: ['red', 'blue'], exitCode: 0, prints: GREETING },
  },
];

interface Followed {
  readonly wanted: DemoJob;
  readonly job: Job;
  readonly output: string;
}

export async function submitAll(demo: Demo, signal: AbortSignal): Promise<ReadonlyMap<string, DemoJob>> {
  const submitted = new Map<string, DemoJob>();
  for (const wanted of jobs) {
    const { job } = await demo.client.jobs.submit(
      {
        jobspec: wanted.jobspec,
        name: wanted.name,
        credentials: demo.credentials.map(({ name, token }) => ({ name, token })),
      },
      { signal },
    );
    if (job === undefined) throw new Error(`${wanted.name} was not stored`);
    submitted.set(job.id, wanted);
    const where = job.cluster === '' ? '' : ` to ${job.cluster}`;
    say(`job ${job.id} ${wanted.name}: ${stateWord(job.state)}${where}   (${wanted.why})`);
  }
  return submitted;
}

/** Shows each step of each job as it happens, until all have ended. */
export async function followToTheEnd(
  demo: Demo,
  submitted: ReadonlyMap<string, DemoJob>,
  signal: AbortSignal,
): Promise<readonly Followed[]> {
  const open = new Set(submitted.keys());
  for await (const event of demo.client.jobs.watchEvents({ jobId: '0', afterSeq: '0', follow: true }, { signal })) {
    const wanted = submitted.get(event.jobId);
    if (wanted === undefined) continue;
    const where = event.cluster === '' ? '' : ` on ${event.cluster}`;
    if (event.kind !== 'pending' && event.kind !== 'assigned') {
      say(`job ${event.jobId} ${wanted.name}: ${event.kind}${where}`);
    }
    if (ends(event.kind)) open.delete(event.jobId);
    if (open.size === 0) break;
  }
  const followed: Followed[] = [];
  for (const [id, wanted] of submitted) {
    const job = await demo.client.jobs.get({ id }, { signal });
    let output = '';
    for await (const chunk of demo.client.jobs.readOutput({ id, follow: true }, { signal })) {
      output += Buffer.from(chunk.data).toString('utf8');
    }
    followed.push({ wanted, job, output });
  }
  return followed;
}

function ends(kind: string): boolean {
  return (['completed', 'failed', 'canceled', 'rejected'] as const).some((state) => state === kind && isFinal(state));
}

/** Prints the table and the output; returns what is not as it should be. */
export function tellTable(followed: readonly Followed[]): readonly string[] {
  const colours = paint({ write() {}, isTTY: isatty(1), columns: 100 }, process.env);
  sayPlain('');
  sayPlain(
    table(
      [
        { title: 'JOB', cell: ({ job }) => job.id, align: 'right' },
        { title: 'NAME', cell: ({ job }) => job.name },
        { title: 'STATE', cell: ({ job }) => paintState(colours, stateWord(job.state)) },
        { title: 'CLUSTER', cell: ({ job }) => job.cluster || '-' },
        { title: 'EXIT', cell: ({ job }) => String(job.exitCode ?? '-'), align: 'right' },
        { title: 'WHY', cell: ({ job, wanted }) => why(job, wanted) },
      ],
      followed,
      (title) => colours.dim(title),
    ),
  );
  for (const { job, wanted, output } of followed) {
    if (wanted.ends.prints !== undefined) sayPlain(`\noutput of job ${job.id} (${job.name}):\n  ${output.trimEnd()}`);
  }
  return followed.flatMap(({ job, wanted, output }) => differences(job, wanted, output));
}

function why(job: Job, wanted: DemoJob): string {
  const reason = reasonText(job.reason);
  const shown = reason === '' || wanted.ends.state === 'completed' ? wanted.why : reason;
  return shown.length > 100 ? `${shown.slice(0, 99)}…` : shown;
}

function differences(job: Job, { name, ends }: DemoJob, output: string): string[] {
  const state = stateWord(job.state);
  const wrong: string[] = [];
  if (state !== ends.state)
    wrong.push(`job ${job.id} ${name} is ${state}, not ${ends.state}: ${reasonText(job.reason)}`);
  if (ends.clusters.length === 0 ? job.cluster !== '' : !ends.clusters.includes(job.cluster)) {
    wrong.push(`job ${job.id} ${name} went to "${job.cluster}", not to ${ends.clusters.join(' or ') || 'none'}`);
  }
  if ((job.exitCode ?? null) !== ends.exitCode) {
    wrong.push(`job ${job.id} ${name} has exit code ${job.exitCode ?? 'none'}, not ${ends.exitCode ?? 'none'}`);
  }
  if (ends.reason !== undefined && job.reason?.code !== ends.reason) {
    wrong.push(`job ${job.id} ${name} ended because of "${job.reason?.code}", not "${ends.reason}"`);
  }
  if (ends.prints !== undefined && !output.includes(ends.prints)) {
    wrong.push(`job ${job.id} ${name} printed "${output.trim()}", not "${ends.prints}"`);
  }
  return wrong;
}
