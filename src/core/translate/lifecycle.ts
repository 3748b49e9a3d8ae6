/**
 * When a translated job is to run, out of the attributes in which the readers keep it (docs/translating.md): as an array,
 * after which jobs, not before, by when, held, how urgent. A submit asks for these beside the jobspec; what cannot be
 * asked for is left out here, and its line in the report says that it is not heeded. Pure.
 */
import { parse } from 'yaml';
import { DEPENDENCY_KINDS, type Dependency, type DependencyKind } from '../job/waits.ts';
import { isMoment } from '../job/moment.ts';
import { Attributes, isMap } from './attributes.ts';
import { toYaml, type Json } from './draft.ts';

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

/**
 * The jobspec without what `lifecycleOf` found in it: it is asked for beside it, and a cluster's own scheduler is not to
 * do it a second time (an array of Slurm for each task of an array of Rainbow, a dependency on a Slurm job of that
 * number). What was not found stays. `jobspec`: as a reader wrote it.
 */
export function withoutLifecycle(jobspec: string): string {
  const { array, begin, deadline, dependencies, hold, priority } = lifecycleOf(jobspec);
  const attributes = new Attributes(jobspec);
  if (array !== null) attributes.take('rainbow', 'array');
  // Numbers of jobs in it are Rainbow's, also of those that are not heeded.
  const own = attributes.take('system', 'dependencies');
  const isAlone = (each: Json): boolean => isMap(each) && each['scheme'] === 'singleton' && dependencies.length > 0;
  const others = Array.isArray(own)
    ? (own as readonly Json[]).filter((each) => isMap(each) && each['value'] === '' && !isAlone(each))
    : [];
  if (others.length > 0) attributes.put(others, 'system', 'dependencies');
  if (others.length < 2) attributes.take('rainbow', 'anyDependency');
  if (begin !== null) attributes.take('rainbow', 'begin');
  if (deadline !== null) attributes.take('rainbow', 'slurm', 'deadline');
  if (hold) attributes.take('rainbow', 'hold');
  if (priority !== null) {
    for (const [system, key] of [
      ['slurm', 'priority'],
      ['slurm', 'nice'],
      ['flux', 'urgency'],
    ] as const) {
      if (readPriority(attributes.peek('rainbow', system, key)) !== null) attributes.take('rainbow', system, key);
    }
  }
  const { attributes: _before, ...rest } = parse(jobspec) as Record<string, unknown>;
  return toYaml({ ...rest, attributes: attributes.tree() });
}

function arrayOf(found: Json | undefined): string | null {
  if (!isMap(found) || typeof found['indices'] !== 'string') return null;
  const limit = found['limit'];
  return typeof limit === 'number' ? `${found['indices']}%${limit}` : found['indices'];
}

/** Of dependencies, in words. */
export const HEEDED_DEPENDENCIES =
  'afterok, afterany, afternotok and after of all the jobs whose numbers are given, and singleton: docs/scheduling.md says what to do instead';

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
    const text = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
    const [, on, minutes] = /^([1-9]\d{0,18})(?:\+(\d{1,6}))?$/.exec(text) ?? [];
    if (kind === 'singleton' && text === '') heeded.push({ kind, on: '' });
    else if (kind === 'after' && minutes !== undefined) heeded.push({ kind, on: on!, minutes: Number(minutes) });
    else if (kind !== undefined && kind !== 'singleton' && on !== undefined && minutes === undefined)
      heeded.push({ kind, on });
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
