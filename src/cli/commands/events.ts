/** `rainbow events`: what happened, in the order in which it was committed. */
import type { Command } from 'commander';
import { connect, operatorOptions, type OperatorOptions } from '../connection.ts';
import type { Invocation, Run } from '../invocation.ts';
import { wholeNumber } from '../options.ts';
import { eventJson, eventLine } from '../present/event.ts';
import { followEvents } from '../wait.ts';

interface Options extends OperatorOptions {
  readonly follow?: boolean;
  readonly after: number;
}

export function addEvents(parent: Command, run: Run): void {
  const command = parent
    .command('events')
    .description('what happened to your jobs; for operators: to everything')
    .option('-f, --follow', 'go on until Ctrl-C')
    .option('--after <number>', 'only events with a higher number: resume without a gap', wholeNumber(0), 0);
  operatorOptions(command).action(run(events));
}

async function events(invocation: Invocation, options: Options): Promise<void> {
  const afterSeq = String(options.after);
  await connect(invocation, { ...options, quiet: true }, async (client, signal) => {
    const show = (event: Parameters<typeof eventJson>[0]): void =>
      invocation.print(invocation.json ? JSON.stringify(eventJson(event)) : eventLine(invocation.paint, event));
    if (options.follow === true) {
      await followEvents(invocation, client, { jobId: '0', afterSeq }, (event) => {
        show(event);
        return false;
      });
      return;
    }
    for await (const { events } of client.jobs.watchEventBatches({ jobId: '0', afterSeq, follow: false }, { signal }))
      events.forEach(show);
  });
}
