/** `rainbow job cancel`: end jobs. One that an agent holds is canceled once that agent has confirmed it. */
import type { Command } from 'commander';
import { RainbowError } from '../../../core/errors.ts';
import type { Job } from '../../../gen/rainbow/v1/job_pb.js';
import { connect, operatorOptions, type OperatorOptions } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { jobId } from '../../options.ts';
import { jobJson, jobLine, tasksText } from '../../present/job.ts';
import { idOf } from '../../tasks.ts';
import { stateWord } from '../../present/words.ts';

interface Options extends OperatorOptions {
  readonly message?: string;
}

export function addCancel(parent: Command, run: Run): void {
  const command = parent
    .command('cancel')
    .description('cancel jobs; of an array all its tasks')
    .argument('<ids...>', 'the jobs', (text, before: readonly string[] | undefined) => [...(before ?? []), jobId(text)])
    .option('--message <text>', 'why, for whoever asks');
  operatorOptions(command).action(run(cancel));
}

async function cancel(invocation: Invocation, options: Options, ids: readonly string[]): Promise<number> {
  return connect(invocation, options, async (client, signal) => {
    let failed = 0;
    for (const named of ids) {
      try {
        const id = await idOf(client, named, signal);
        const job = await client.jobs.cancel({ id, message: options.message ?? '' }, { signal });
        if (invocation.json) invocation.print(JSON.stringify(jobJson(job)));
        else if (job.array !== undefined) invocation.print(arrayLine(job));
        else if (stateWord(job.state) === 'canceled') invocation.print(jobLine(invocation.paint, job));
        else if (job.endedAt === undefined) {
          invocation.print(`job ${named}: ${job.cluster} was asked to stop it (now ${stateWord(job.state)})`);
        } else invocation.print(`job ${named} had ended before: ${stateWord(job.state)}`);
      } catch (error) {
        // One unknown id says nothing about the others.
        if (!(error instanceof RainbowError) || error.code !== 'not_found' || ids.length === 1) throw error;
        failed++;
        invocation.say(error.message);
      }
    }
    return failed > 0 ? 1 : 0;
  });
}

function arrayLine(array: Job): string {
  const asked = array.endedAt === undefined ? 'its tasks are being canceled' : 'had ended before';
  return `array ${array.id}: ${asked} (${array.array === undefined ? '' : tasksText(array.array)})`;
}
