/** `rainbow jobs`: the caller's jobs, newest first. */
import { Option, type Command } from 'commander';
import { JOB_STATES, type JobState } from '../../core/job/state.ts';
import type { Job } from '../../gen/rainbow/v1/job_pb.js';
import type { RainbowClient } from '../../client/client.ts';
import { connect, type OperatorOptions, operatorOptions } from '../connection.ts';
import { Stopped, UsageError } from '../exit.ts';
import type { Invocation, Run } from '../invocation.ts';
import { wholeNumber } from '../options.ts';
import { jobColumns, jobJson } from '../present/job.ts';
import { stateNumber } from '../present/words.ts';
import { table, tableWidth } from '../table.ts';
import { passed } from '../wait.ts';

interface Options extends OperatorOptions {
  readonly limit: number;
  readonly state?: readonly JobState[];
  readonly cluster?: string;
  readonly name?: string;
  readonly oldestFirst?: boolean;
  readonly all?: boolean;
  readonly watch?: boolean;
}

/** The most that the server gives in one page. */
const PAGE = 1000;

export function addJobs(parent: Command, run: Run): void {
  const command = parent
    .command('jobs')
    .description('your jobs, newest first')
    .option('--limit <count>', 'at most this many', wholeNumber(1), 100)
    .addOption(
      new Option('--state <state>', 'only in this state (repeatable)')
        .choices([...JOB_STATES])
        .argParser((state: string, before: readonly JobState[] | undefined) => [...(before ?? []), readState(state)]),
    )
    .option('--cluster <name>', 'only on this cluster')
    .option('--name <name>', 'only of this name')
    .option('--oldest-first', 'oldest first')
    .option('--all', 'everybody’s jobs; for operators')
    .option('--watch', 'show them again every two seconds, until Ctrl-C');
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
  const { io, paint } = invocation;
  // Whoever shows the server's secret has no jobs of its own: it sees everybody's.
  const all = options.all === true || options.operator === true || options.secret !== undefined;
  await connect(invocation, { ...options, operator: all, quiet: options.watch === true }, async (client, signal) => {
    for (;;) {
      const found = await list(client, { ...options, all }, signal);
      if (invocation.json) {
        for (const job of found) invocation.print(JSON.stringify(jobJson(job)));
        return;
      }
      const text =
        found.length === 0
          ? 'no jobs'
          : table(jobColumns(paint, io.system.clock.now()), found, (title) => paint.dim(title), tableWidth(io.stdout));
      if (options.watch !== true) return invocation.print(text);
      io.stdout.write(io.stdout.isTTY ? `\u001b[2J\u001b[H${text}\n` : `${text}\n\n`);
      await passed(io, 2_000);
      if (io.signal.aborted) throw new Stopped();
    }
  });
}

/** Page after page, up to the limit. */
async function list(client: RainbowClient, options: Options, signal: AbortSignal): Promise<Job[]> {
  const found: Job[] = [];
  let pageToken = '';
  do {
    const page = await client.jobs.list(
      {
        states: (options.state ?? []).map(stateNumber),
        cluster: options.cluster ?? '',
        name: options.name ?? '',
        limit: Math.min(PAGE, options.limit - found.length),
        pageToken,
        oldestFirst: options.oldestFirst === true,
        all: options.all === true,
      },
      { signal },
    );
    found.push(...page.jobs);
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && found.length < options.limit);
  return found;
}
