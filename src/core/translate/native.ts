/**
 * What stands in the way of running a jobspec on a cluster of some kind: what its own scheduler cannot be told. Asked
 * before anything is placed there, and again by the runner before it submits. Pure.
 */
import { imageLoss } from '../containers/job-image.ts';
import { shownInImage } from '../containers/run.ts';
import type { Containers } from '../containers/runtimes.ts';
import { RainbowError } from '../errors.ts';
import { isMoment } from '../job/moment.ts';
import { readJobspec } from '../jobspec/read.ts';
import { Attributes, isMap } from './attributes.ts';
import { carried } from './carrier.ts';
import { CARRIED as FLUXS } from './flux/options.ts';
import { fluxJob } from './render/flux-job.ts';
import { render, type Target } from './render/render.ts';
import { slurmJob } from './render/slurm.ts';
import { CARRIED as SLURMS } from './slurm/options.ts';
import { obstacles, type ReportLine } from './report.ts';
import { quoteWord } from './words.ts';

/** Runners whose clusters have a language of their own. */
const TARGETS: Readonly<Record<string, Target>> = { slurm: 'sbatch', flux: 'flux' };

export const NATIVE_RUNNERS: ReadonlySet<string> = new Set(Object.keys(TARGETS));

/**
 * What is submitted there, to be shown; null where that kind of cluster takes jobspecs as they are. For Slurm the options
 * that sbatch is given, not the script's own lines; for Flux its command line, of which the agent makes a document; then,
 * and where jobspecs are taken as they are, how its first task is run in its image.
 */
export function nativeRendering(
  jobspec: string,
  runner: string,
  containers: Containers = '',
): { readonly target: Target | null; readonly text: string; readonly lost: readonly string[] } | null {
  const target = TARGETS[runner] ?? null;
  const shown = containerLine(jobspec, containers);
  if (target === null) {
    const lost = lostOn(jobspec, runner, containers);
    return shown === '' && lost.length === 0 ? null : { target, text: shown, lost };
  }
  try {
    const text = runner === 'slurm' ? sbatchLine(jobspec) : render(jobspec, target, null).text;
    return { target, text: `${text}${shown}`, lost: lostOn(jobspec, runner, containers) };
  } catch (error) {
    if (!(error instanceof RainbowError)) throw error;
    return { target, text: '', lost: [error.message] };
  }
}

/** '' where it does not run in its image. */
function containerLine(jobspec: string, containers: Containers): string {
  const read = readJobspec(jobspec);
  const command = read.tasks[0]?.command ?? [];
  const script = carried(command);
  // Its interpreter and that one's option stand before it (carrier.ts).
  const start = command.slice(4, 6).filter((word) => word !== '');
  const shown = script === null ? command : [...start, script.name, ...script.args];
  const line = shownInImage(read, { name: containers }, shown);
  return line === null ? '' : `# in its image: ${line}\n`;
}

/** Options that the agent gives to each job: its own, or where the job has none. */
const ADDED = ['job-name', 'comment', 'export'];
const ADDED_WHERE_NONE = ['chdir', 'output', 'error', 'open-mode', 'time', 'no-requeue'];

function sbatchLine(jobspec: string): string {
  const { options } = slurmJob(jobspec);
  const words = options.map(([name, value]) => (value === true ? `--${name}` : `--${name}=${value}`));
  const has = (name: string): boolean => options.some(([each]) => each === name);
  const follows = (name: string): boolean => name === 'error' || name === 'open-mode';
  const added = ADDED_WHERE_NONE.filter((name) => !has(name) && !(follows(name) && has('output'))).filter(
    (name) => name !== 'no-requeue' || !has('requeue'),
  );
  const all = [...ADDED, ...added].map((name) => `--${name}`).join(' ');
  return `${['sbatch', ...words.map(quoteWord)].join(' ')}\n# the agent adds ${all}, and gives the script on standard input\n`;
}

/** Options of sbatch and Flux that are kept for those clusters: with the effect of running without them, or null. */
const KEPT: Readonly<Record<string, Readonly<Record<string, string | null>>>> = { slurm: SLURMS, flux: FLUXS };

/** Could it be a job that only one kind of cluster can run as it was asked to? Asked of many: a look at the text alone. */
export function mayBeParticular(jobspec: string): boolean {
  if (jobspec.includes('files')) return true;
  return jobspec.includes('rainbow') && ['slurm', 'flux', 'begin'].some((word) => jobspec.includes(word));
}

/** In words, options of other kinds of clusters without which it would run otherwise than it was asked to. */
function particulars(jobspec: string, runner: string): readonly string[] {
  if (!mayBeParticular(jobspec)) return [];
  const attributes = new Attributes(jobspec);
  // What a submit heeds is not in a jobspec any more; a time without its zone is for Slurm to read.
  const begin = attributes.peek('rainbow', 'begin');
  const late = runner !== 'slurm' && typeof begin === 'string' && !isMoment(begin);
  const begins = late ? [`--begin=${begin} of sbatch (it may start at once)`] : [];
  // RFC 37: Flux puts them into the job's temporary folder.
  const files = attributes.peek('system', 'files');
  const named = runner !== 'flux' && isMap(files) ? Object.keys(files) : [];
  const added = named.map((name) => `--add-file=${name} of Flux (that file is not put beside it)`);
  const others = Object.entries(KEPT).flatMap(([system, effects]) => {
    const options = system === runner ? undefined : attributes.peek('rainbow', system);
    if (!isMap(options)) return [];
    return Object.entries(options).flatMap(([key, value]) => {
      const effect = Object.hasOwn(effects, key) ? effects[key] : null;
      if (effect === null || effect === undefined) return [];
      const said = typeof value === 'string' ? `--${key}=${value}` : `--${key}`;
      return [`${said} of ${system === 'slurm' ? 'sbatch' : 'Flux'} (${effect})`];
    });
  });
  return [...begins, ...added, ...others];
}

/** In words, what would be lost on a cluster of that kind; empty where all can be said. Throws where it is no jobspec. */
export function lostOn(jobspec: string, runner: string, containers: Containers = ''): readonly string[] {
  const read = readJobspec(jobspec);
  const image = imageLoss(read, jobspec, containers);
  const others = [...particulars(jobspec, runner), ...(image === null ? [] : [image])];
  if (!NATIVE_RUNNERS.has(runner)) return others;
  try {
    const { report } = runner === 'flux' ? fluxJob(jobspec) : slurmJob(jobspec);
    // Whether it runs in its image is the cluster's affair, not its scheduler's: it was asked above, where that is known.
    const isSaid = ({ what }: ReportLine): boolean => containers !== '' && what === IMAGE;
    return [
      ...others,
      ...lostOf(report, runner)
        .filter((line) => !isSaid(line))
        .map(lineText),
    ];
  } catch (error) {
    if (error instanceof RainbowError) return [error.message];
    throw error;
  }
}

/** As a rendering says it where there is no word for it. */
const FILES = 'attributes.system.files';
/** Of the report of a renderer: what a document of that system has no word for. */
const IMAGE = 'attributes.user.image';

/**
 * `particulars` says of options kept for another kind of cluster, which of them it cannot do without. What is kept of a
 * Kubernetes Job is for nobody to read: without which of it a job is another one was said when it was read.
 */
function lostOf(report: readonly ReportLine[], runner: string): readonly ReportLine[] {
  const isForOthers = ({ what }: ReportLine): boolean =>
    what === FILES ||
    what.startsWith('attributes.rainbow.kubernetes.') ||
    Object.keys(KEPT).some((system) => system !== runner && what.startsWith(`attributes.rainbow.${system}.`));
  return obstacles(report).filter((line) => !isGranted(line) && !isForOthers(line));
}

function lineText({ what, became, why }: ReportLine): string {
  return `${what}${became === null ? '' : ` → ${became}`}${why === null ? '' : ` (${why})`}`;
}

/** Another word for the same, or a little more than was asked for: by the runner, where a script alone cannot say it. */
function isGranted({ what, became, why }: ReportLine): boolean {
  // The runner unsets variables, and gives those of the one task to the job.
  if (/^(attributes\.system|tasks\[0\]\.attributes)\.environment(\.|$)/.test(what)) return true;
  if (what === 'tasks[0].count' && became?.startsWith('srun --ntasks=') === true) return true;
  if (what === 'memory' && why?.includes('is no whole number') === true) return true;
  // Rainbow itself tries it again.
  if (what === 'attributes.rainbow.retry') return true;
  return what === 'attributes.system.duration' || what === 'attributes.parameter';
}

/**
 * Has its owner said that it may go where some of it is lost? In the jobspec itself, so that it goes wherever the job
 * goes: `attributes.rainbow.allowLossy: true`.
 */
export function lossAllowed(jobspec: string): boolean {
  return new Attributes(jobspec).peek('rainbow', 'allowLossy') === true;
}
