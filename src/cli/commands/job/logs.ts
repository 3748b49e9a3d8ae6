/** `rainbow job logs`: what a job wrote. Its standard output goes to standard output, its errors to standard error. */
import type { Command } from 'commander';
import { RainbowError } from '../../../core/errors.ts';
import { isFinal } from '../../../core/job/state.ts';
import type { RequestVertex } from '../../../core/jobspec/jobspec.ts';
import type { RainbowClient } from '../../../client/client.ts';
import type { Job } from '../../../gen/rainbow/v1/job_pb.js';
import { connect, operatorOptions, type OperatorOptions } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { jobId, wholeNumber } from '../../options.ts';
import { OutputPrinter } from '../../present/output.ts';
import { stateWord } from '../../present/words.ts';
import { idOf, jobName, tasksOf } from '../../tasks.ts';
import { overBreaks } from '../../wait.ts';

interface Options extends OperatorOptions {
  readonly follow?: boolean;
  readonly task?: number;
  readonly attempt?: number;
  readonly label?: boolean;
}

export function addLogs(parent: Command, run: Run): void {
  const command = parent
    .command('logs')
    .description('what a job wrote: its standard output and error; of an array, task after task')
    .argument('<id>', 'the job', jobId)
    .option('-f, --follow', 'go on until the job has ended')
    .option('--task <rank>', 'of this task alone', wholeNumber(0))
    .option('--attempt <number>', 'of this attempt; else of the newest', wholeNumber(1))
    .option('--label', 'begin each line with the rank of its task');
  operatorOptions(command).action(run(logs));
}

async function logs(invocation: Invocation, options: Options, args: readonly string[]): Promise<void> {
  const [named = ''] = args;
  await connect(invocation, { ...options, quiet: true }, async (client, signal) => {
    const job = await client.jobs.get({ id: await idOf(client, named, signal) }, { signal });
    if (job.array === undefined) return logsOf(invocation, options, client, signal, job);
    // One task after the other, in order of their index.
    for await (const task of tasksOf(client, job.id, signal)) {
      invocation.say(`${jobName(task)} (job ${task.id}, ${stateWord(task.state) ?? '?'}):`);
      await logsOf(invocation, options, client, signal, task);
    }
  });
}

async function logsOf(
  invocation: Invocation,
  options: Options,
  client: RainbowClient,
  signal: AbortSignal,
  job: Job,
): Promise<void> {
  const { id } = job;
  const { attempt, task } = options;
  const printer = new OutputPrinter(invocation, { task, label: options.label === true, job: jobName(job) });
  const newest = Number(job.epoch);
  if (attempt !== undefined && attempt > newest) {
    throw new RainbowError(
      'not_found',
      `job ${id} has no attempt ${attempt}; ${newest === 1 ? 'there is one so far' : `there are ${newest} so far`}`,
    );
  }
  const tasks = task === undefined ? null : await knownTasks(job);
  if (task !== undefined && tasks !== null && tasks.isExact && task >= tasks.least) throw noTask(id, task, tasks.least);

  let epoch = attempt ?? newestOf(job);
  const read = (follow: boolean) => client.jobs.readOutput({ id, epoch: String(epoch), follow }, { signal });
  if (options.follow !== true) {
    for await (const chunk of read(false)) printer.show(chunk);
  } else {
    await overBreaks(invocation, signal, async (came) => {
      for (;;) {
        for await (const chunk of read(true)) {
          came();
          printer.show(chunk);
        }
        const now = await client.jobs.get({ id }, { signal });
        came();
        const state = stateWord(now.state);
        if (attempt === undefined && newestOf(now) !== epoch) {
          epoch = newestOf(now);
          printer.beginAttempt();
        } else {
          return Number(now.epoch) > epoch || (state !== null && isFinal(state));
        }
      }
    });
  }
  if (task !== undefined && tasks !== null && task >= tasks.least && printer.highestTask < task) {
    throw noTask(id, task, tasks.least);
  }
}

/** The attempt that counts: of a job that an earlier one ended, that one. */
function newestOf({ epoch, endedBy }: Job): number {
  return Number(endedBy === '0' ? epoch : endedBy);
}

function noTask(id: string, task: number, count: number): RainbowError {
  const those = count === 1 ? 'only task 0' : `tasks 0 to ${count - 1}`;
  return new RainbowError('not_found', `job ${id} has no output of a task ${task}; it has ${those}`);
}

/** How many tasks its jobspec starts at the least; exact where it leaves no choice. Null where that cannot be told. */
async function knownTasks(job: Job): Promise<{ readonly least: number; readonly isExact: boolean } | null> {
  const [{ readJobspec }, { launchPlan }] = await Promise.all([
    import('../../../core/jobspec/read.ts'),
    import('../../../core/jobspec/launch.ts'),
  ]);
  try {
    const jobspec = readJobspec(job.jobspec);
    const least = launchPlan(jobspec, null).length;
    return { least, isExact: jobspec.request.groups.every(({ vertices }) => vertices.every(isExact)) };
  } catch (error) {
    if (error instanceof RainbowError) return null;
    throw error;
  }
}

function isExact(vertex: RequestVertex): boolean {
  return vertex.count.min === vertex.count.max && vertex.with.every(isExact);
}
