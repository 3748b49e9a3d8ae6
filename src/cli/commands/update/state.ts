/** `rainbow update state`: flat facts that selection policies use; keys are merged into what is there. */
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { Command } from 'commander';
import { RainbowError } from '../../../core/errors.ts';
import { connect } from '../../connection.ts';
import { UsageError } from '../../exit.ts';
import { readInput } from '../../files.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { clean } from '../../paint.ts';
import { clusterAccess } from '../../settings.ts';

interface Options {
  readonly stateFile?: string;
  readonly secret?: string;
}

export function addState(parent: Command, run: Run): void {
  parent
    .command('state')
    .description('tell facts about a cluster, such as cost_per_node_hour; keys are merged into what is there')
    .argument('[facts...]', 'KEY=VALUE; a value that is JSON is taken as such')
    .option('--state-file <file>', 'a JSON object of flat keys; - for standard input')
    .option('-s, --secret <secret>', 'the cluster’s secret [RAINBOW_SECRET; the configuration]')
    .addHelpText('after', '\nExample:\n  rainbow update state --cluster-name red cost_per_node_hour=3 nodes_free=20')
    .action(run(update));
}

async function update(invocation: Invocation, options: Options, facts: readonly string[]): Promise<void> {
  if (options.stateFile === undefined && facts.length === 0) {
    throw new UsageError('which facts? Give KEY=VALUE, or --state-file FILE.');
  }
  const state: JsonObject = {
    ...(options.stateFile === undefined
      ? {}
      : readState(options.stateFile, await readInput(invocation.io, options.stateFile))),
    ...Object.fromEntries(facts.map(readFact)),
  };
  const { name, secret, carries } = await clusterAccess(invocation, options.secret);
  const answer = await connect(invocation, { anonymous: true, carries }, (client, signal) =>
    client.clusters.updateState({ cluster: name, secret, state }, { signal }),
  );
  invocation.result({ cluster: name, state: answer.state ?? {} }, () =>
    [
      `state of ${name}:`,
      ...Object.entries(answer.state ?? {}).map(([key, value]) => `  ${clean(key)}: ${clean(JSON.stringify(value))}`),
    ].join('\n'),
  );
}

function readFact(text: string): [string, JsonValue] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`"${text}" is not KEY=VALUE.`);
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value) as JsonValue];
  } catch {
    return [text.slice(0, at), value];
  }
}

/** A JSON object; also one inside a JSON string, as some clients write it. */
function readState(file: string, text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
    if (typeof value === 'string') value = JSON.parse(value);
  } catch (error) {
    throw new RainbowError('invalid_input', `${file} is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RainbowError('invalid_input', `${file} holds no JSON object; it must be {"key": value, …}`);
  }
  return value as JsonObject;
}
