/** `rainbow replay`: another policy over the decisions that were taken; nothing is changed. */
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Command } from 'commander';
import { readTime } from '../../core/jobspec/time.ts';
import { connect, operatorOptions, type OperatorOptions } from '../connection.ts';
import { UsageError } from '../exit.ts';
import type { Invocation, Run } from '../invocation.ts';
import { collectPairs, wholeNumber } from '../options.ts';
import { replayJson, replayText } from '../present/bid.ts';

interface Options extends OperatorOptions {
  readonly policy?: string;
  readonly policyOption?: Readonly<Record<string, string>>;
  readonly shadow?: boolean;
  readonly since: string;
  readonly until?: string;
  readonly limit?: number;
}

export function addReplay(parent: Command, run: Run): void {
  const command = parent
    .command('replay')
    .description('what another selection policy would have chosen, and what that means in time and money')
    .option('--policy <name>', 'the policy to run over the decisions that were taken')
    .option('--policy-option <key=value>', 'an option of that policy (repeatable)', collectPairs)
    .option('--shadow', 'instead: what the server’s shadow policy chose at the time')
    .option('--since <span>', 'decisions of this span until now: 90m, 24h, 7d', '24h')
    .option('--until <span>', 'only those older than this: 1h')
    .option('--limit <count>', 'decisions at most', wholeNumber(1, 100_000))
    .addHelpText(
      'after',
      `
Each decision is taken again by itself, from what was recorded of it: your own
jobs’, or for operators everybody’s.

Examples:
  rainbow replay --policy cheapest --since 7d
  rainbow replay --policy value --policy-option money_per_hour=2 --operator`,
    );
  operatorOptions(command).action(run(replay));
}

async function replay(invocation: Invocation, options: Options): Promise<void> {
  if ((options.policy === undefined) === (options.shadow !== true)) {
    throw new UsageError('give either --policy NAME or --shadow.');
  }
  if (options.shadow === true && options.policyOption !== undefined) {
    throw new UsageError('--policy-option goes with --policy.');
  }
  const now = invocation.io.system.clock.now();
  const ago = (span: string, flag: string) => timestampFromMs(Math.max(0, now - readTime(span, flag) * 1000));
  const answer = await connect(invocation, options, (client, signal) =>
    client.bids.replay(
      {
        policy: options.policy ?? '',
        policyOptions: { ...options.policyOption },
        shadow: options.shadow === true,
        since: ago(options.since, '--since'),
        ...(options.until === undefined ? {} : { until: ago(options.until, '--until') }),
        limit: options.limit ?? 0,
      },
      { signal, timeoutMs: 300_000 },
    ),
  );
  invocation.result(replayJson(answer), () => replayText(invocation.paint, answer));
}
