/**
 * Files in whatever form people have them, as jobspecs: reading, the report on standard error, and when to refuse. The
 * readers themselves are the core's.
 */
import { basename } from 'node:path';
import { RainbowError } from '../core/errors.ts';
import type { Overrides } from '../core/translate/context.ts';
import { readersOf, type ReportLine } from '../core/translate/report.ts';
import type { Form, Translation } from '../core/translate/translate.ts';
import { about, readInput } from './files.ts';
import type { Invocation } from './invocation.ts';
import { clean } from './paint.ts';

/** What any of the readers takes at most, and a little more: theirs are the limits that say where. */
const MOST_BYTES = 2 * 2 ** 20;

export const FORM_WORDS = [
  'jobspec',
  'sbatch',
  'flux',
  'flux-command',
  'kubernetes',
] as const satisfies readonly Form[];

export interface Asked {
  readonly file: string;
  /** undefined: the text tells. */
  readonly form?: Form | 'batch' | undefined;
  readonly overrides?: Overrides;
  readonly args?: readonly string[];
}

/** Throws `not_found` where there is no such file, `invalid_input` with the file, line and column. */
export async function readTranslated(invocation: Invocation, asked: Asked): Promise<Translation> {
  const { file } = asked;
  const text = await readInput(invocation.io, file, MOST_BYTES);
  const { batchForm, formOf, translate } = await import('../core/translate/translate.ts');
  return about(file, () => {
    const form = asked.form === 'batch' ? batchForm(text) : (asked.form ?? formOf(text));
    return translate(text, form, {
      file: file === '-' ? 'script' : basename(file),
      args: asked.args ?? [],
      environment: invocation.io.env,
      overrides: asked.overrides ?? {},
    });
  });
}

/** The lines of all jobs, and of what stood beside them. */
export function allLines({ jobs, report }: Translation): readonly ReportLine[] {
  return [...report, ...jobs.flatMap((job) => job.report)];
}

/** On standard error, a line each: where it stands, what became of it, and why. */
export function sayReport({ io }: Invocation, file: string, lines: readonly ReportLine[]): void {
  const name = file === '-' ? 'standard input' : file;
  for (const each of lines) {
    const { outcome, line, column, what, became, why, unheeded } = each;
    const readers = readersOf(each);
    const place = line === null ? name : `${name}:${line}:${column}`;
    const carried = readers === null ? 'kept, not acted on yet' : `kept for ${readers}`;
    const word = outcome === 'carried' ? carried : outcome;
    const turned = became === null || outcome === 'overridden' ? '' : ` → ${became}`;
    const because = why === null ? '' : ` (${unheeded ? 'so ' : ''}${why})`;
    io.stderr.write(`${clean(`${place}: ${word}: ${what}${turned}${because}`)}\n`);
  }
}

/** Throws where there are `lines` in the way of doing it; the report has been said. */
export function refuse(file: string, what: 'submitted' | 'converted', lines: readonly ReportLine[]): void {
  if (lines.length === 0) return;
  const name = file === '-' ? 'standard input' : file;
  const first = lines
    .slice(0, 5)
    .map(({ line, what }) => `\n  ${line === null ? '' : `line ${line}: `}${clean(what)}`)
    .join('');
  const more = lines.length > 5 ? `\n  and ${lines.length - 5} more` : '';
  throw new RainbowError(
    'failed_precondition',
    `${name} is not ${what}, because something of it would be lost${what === 'submitted' ? ', or not be done' : ''}:${first}${more}\nLeave that out, or say --allow-lossy.`,
  );
}
