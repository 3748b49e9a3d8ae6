/**
 * What a pending job waits for before anybody decides on it: a set of bits, each set and taken away by its own cause,
 * so that causes may end in any order. Nothing set: it may be decided. Pure.
 */
import type { Reason } from './state.ts';
import { isoOf } from '../iso-time.ts';

export const WAITS = {
  /** For `release`. */
  held: 1,
  /** For other jobs to end. */
  dependency: 2,
  /** For a time. */
  begin: 4,
  /** For another task of its array to end. */
  array: 8,
  /** One that it depends on has ended: somebody has to look. Beside `dependency`; the highest bit (an index asks so). */
  settle: 16,
} as const;

/** Those that an end decides. */
export const END_KINDS = ['afterok', 'afterany', 'afternotok'] as const;
export type EndKind = (typeof END_KINDS)[number];

/**
 * `after`: it has begun to run once, or ended without. `singleton`: no other job of that name and owner is before it, or
 * has been assigned.
 */
export const DEPENDENCY_KINDS = [...END_KINDS, 'after', 'singleton'] as const;
export type DependencyKind = (typeof DEPENDENCY_KINDS)[number];

export interface Dependency {
  readonly kind: DependencyKind;
  /** A job or an array: then all of its tasks. Decimal. Of `singleton` '', or the one that is in the way now. */
  readonly on: string;
  /** Of `after`, how long after that; else 0. */
  readonly minutes?: number;
}

/** `afterok:5`, `after:5+10`, `singleton`; as people write it. */
export function dependencyText({ kind, on, minutes = 0 }: Dependency): string {
  if (kind === 'singleton') return on === '' ? kind : `${kind} (job ${on} has its name)`;
  return minutes === 0 ? `${kind}:${on}` : `${kind}:${on}+${minutes}`;
}

/**
 * What an end says to a dependency: `met`, `never`, `unknown` where it decides and nobody knows how it was, or null while
 * it cannot be told.
 */
export type Verdict = 'met' | 'never' | 'unknown';

/**
 * `ended`: has all of it ended? `allCompleted`: and well, as far as it has ended? `isKnown`: false where the only ends
 * that were not well were lost with a store that was put back (restored.ts).
 */
export interface End {
  readonly ended: boolean;
  readonly allCompleted: boolean;
  readonly isKnown?: boolean;
}

/** An array that lost a task can never be ok, even while others of its tasks run. */
export function verdictOf(kind: EndKind, { ended, allCompleted, isKnown = true }: End): Verdict | null {
  if (!isKnown) {
    if (!ended) return null;
    return kind === 'afterany' ? 'met' : 'unknown';
  }
  if (kind === 'afterok' && !allCompleted) return 'never';
  if (!ended) return null;
  if (kind === 'afternotok') return allCompleted ? 'never' : 'met';
  return 'met';
}

const MOST_NAMED = 5;

/** `afterok:5, afterany:7 and 3 more` */
export function dependenciesText(dependencies: readonly Dependency[]): string {
  const named = dependencies.slice(0, MOST_NAMED).map(dependencyText);
  const more = dependencies.length - named.length;
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ');
}

/** Why a job with these bits is pending: what only a person ends comes first. Null where it waits for nothing. */
export function waitingReason(
  waits: number,
  facts: {
    readonly dependencies: readonly Dependency[];
    readonly beginAt: number | null;
    readonly mostAtOnce: number | null;
  },
): Reason | null {
  if ((waits & WAITS.held) !== 0) return { code: 'held', message: '' };
  if ((waits & WAITS.dependency) !== 0) {
    return { code: 'dependency', message: `waits for ${dependenciesText(facts.dependencies)}` };
  }
  if ((waits & WAITS.begin) !== 0) {
    return { code: 'begin', message: facts.beginAt === null ? '' : `not before ${isoOf(facts.beginAt)}` };
  }
  if ((waits & WAITS.array) !== 0) {
    return { code: 'array_limit', message: `at most ${facts.mostAtOnce ?? 1} tasks of its array at once` };
  }
  return null;
}
