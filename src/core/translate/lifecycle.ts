/**
 * When a translated job is to run, out of the attributes in which the readers keep it (docs/translating.md): as an array,
 * after which jobs, not before, by when, held, how urgent. A submit asks for these beside the jobspec; what cannot be
 * asked for is left out here, and its line in the report says that it is not heeded. Pure.
 */
import { DEPENDENCY_KINDS, type Dependency, type DependencyKind } from '../job/waits.ts';
import { isMoment } from '../job/moment.ts';
import { Attributes, isMap } from './attributes.ts';
import type { Json } from './draft.ts';

export interface Lifecycle {
  /** As core/job/array-spec.ts reads it; null: no array. */
  readonly array: string | null;
  readonly dependencies: readonly Dependency[];
  /** As core/job/moment.ts reads them. */
  readonly begin: string | null;
  readonly deadline: string | null;
  readonly hold: boolean;
  readonly priority: number | null;
}

export function lifecycleOf(jobspec: string): Lifecycle {
  const attributes = new Attributes(jobspec);
  const text = (...path: readonly string[]): string | null => {
    const found = attributes.peek(...path);
    return typeof found === 'string' ? found : null;
  };
  const moment = (written: string | null): string | null => (written !== null && isMoment(written) ? written : null);
  return {
    array: arrayOf(attributes.peek('rainbow', 'array')),
    dependencies: heededDependencies(
      attributes.peek('system', 'dependencies'),
      attributes.peek('rainbow', 'anyDependency') === true,
    ).heeded,
    begin: moment(text('rainbow', 'begin')),
    deadline: moment(text('rainbow', 'slurm', 'deadline')),
    hold: attributes.peek('rainbow', 'hold') === true,
    priority: priorityOf(attributes),
  };
}

/** What of a jobspec Rainbow sees to itself, so that no native scheduler is to be told it a second time. */
export interface Heeded {
  /** It is one task of an array of Rainbow's; else an array in it is the native scheduler's to make. */
  readonly array: boolean;
}

/**
 * By the time a cluster is given a job it is not held, its time has come, and what it depends on (by ids of Rainbow's,
 * which no native scheduler knows) has ended.
 */
export function takeHeeded(attributes: Attributes, { array }: Heeded): void {
  attributes.take('rainbow', 'hold');
  const begin = attributes.peek('rainbow', 'begin');
  if (typeof begin === 'string' && isMoment(begin)) attributes.take('rainbow', 'begin');
  if (array) attributes.take('rainbow', 'array');
  const any = attributes.peek('rainbow', 'anyDependency') === true;
  const { heeded, all } = heededDependencies(attributes.peek('system', 'dependencies'), any);
  if (heeded.length === 0 || !all) return;
  attributes.take('system', 'dependencies');
  attributes.take('rainbow', 'anyDependency');
}

function arrayOf(found: Json | undefined): string | null {
  if (!isMap(found) || typeof found['indices'] !== 'string') return null;
  const limit = found['limit'];
  return typeof limit === 'number' ? `${found['indices']}%${limit}` : found['indices'];
}

/** RFC 26 as Rainbow's own: those that can be asked for, and whether that is all of them. One of several cannot. */
export function heededDependencies(
  found: Json | undefined,
  any: boolean,
): { readonly heeded: readonly Dependency[]; readonly all: boolean } {
  if (!Array.isArray(found) || (any && found.length > 1)) return { heeded: [], all: false };
  const heeded: Dependency[] = [];
  for (const each of found as readonly Json[]) {
    const kind = DEPENDENCY_KINDS.find((known): known is DependencyKind => isMap(each) && known === each['scheme']);
    const value = isMap(each) ? each['value'] : null;
    const on = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    if (kind !== undefined && /^[1-9]\d{0,18}$/.test(on)) heeded.push({ kind, on });
  }
  return { heeded, all: heeded.length === found.length };
}

/** Flux's urgency is 0 to 31 around 16; sbatch's priority is taken as it is, and nice takes from it. */
function priorityOf(attributes: Attributes): number | null {
  const number = (...path: readonly string[]): number | null => readPriority(attributes.peek(...path));
  const urgency = number('rainbow', 'flux', 'urgency');
  if (urgency !== null) return urgency - 16;
  const priority = number('rainbow', 'slurm', 'priority');
  const nice = number('rainbow', 'slurm', 'nice');
  return priority === null && nice === null ? null : (priority ?? 0) - (nice ?? 0);
}

/** What can be asked for as a priority; null: not a whole number, or too large. */
export function readPriority(found: Json | undefined): number | null {
  if (typeof found !== 'string' && typeof found !== 'number') return null;
  const value = String(found).trim();
  return /^-?\d{1,9}$/.test(value) ? Number(value) : null;
}
