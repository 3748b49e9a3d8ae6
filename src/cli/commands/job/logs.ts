/** `rainbow job logs`: what a job wrote. Its standard output goes to standard output, its errors to standard error. */
import type { Command } from 'commander';
import type { OutputChunk } from '../../../gen/rainbow/v1/jobs_pb.js';
import { connect, operatorOptions, type OperatorOptions } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { jobId, wholeNumber } from '../../options.ts';
import { isoTime } from '../../present/time.ts';
import { streamWord } from '../../present/words.ts';

interface Options extends OperatorOptions {
  readonly follow?: boolean;
  readonly task?: number;
  readonly attempt?: number;
  readonly label?: boolean;
}

export function addLogs(parent: Command, run: Run): void {
  const command = parent
    .command('logs')
    .description('what a job wrote: its standard output and error')
    .argument('<id>', 'the job', jobId)
    .option('-f, --follow', 'go on until the job has ended')
    .option('--task <rank>', 'of this task alone', wholeNumber(0))
    .option('--attempt <number>', 'of this attempt; else of the newest', wholeNumber(1))
    .option('--label', 'begin each line with the rank of its task');
  operatorOptions(command).action(run(logs));
}

async function logs(invocation: Invocation, options: Options, args: readonly string[]): Promise<void> {
  const { io } = invocation;
  const [id = ''] = args;
  const labels = options.label === true ? new LineLabels() : null;
  await connect(invocation, { ...options, quiet: true }, async (client, signal) => {
    const output = client.jobs.readOutput(
      { id, epoch: String(options.attempt ?? 0), follow: options.follow === true },
      { signal },
    );
    for await (const chunk of output) {
      if (options.task !== undefined && chunk.task !== options.task) continue;
      if (invocation.json) {
        invocation.print(JSON.stringify(chunkJson(chunk)));
        continue;
      }
      const sink = streamWord(chunk.stream) === 'stderr' ? io.stderr : io.stdout;
      sink.write(labels === null ? chunk.data : labels.label(chunk));
    }
  });
}

/** Bytes as text where they are text, else as base64. */
function chunkJson(chunk: OutputChunk) {
  const bytes = Buffer.from(chunk.data);
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(bytes);
  return {
    task: chunk.task,
    stream: streamWord(chunk.stream),
    offset: Number(chunk.offset),
    at: isoTime(chunk.at),
    encoding: isText ? 'utf8' : 'base64',
    data: isText ? text : bytes.toString('base64'),
  };
}

/** Puts `rank: ` before each line; a line may come in pieces. */
class LineLabels {
  readonly #inLine = new Set<string>();

  label(chunk: OutputChunk): Uint8Array {
    const source = `${chunk.task}/${chunk.stream}`;
    const label = Buffer.from(`${chunk.task}: `);
    const pieces: Uint8Array[] = [];
    for (let from = 0; from < chunk.data.length;) {
      if (!this.#inLine.has(source)) pieces.push(label);
      const at = chunk.data.indexOf(0x0a, from);
      const to = at === -1 ? chunk.data.length : at + 1;
      pieces.push(chunk.data.subarray(from, to));
      if (at === -1) this.#inLine.add(source);
      else this.#inLine.delete(source);
      from = to;
    }
    return Buffer.concat(pieces);
  }
}
