/** `rainbow job fetch`: the files that a job left behind. */
import { join } from 'node:path';
import type { Command } from 'commander';
import type { RainbowClient } from '../../../client/client.ts';
import { RainbowError } from '../../../core/errors.ts';
import { bytesIn, type FileEntry } from '../../../core/staging/manifest.ts';
import { sizeText } from '../../../core/staging/size.ts';
import type { Job } from '../../../gen/rainbow/v1/job_pb.js';
import { connect, operatorOptions, type OperatorOptions } from '../../connection.ts';
import { fetchFiles } from '../../fetched-files.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { jobId, wholeNumber } from '../../options.ts';
import { clean } from '../../paint.ts';
import { startProgress } from '../../progress.ts';
import { idOf, jobName, tasksOf } from '../../tasks.ts';
import { overBreaks } from '../../wait.ts';

interface Options extends OperatorOptions {
  readonly to?: string;
  readonly force?: boolean;
  readonly attempt?: number;
}

export function addFetch(parent: Command, run: Run): void {
  const command = parent
    .command('fetch')
    .description('the files that it left behind, as asked for with submit --stage-out; of an array, task after task')
    .argument('<id>', 'the job', jobId)
    .option('--to <folder>', 'where they go; of an array each task’s into a folder named by its index [job-ID]')
    .option('--force', 'overwrite what is there')
    .option('--attempt <number>', 'of this attempt; else of the newest that left something', wholeNumber(1));
  operatorOptions(command).action(run(fetch));
}

async function fetch(invocation: Invocation, options: Options, args: readonly string[]): Promise<number> {
  const [named = ''] = args;
  return connect(invocation, { ...options, quiet: true }, async (client, signal) => {
    const job = await client.jobs.get({ id: await idOf(client, named, signal) }, { signal });
    const to = options.to ?? `job-${job.id}`;
    if (job.array === undefined) {
      await fetchOne(invocation, client, options, job, to);
      return 0;
    }
    let code = 0;
    for await (const task of tasksOf(client, job.id, signal)) {
      try {
        await fetchOne(invocation, client, options, task, join(to, String(task.arrayIndex ?? 0)));
      } catch (error) {
        if (!(error instanceof RainbowError) || error.code === 'unavailable' || signal.aborted) throw error;
        invocation.say(`${jobName(task)}: ${error.message}`);
        code = 1;
      }
    }
    return code;
  });
}

async function fetchOne(
  invocation: Invocation,
  client: RainbowClient,
  options: Options,
  job: Job,
  to: string,
): Promise<void> {
  const { signal } = invocation.io;
  const files: FileEntry[] = [];
  const notes: string[] = [];
  let epoch = String(options.attempt ?? 0);
  for await (const page of client.files.list({ jobId: job.id, epoch }, { signal })) {
    if (page.epoch !== '0') ({ epoch } = page);
    notes.push(...page.notes);
    for (const { path, size, executable, sha256 } of page.files)
      files.push({ path, size: Number(size), executable, sha256 });
  }
  const progress = startProgress(invocation, `fetching ${files.length} files of job ${jobName(job)}`);
  let written: readonly string[];
  try {
    written = await fetchFiles({
      files,
      to,
      force: options.force === true,
      download: (digests) => client.files.download({ jobId: job.id, epoch, sha256: digests }, { signal }),
      told: (path) => progress.set(path),
      overBreaks: (attempt) =>
        overBreaks(invocation, signal, async (came) => {
          await attempt();
          came();
          return true;
        }),
    });
  } finally {
    progress.end();
  }
  for (const note of notes) invocation.say(`${jobName(job)}: not brought back: ${note}`);
  const bytes = bytesIn(files);
  const document = {
    id: Number(job.id),
    attempt: Number(epoch),
    to,
    files: files.map(({ path }) => path),
    written,
    bytes,
    notes,
  };
  if (invocation.json) return invocation.print(JSON.stringify(document));
  const count = `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${sizeText(bytes)}`;
  const kept = files.length - written.length;
  const same = kept === 0 ? '' : ` (${kept} ${kept === 1 ? 'was' : 'were'} there already)`;
  invocation.print(`job ${jobName(job)}: ${count} → ${clean(to)}${same}`);
}
