/** `submit`'s options about what happens to a job when it fails, lies about, or writes much; as the server takes them. */
import { Option, type Command } from 'commander';
import { RETRY_PLACES, splitConditions } from '../core/job/retry.ts';
import { readQuantity } from '../core/jobspec/quantity.ts';
import { readTime } from '../core/jobspec/time.ts';
import { UsageError } from './exit.ts';
import { wholeNumber } from './options.ts';

export interface HandlingOptions {
  readonly retry?: number;
  readonly retryOn?: string;
  readonly retryWhere?: (typeof RETRY_PLACES)[number];
  readonly retryDelay?: string;
  readonly returnAfter?: string;
  readonly outputCap?: string;
}

export function addHandling(command: Command): Command {
  return command
    .option('--retry <count>', 'try it again so often where it fails', wholeNumber(0, 1_000))
    .option(
      '--retry-on <failures>',
      'after these alone, with commas: exit, exit:1, signal, signal:9, time_limit, out_of_memory, node_failure, preempted, cannot_start, cluster_lost, refused, native, not_reported',
    )
    .addOption(new Option('--retry-where <place>', 'at which cluster then').choices([...RETRY_PLACES]))
    .option('--retry-delay <span>', 'wait so long before, doubling with each retry: 30s, 5m (10s)')
    .option('--return-after <span>', 'go elsewhere where its cluster leaves it lying for so long')
    .option('--output-cap <amount>', 'keep so much of each task’s output, and of its errors: 16MiB');
}

/** For SubmitRequest. Throws UsageError, or `invalid_input` with the option. */
export function handlingOf(options: HandlingOptions): {
  retry?: { limit: number; on: string[]; where: string; delay?: number };
  returnAfter?: number;
  outputCap?: string;
} {
  const { retry, retryOn, retryWhere, retryDelay, returnAfter, outputCap } = options;
  if (retry === undefined && (retryOn ?? retryWhere ?? retryDelay) !== undefined) {
    throw new UsageError('how often shall it be tried again? Give --retry COUNT.');
  }
  return {
    ...(retry === undefined
      ? {}
      : {
          retry: {
            limit: retry,
            on: retryOn === undefined ? [] : [...splitConditions(retryOn)],
            where: retryWhere ?? '',
            ...(retryDelay === undefined
              ? {}
              : { delay: /^0+s?$/.test(retryDelay) ? 0 : readTime(retryDelay, '--retry-delay') }),
          },
        }),
    ...(returnAfter === undefined ? {} : { returnAfter: readTime(returnAfter, '--return-after') }),
    ...(outputCap === undefined ? {} : { outputCap: String(bytesOf(outputCap)) }),
  };
}

function bytesOf(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  const { amount, unit } = readQuantity(text, '--output-cap');
  const power = ['', 'K', 'M', 'G'].indexOf(unit.replace(/i?B$/, ''));
  if (power < 0) throw new UsageError('--output-cap is an amount of bytes: 4096, 256KiB, 16MiB.');
  return amount * (unit.includes('i') ? 1024 : 1000) ** power;
}
