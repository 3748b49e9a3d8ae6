/** `rainbow jobs`: the caller's jobs and arrays, newest first; a line each. */
import { Option, type Command } from 'commander';
import { JOB_STATES, type JobState } from '../../core/job/state.ts';
import type { Job } from '../../gen/rainbow/v1/job_pb.js';
import type { RainbowClient } from '../../client/client.ts';
import { inFlagWords, JOBS_FLAGS } from '../flag-errors.ts';
import { connect, type OperatorOptions, operatorOptions } from '../connection.ts';
import { UsageError } from '../exit.ts';
import type { Invocation, Run } from '../invocation.ts';
import { jobId, wholeNumber } from '../options.ts';
import { jobColumns, jobJson } from '../present/job.ts';
import { ORDERS, orderNumber, stateNumber } from '../present/words.ts';
import { table, tableWidth } from '../table.ts';
import { tasksOf } from '../tasks.ts';
import { wireMoment } from '../times.ts';
import { watchJobs } from '../watch-jobs.ts';

interface Options extends OperatorOptions {
  readonly limit: number;
  readonly state?: readonly JobState[];
  readonly cluster?: string;
  readonly name?: string;
  readonly array?: string;
  readonly tasks?: boolean;
  readonly sort?: (typeof ORDERS)[number];
  readonly since?: string;
  readonly until?: string;
  readonly owner?: string;
  readonly oldestFirst?: boolean;
  readonly all?: boolean;
  readonly watch?: boolean;
}

/** The most that the server gives in one page. */
const PAGE = 1000;

export function addJobs(parent: Command, run: Run): void {
  const command = parent
    .command('jobs')
    .description('your jobs, newest first; an array is one line')
    .option('--limit <count>', 'at most this many', wholeNumber(1), 100)
    .addOption(
      new Option('--state <state>', 'only in this state (repeatable); of arrays: with a task in it')
        .choices([...JOB_STATES])
        .argParser((state: string, before: readonly JobState[] | undefined) => [...(before ?? []), readState(state)]),
    )
    .option('--cluster <name>', 'only on this cluster')
    .option('--name <name>', 'only of this name')
    .option('--array <id>', 'the tasks of this array', jobId)
    .option('--tasks', 'the tasks of each array, behind it')
    .option(
      '--since <time>',
      'submitted then or later: -2h, 2030-01-31T12:00 (this machine’s time), or with a zone, as in 12:00Z',
    )
    .option('--until <time>', 'submitted before then')
    .addOption(
      new Option(
        '--sort <order>',
        'submitted: newest first; ended: of those that have ended, the last first; priority: of the others, highest first',
      ).choices([...ORDERS]),
    )
    .option('--oldest-first', 'the other way around')
    .option('--all', 'everybody’s jobs; for operators')
    .option('--owner <owner>', 'with --all: only of this owner')
    .option('--watch', 'show them again as they change, until Ctrl-C; in a pipe a line for each change');
  command.addHelpText('after', '\nWith --json: one job per line, newest first.');
  operatorOptions(command).action(run(jobs));
}

function readState(text: string): JobState {
  const state = JOB_STATES.find((known) => known === text);
  if (state === undefined) throw new UsageError(`"${text}" is not a state; the states are ${JOB_STATES.join(', ')}.`);
  return state;
}

async function jobs(invocation: Invocation, options: Options): Promise<void> {
  if (options.watch === true && invocation.json) {
    throw new UsageError('--watch is for people; programs follow "rainbow events --follow --json".');
  }
  if (options.tasks === true && options.array !== undefined) {
    throw new UsageError('--array shows the tasks of one array already: leave out --tasks.');
  }
  const { io, paint } = invocation;
  // Whoever shows the server's secret has no jobs of its own: it sees everybody's.
  const all = options.all === true || options.operator === true || options.secret !== undefined;
  if (options.owner !== undefined && !all) throw new UsageError('--owner goes with --all, and is for operators.');
  const asked = { ...options, all };
  await connect(invocation, { ...options, operator: all, quiet: options.watch === true }, async (client, signal) => {
    const show = async (): Promise<string> => {
      const found = await list(invocation, client, asked, signal);
      if (found.length === 0) {
        await checkCluster(client, asked, signal);
        return 'no jobs';
      }
      return table(jobColumns(paint, io.system.clock.now()), found, (title) => paint.dim(title), tableWidth(io.stdout));
    };
    if (options.watch === true) return watchJobs(invocation, client, signal, show);
    if (!invocation.json) return invocation.print(await show());
    const found = await list(invocation, client, asked, signal);
    if (found.length === 0) await checkCluster(client, asked, signal);
    for (const job of found) invocation.print(JSON.stringify(jobJson(job)));
  });
}

/** Throws `not_found` for a name that is no cluster, unless jobs are left of one that was. */
async function checkCluster(client: RainbowClient, { cluster, all }: Options, signal: AbortSignal): Promise<void> {
  if (cluster === undefined) return;
  try {
    await client.clusters.get({ name: cluster }, { signal });
  } catch (error) {
    const { jobs: left } = await client.jobs.list({ cluster, limit: 1, all: all === true }, { signal });
    if (left.length === 0) throw error;
  }
}

/** Page after page, up to the limit; tasks behind their array do not count. */
async function list(
  { io }: Invocation,
  client: RainbowClient,
  options: Options,
  signal: AbortSignal,
): Promise<readonly Job[]> {
  const now = io.system.clock.now();
  const times = { since: wireMoment(options.since, '--since', now), until: wireMoment(options.until, '--until', now) };
  const found: Job[] = [];
  let count = 0;
  let pageToken = '';
  do {
    const asked = client.jobs.list(
      {
        states: (options.state ?? []).map(stateNumber),
        cluster: options.cluster ?? '',
        name: options.name ?? '',
        array: options.array ?? '0',
        order: orderNumber(options.sort),
        ...(times.since === undefined ? {} : { since: times.since }),
        ...(times.until === undefined ? {} : { until: times.until }),
        owner: options.owner ?? '',
        limit: Math.min(PAGE, options.limit - count),
        pageToken,
        oldestFirst: options.oldestFirst === true,
        all: options.all === true,
      },
      { signal },
    );
    const page = await inFlagWords(JOBS_FLAGS, options, asked);
    count += page.jobs.length;
    for (const job of page.jobs) {
      found.push(job);
      if (options.tasks !== true || job.array === undefined) continue;
      for await (const task of tasksOf(client, job.id, signal)) found.push(task);
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && count < options.limit);
  return found;
}
