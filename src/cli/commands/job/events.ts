/** `rainbow job events`: what happened to one job. */
import type { Command } from 'commander';
import { isFinal, JOB_STATES } from '../../../core/job/state.ts';
import { connect, operatorOptions, type OperatorOptions } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { jobId, wholeNumber } from '../../options.ts';
import { eventJson, eventLine } from '../../present/event.ts';
import { idOf } from '../../tasks.ts';
import { followEvents } from '../../wait.ts';

interface Options extends OperatorOptions {
  readonly follow?: boolean;
  readonly after: number;
}

export function addEvents(parent: Command, run: Run): void {
  const command = parent
    .command('events')
    .description('what happened to one job')
    .argument('<id>', 'the job', jobId)
    .option('-f, --follow', 'go on until the job has ended')
    .option('--after <number>', 'only events with a higher number: resume without a gap', wholeNumber(0), 0);
  operatorOptions(command).action(run(events));
}

async function events(invocation: Invocation, options: Options, args: readonly string[]): Promise<void> {
  const [named = ''] = args;
  const afterSeq = String(options.after);
  await connect(invocation, { ...options, quiet: true }, async (client, signal) => {
    const id = await idOf(client, named, signal);
    const show = (event: Parameters<typeof eventJson>[0]): void =>
      invocation.print(invocation.json ? JSON.stringify(eventJson(event)) : eventLine(invocation.paint, event));
    if (options.follow === true) {
      await followEvents(invocation, client, { jobId: id, afterSeq }, (event) => {
        show(event);
        // An array's tasks come under their own ids; it has ended when it says so itself.
        const state = event.jobId !== id ? undefined : JOB_STATES.find((known) => known === event.kind);
        return state !== undefined && isFinal(state);
      });
      return;
    }
    for await (const { events } of client.jobs.watchEventBatches({ jobId: id, afterSeq, follow: false }, { signal }))
      events.forEach(show);
  });
}
