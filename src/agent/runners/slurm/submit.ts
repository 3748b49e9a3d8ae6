/**
 * From an order to words for sbatch: what is asked for, natively, and the script. Throws before anything native exists
 * where Slurm cannot be told all of it.
 */
import { NO_CONTAINERS, type ContainerRuntime } from '../../../core/containers/run.ts';
import { slurmJob, type Option, type SlurmJob } from '../../../core/translate/render/slurm.ts';
import { readArray } from '../../../core/translate/slurm/names.ts';
import { fillPattern, knownOf } from '../../../core/translate/slurm/paths.ts';
import type { NativeName } from '../batch/key.ts';
import { toldOf } from '../batch/told.ts';
import type { Order } from '../runner.ts';
import { nativeComment, nativeName } from './key.ts';
import { wrapperScript } from './wrapper.ts';

/** Throws as `toldOf`. */
export function slurmJobOf(order: Order, containers: ContainerRuntime = NO_CONTAINERS): SlurmJob {
  return toldOf(order.jobspec, { runner: 'slurm', called: 'Slurm', containers }, slurmJob);
}

/** Options with the name of a file, in which patterns count. */
const FILES = new Set(['input', 'output', 'error']);

export interface Native {
  /** For sbatch. */
  readonly args: readonly string[];
  readonly script: string;
}

export function nativeSubmission(
  job: SlurmJob,
  order: Order,
  name: NativeName,
  where: {
    readonly cluster: string;
    readonly runDir: string;
    /** Where it begins, where the jobspec does not say. */
    readonly cwd: string;
    /** Seconds, said instead of the jobspec's; null: as that has it. Left out: the order's, where the jobspec asks for none. */
    readonly limit?: number | null;
    /** What runs images; none where it is left out. */
    readonly containers?: ContainerRuntime;
  },
): Native {
  const { options } = job;
  const has = (option: string): boolean => options.some(([each]) => each === option);
  const { limit = has('time') ? null : order.walltime } = where;
  const text = (option: string): string | null => {
    const found = options.find(([each]) => each === option)?.[1];
    return typeof found === 'string' ? found : null;
  };
  const index = has('array') ? '%a' : '0';
  // In Slurm it is called otherwise, and a job by itself: an array of Rainbow's has its numbers from Rainbow.
  const known = knownOf(order.name, has('array') ? undefined : order.array);
  const said = options.map(([option, value]): Option =>
    FILES.has(option) && value !== true ? [option, fillPattern(value, known)] : [option, value],
  );
  // A name of a file may hold `%`, which Slurm would read as a pattern.
  const run = where.runDir.replaceAll('%', '%%');
  const own: Option[] = [
    ['job-name', nativeName(name, order.name)],
    ['comment', nativeComment(name, where.cluster, text('comment'))],
    ...(has('output') ? [] : [['output', `${run}/out.${index}`] as const]),
    // As sbatch has it: without an --error both go where --output says.
    ...(has('error') || has('output') ? [] : [['error', `${run}/err.${index}`] as const]),
    ...(has('open-mode') || has('output') ? [] : [['open-mode', 'append'] as const]),
    // One that is no whole path is nowhere: the wrapper says so.
    ...(text('chdir')?.startsWith('/') === true ? [] : [['chdir', where.cwd] as const]),
    ...(limit === null || limit <= 0 ? [] : [['time', minutes(limit)] as const]),
    // Started again, it would run a second time under one epoch: Rainbow decides that, unless the job itself says so.
    ...(has('requeue') || has('no-requeue') ? [] : [['no-requeue', true] as const]),
    ...(order.priority < 0 && !has('nice')
      ? [['nice', String(Math.min(-order.priority, 2_147_483_645))] as const]
      : []),
    ['export', 'ALL'],
  ];
  const replaced = new Set(own.map(([option]) => option));
  const args = [...said.filter(([option]) => !replaced.has(option)), ...own].map(([option, value]) =>
    value === true ? `--${option}` : `--${option}=${value}`,
  );
  const script = wrapperScript({ ...where, order, name, asked: job.asked });
  return { args: ['--parsable', ...args], script };
}

/** Slurm counts minutes; a part of one counts whole. */
function minutes(seconds: number): string {
  return String(Math.max(1, Math.ceil(seconds / 60)));
}

/** Highest index of its array; 0 where it is none. */
export function lastTaskOf({ options }: SlurmJob): number {
  const array = options.find(([option]) => option === 'array')?.[1];
  if (typeof array !== 'string' || readArray(array) === null) return 0;
  return Math.max(
    ...array
      .replace(/%.*$/, '')
      .split(/[,\-:[\]]/)
      .map((word) => Number(word) || 0),
  );
}

/** The id in what `sbatch --parsable` says: `17` or `17;cluster`. Null where it says none. */
export function readJobId(stdout: string): string | null {
  return /^(\d+)(?:;.*)?$/m.exec(stdout.trim())?.[1] ?? null;
}
