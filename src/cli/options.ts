/** Readers of option values. A wrong value ends in exit code 2, with what is right. */
import { InvalidArgumentError } from 'commander';
import type { Dependency, DependencyKind } from '../core/job/waits.ts';

/** A whole number of at least `min`. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(
        max === Number.MAX_SAFE_INTEGER
          ? `It must be a whole number from ${min}.`
          : `It must be a whole number from ${min} to ${max}.`,
      );
    }
    return value;
  };
}

/** An option that may be given several times. */
export function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

/** KEY=VALUE, several times. */
export function collectPairs(
  text: string,
  before: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must be KEY=VALUE.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

export interface NamedFile {
  readonly name: string;
  readonly file: string;
}

/** NAME=FILE, several times. */
export function collectFiles(text: string, before: readonly NamedFile[] | undefined): readonly NamedFile[] {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('It must be NAME=FILE.');
  return [...(before ?? []), { name: text.slice(0, at), file: text.slice(at + 1) }];
}

/** A job's number, an array's, or a task of an array: `5`, `5[3]`, `5_3` (tasks.ts asks the server which it is). */
export function jobId(text: string): string {
  if (!/^[1-9]\d{0,18}(\[\d{1,10}\]|_\d{1,10})?$/.test(text)) {
    throw new InvalidArgumentError('It must be a job’s number, or a task of an array as in 5[3]; see "rainbow jobs".');
  }
  return text;
}

const AFTER =
  /^(?:(after|afterok|afterany|afternotok):)?([1-9]\d{0,18}(?:\+\d{1,6})?(?::[1-9]\d{0,18}(?:\+\d{1,6})?)*)$/;

/** `5`, `afterany:5:6`, `after:5+10`, `singleton`, several with commas or given again. */
export function collectAfter(text: string, before: readonly Dependency[] | undefined): readonly Dependency[] {
  const read = text.split(',').flatMap((part): readonly Dependency[] => {
    if (part.trim() === 'singleton') return [{ kind: 'singleton', on: '' }];
    const found = AFTER.exec(part.trim());
    const kind = (found?.[1] ?? 'afterok') as DependencyKind;
    if (found === null || (kind !== 'after' && part.includes('+'))) {
      throw new InvalidArgumentError(
        'It must be a job’s number, or afterok:ID, afterany:ID, afternotok:ID, after:ID, after:ID+MINUTES or singleton.',
      );
    }
    return found[2]!.split(':').map((each): Dependency => {
      const [on = '', minutes] = each.split('+');
      return { kind, on, ...(minutes === undefined ? {} : { minutes: Number(minutes) }) };
    });
  });
  return [...(before ?? []), ...read];
}
