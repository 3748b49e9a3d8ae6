/**
 * Whatever people have, as jobspecs: the one door to the readers. Text alone tells what it is; where it could be two
 * things, the caller says which. Pure: the same text and context give the same jobspecs.
 */
import { invalid } from '../errors.ts';
import type { ReadContext } from './context.ts';
import { hasFluxLines } from './flux/script.ts';
import { looksLikeFluxCommand } from './flux/command.ts';
import { readFluxBatch, readFluxCommand } from './flux/read.ts';
import { readKubernetes } from './kubernetes/read.ts';
import type { ReportLine } from './report.ts';
import { hasSbatchLines } from './slurm/script.ts';
import { readSbatch } from './slurm/read.ts';
import type { TranslatedJob } from './slurm/read.ts';

export const FORMS = ['jobspec', 'sbatch', 'flux', 'flux-command', 'kubernetes'] as const;
/** `jobspec`: any dialect of those; it is taken as it is. */
export type Form = (typeof FORMS)[number];

export interface Translation {
  readonly form: Form;
  /** At least one. */
  readonly jobs: readonly TranslatedJob[];
  /** Of what stood beside the jobs. */
  readonly report: readonly ReportLine[];
}

/** Throws `invalid_input` with line and column. A jobspec is not read here: it comes back as it is. */
export function translate(text: string, form: Form, context: ReadContext): Translation {
  switch (form) {
    case 'sbatch':
      return { form, jobs: [readSbatch(text, context)], report: [] };
    case 'flux':
      return { form, jobs: [readFluxBatch(text, context)], report: [] };
    case 'flux-command':
      return { form, jobs: [readFluxCommand(text, context)], report: [] };
    case 'kubernetes':
      return { form, ...readKubernetes(text, context) };
    default:
      return { form, jobs: [{ jobspec: text, report: [] }], report: [] };
  }
}

/** sbatch or Flux, by the directives; without any it is a plain script, which sbatch takes as it is. */
export function batchForm(script: string): 'sbatch' | 'flux' {
  const isFlux = hasFluxLines(script);
  if (isFlux && hasSbatchLines(script)) {
    throw invalid(
      'batch script',
      'has directives of both sbatch and Flux; say which count: --from sbatch or --from flux',
    );
  }
  return isFlux ? 'flux' : 'sbatch';
}

/** What a text is, of all forms. */
export function formOf(text: string): Form {
  if (looksLikeFluxCommand(text)) return 'flux-command';
  const start = text.replace(/^\uFEFF/, '');
  if (start.startsWith('#!') || hasSbatchLines(text) || hasFluxLines(text)) return batchForm(text);
  // Only Kubernetes objects have these two at the left edge, or as the first keys of JSON.
  const yaml = /^(?:- )?["']?apiVersion["']?[ \t]*:/m.test(start) && /^ {0,2}["']?kind["']?[ \t]*:/m.test(start);
  const json = /^\s*[[{]/.test(start) && /"apiVersion"\s*:/.test(start) && /"kind"\s*:/.test(start);
  return yaml || json ? 'kubernetes' : 'jobspec';
}
