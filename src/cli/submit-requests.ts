/** What `submit` is asked to submit: a jobspec as it is, one made from flags, or a file of another system translated. */
import { basename } from 'node:path';
import type { Overrides } from '../core/translate/context.ts';
import type { Lifecycle } from '../core/translate/lifecycle.ts';
import type { ReportLine } from '../core/translate/report.ts';
import type { SubmitOptions } from './submit-options.ts';
import { UsageError } from './exit.ts';
import { readInput } from './files.ts';
import type { Invocation } from './invocation.ts';
import { allLines, readTranslated, refuse, sayReport } from './translated.ts';
import { splitWords } from './words.ts';

export interface SubmitRequest {
  readonly jobspec: string;
  /** For the server: the flag's, or the file's where nothing in it names the job; '' where the jobspec does. */
  readonly name: string;
  /** What the file says of when it is to run; null: it was not translated. */
  readonly when: Lifecycle | null;
  /** The report of its translation; empty where it was not. */
  readonly lines: readonly ReportLine[];
  readonly translation: { readonly file: string; readonly form: string; readonly report: readonly ReportLine[] } | null;
}

/** Options that describe a job, and so exclude --jobspec. */
const SHAPE = [
  'nodes',
  'tasks',
  'cores',
  'gpus',
  'memory',
  'time',
  'partition',
  'account',
  'image',
  'cwd',
  'env',
  'command',
] as const;
/** Bytes of a jobspec, as the server takes at most: here it can be said where it passes them. */
const MOST_JOBSPEC = 2 ** 20;
const FILES = ['jobspec', 'batch', 'kubernetes'] as const;

/** At least one. The report of a translation is on standard error when it returns, or throws because of it. */
export async function readRequests(
  invocation: Invocation,
  options: SubmitOptions,
  words: readonly string[],
): Promise<readonly SubmitRequest[]> {
  const requests = await readAll(invocation, options, words);
  if (options.time !== undefined && /^\d+(\.\d+)?$/.test(options.time.trim())) {
    // sbatch's are minutes.
    const span = options.time.trim();
    invocation.say(`--time ${span}: it may run for ${span} seconds; for minutes write ${span}m`);
  }
  if (options.allowLossy !== true) return requests;
  const { allowLoss } = await import('../core/translate/allow-loss.ts');
  // In the jobspec, so that the cluster's agent hears of it as well.
  return requests.map((request) => ({ ...request, jobspec: allowLoss(request.jobspec) }));
}

async function readAll(
  invocation: Invocation,
  options: SubmitOptions,
  words: readonly string[],
): Promise<readonly SubmitRequest[]> {
  const [first, second] = FILES.filter((name) => options[name] !== undefined);
  if (second !== undefined) throw new UsageError(`--${first} and --${second} are two things: give one.`);
  if (first !== 'batch' && options.from !== undefined) throw new UsageError('--from says what --batch is; give both.');
  if (first === 'batch' || first === 'kubernetes') return translateFile(invocation, options, first, words);
  const name = options.name ?? options.jobName ?? '';
  if (options.jobspec === undefined) {
    return [{ jobspec: await fromFlags(options, words), name, when: null, lines: [], translation: null }];
  }
  const extra = SHAPE.find((each) => options[each] !== undefined);
  if (extra !== undefined) throw new UsageError(`--jobspec says all of it: leave out --${extra}, or --jobspec.`);
  if (words.length > 0) throw new UsageError('--jobspec says what to run: leave out the program, or --jobspec.');
  const jobspec = await readInput(invocation.io, options.jobspec, MOST_JOBSPEC);
  return [{ jobspec, name, when: null, lines: [], translation: null }];
}

async function fromFlags(options: SubmitOptions, words: readonly string[]): Promise<string> {
  if (options.command !== undefined && words.length > 0) {
    throw new UsageError('give the program either with --command or after --, not both.');
  }
  const command = options.command === undefined ? words : splitWords(options.command);
  if (command.length === 0 || command[0] === '') {
    throw new UsageError(
      'what shall it run? Give the program after --, or --command TEXT, --jobspec, --batch or --kubernetes FILE.',
    );
  }
  const { jobspecFromFlags } = await import('../core/jobspec/flags.ts');
  return jobspecFromFlags({ ...overridesOf(options), environment: options.env, command });
}

function overridesOf(options: SubmitOptions): Overrides {
  const { nodes, tasks, cores, gpus, memory, time, partition, account, image, cwd, env } = options;
  return {
    nodes,
    tasks,
    cores,
    gpus,
    memory,
    time,
    partition,
    account,
    image,
    cwd,
    env,
    name: options.name ?? options.jobName,
  };
}

async function translateFile(
  invocation: Invocation,
  options: SubmitOptions,
  kind: 'batch' | 'kubernetes',
  words: readonly string[],
): Promise<readonly SubmitRequest[]> {
  if (options.command !== undefined)
    throw new UsageError(`--${kind} says what to run: leave out --command, or --${kind}.`);
  if (kind === 'kubernetes' && words.length > 0) {
    throw new UsageError('--kubernetes says what to run: leave out the program, or --kubernetes.');
  }
  if (kind === 'kubernetes' && options.nodes !== undefined) {
    throw new UsageError('a Kubernetes Job asks for pods, not for nodes: use --tasks.');
  }
  const file = options[kind] ?? '-';
  const form = kind === 'kubernetes' ? kind : (options.from ?? 'batch');
  const translation = await readTranslated(invocation, { file, form, overrides: overridesOf(options), args: words });
  const lines = allLines(translation);
  sayReport(invocation, file, lines);
  const { obstacles } = await import('../core/translate/report.ts');
  // Nothing is submitted by --dry-run, so nothing of it is lost.
  if (options.allowLossy !== true && options.dryRun !== true) refuse(file, 'submitted', obstacles(lines));
  const { readJobspec } = await import('../core/jobspec/read.ts');
  const { lifecycleOf, withoutLifecycle } = await import('../core/translate/lifecycle.ts');
  return translation.jobs.map(({ jobspec, report }, index) => {
    const unnamed = readJobspec(jobspec).name === null && file !== '-';
    return {
      jobspec: withoutLifecycle(jobspec),
      // As sbatch and Flux name it.
      name: unnamed ? basename(file) : '',
      when: lifecycleOf(jobspec),
      lines: report,
      translation: { file, form: translation.form, report: index === 0 ? [...translation.report, ...report] : report },
    };
  });
}
