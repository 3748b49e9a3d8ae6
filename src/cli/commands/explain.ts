/** `rainbow explain`: per cluster, does it fit, at which stage and vertex it failed, and what would open it. */
import type { Command } from 'commander';
import type { Job } from '../../gen/rainbow/v1/job_pb.js';
import { connect, operatorOptions, type OperatorOptions } from '../connection.ts';
import { credentialsFor } from '../credentials.ts';
import { UsageError } from '../exit.ts';
import { readInput } from '../files.ts';
import type { Invocation, Run } from '../invocation.ts';
import { serving, unheededLines, waitsForAgent } from '../native-renderings.ts';
import { namingFile } from '../jobspec-errors.ts';
import { collect, jobId } from '../options.ts';
import {
  candidateJson,
  candidateLines,
  decisionJson,
  decisionText,
  openingJson,
  openingLines,
} from '../present/decision.ts';
import { idOf, jobName } from '../tasks.ts';
import { readSettings } from '../settings.ts';
import { jobJson, jobLine } from '../present/job.ts';
import { clean } from '../paint.ts';
import { wrapped } from '../wrap.ts';

interface Options extends OperatorOptions {
  readonly jobspec?: string;
  readonly cluster?: readonly string[];
  readonly placement?: boolean;
}

export function addExplain(parent: Command, run: Run): void {
  const command = parent
    .command('explain')
    .description(
      'why a job is where it is; or, for a jobspec, which clusters could hold it and what would open the others',
    )
    .argument('[id]', 'the job', jobId)
    .option('--jobspec <file>', 'a jobspec instead of a job; - for standard input')
    .option('--cluster <name>', 'with --jobspec: only this cluster (repeatable)', collect)
    .option('--placement', 'with --jobspec: also which vertices it would take, as an R document (RFC 20)')
    .addHelpText('after', '\nExamples:\n  rainbow explain 5\n  rainbow explain --jobspec job.yaml --cluster red');
  operatorOptions(command).action(run(explain));
}

async function explain(invocation: Invocation, options: Options, args: readonly string[]): Promise<void> {
  const [id] = args;
  if ((id === undefined) === (options.jobspec === undefined)) {
    throw new UsageError('give either a job’s number or --jobspec FILE.');
  }
  if (id !== undefined) return explainJob(invocation, options, id);
  const file = options.jobspec ?? '-';
  const jobspec = await readInput(invocation.io, file);
  const placement = options.placement === true;
  // A placement names a cluster's nodes: it is told to those who may use it.
  const credentials = placement ? credentialsFor(await readSettings(invocation), options, true) : [];
  const { candidates, openings, unheeded, served } = await connect(invocation, options, async (client, signal) => {
    const asked = client.jobs.match(
      { jobspec, credentials, clusters: [...(options.cluster ?? [])], placement },
      { signal },
    );
    const answer = await namingFile(file, jobspec, asked);
    const { clusters } = await client.clusters.list({}, { signal });
    const served = await serving(jobspec, answer.candidates, clusters, invocation.io.system.clock.now());
    return { ...answer, served, unheeded: await unheededLines(jobspec, answer.candidates, async () => clusters) };
  });
  invocation.result(
    { jobspec: file, candidates: candidates.map(candidateJson), openings: openings.map(openingJson), unheeded },
    () =>
      [
        ...wrapped(
          [
            ...candidateLines(invocation.paint, candidates, undefined, served.barred, served.absent),
            ...openingLines(openings),
            ...served.lines,
            ...unheeded,
          ],
          invocation.io.stdout,
        ),
        ...candidates.flatMap(({ cluster, placement: r }) =>
          r === undefined ? [] : [`on ${cluster} it would take:`, JSON.stringify(r, null, 2)],
        ),
      ].join('\n'),
  );
}

async function explainJob(invocation: Invocation, options: Options, id: string): Promise<void> {
  const { job, decisions, openings, waits, first } = await connect(invocation, options, async (client, signal) => {
    const asked = await idOf(client, id, signal);
    const answer = await client.jobs.explain({ id: asked }, { signal });
    const { job } = answer;
    const get = (name: string) => client.clusters.get({ name }, { signal });
    return {
      ...answer,
      waits: job === undefined ? null : await waitsForAgent(job, get),
      // Of an array the answer is about its first task.
      first: job !== undefined && job.id !== asked ? job : null,
    };
  });
  const shown = { decisions: decisions.map(decisionJson), openings: openings.map(openingJson) };
  invocation.result({ job: job === undefined ? null : jobJson(job), waitsForAgent: waits, ...shown }, () =>
    wrapped(
      [
        ...(first === null ? [] : [firstTaskLine(first)]),
        ...(job === undefined ? [] : [jobLine(invocation.paint, job)]),
        ...(waits === null ? [] : [clean(waits)]),
        ...(decisions.length === 0 ? ['no decision was taken on it yet'] : []),
        ...decisions.map((decision) => decisionText(invocation.paint, decision)),
        ...openingLines(openings),
      ],
      invocation.io.stdout,
    ).join('\n'),
  );
}

function firstTaskLine(task: Job): string {
  return `${task.arrayId} is an array: this is of its first task, ${jobName(task)}; ask for another by its index, as in "rainbow explain ${task.arrayId}[INDEX]"`;
}
