/**
 * What stands in the way of running a jobspec on a cluster of some kind: what its own scheduler cannot be told. Asked
 * before anything is placed there, and again by the runner before it submits. Pure.
 */
import { RainbowError } from '../errors.ts';
import { Attributes } from './attributes.ts';
import type { Heeded } from './lifecycle.ts';
import { fluxJob } from './render/flux-job.ts';
import { render, type Target } from './render/render.ts';
import { slurmJob } from './render/slurm.ts';
import { obstacles, type ReportLine } from './report.ts';

/** Runners whose clusters have a language of their own. */
const TARGETS: Readonly<Record<string, Target>> = { slurm: 'sbatch', flux: 'flux' };

export const NATIVE_RUNNERS: ReadonlySet<string> = new Set(Object.keys(TARGETS));

/** What is submitted there, to be shown; null where that kind of cluster takes jobspecs as they are. */
export function nativeRendering(
  jobspec: string,
  runner: string,
): { readonly target: Target; readonly text: string; readonly lost: readonly string[] } | null {
  const target = TARGETS[runner];
  if (target === undefined) return null;
  try {
    return { target, text: render(jobspec, target, null).text, lost: lostOn(jobspec, runner) };
  } catch (error) {
    if (!(error instanceof RainbowError)) throw error;
    return { target, text: '', lost: [error.message] };
  }
}

/** In words, what would be lost on a cluster of that kind; empty where all can be said, or Rainbow sees to it. */
export function lostOn(jobspec: string, runner: string, heeded: Heeded = { array: true }): readonly string[] {
  if (!NATIVE_RUNNERS.has(runner)) return [];
  try {
    const { report } = runner === 'flux' ? fluxJob(jobspec, heeded) : slurmJob(jobspec, heeded);
    return lostOf(report).map(lineText);
  } catch (error) {
    if (error instanceof RainbowError) return [error.message];
    throw error;
  }
}

function lostOf(report: readonly ReportLine[]): readonly ReportLine[] {
  return obstacles(report).filter((line) => !isGranted(line));
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
  return what === 'attributes.system.duration' || what === 'attributes.parameter';
}

/**
 * Has its owner said that it may go where some of it is lost? In the jobspec itself, so that it goes wherever the job
 * goes: `attributes.rainbow.allowLossy: true`.
 */
export function lossAllowed(jobspec: string): boolean {
  return new Attributes(jobspec).peek('rainbow', 'allowLossy') === true;
}
