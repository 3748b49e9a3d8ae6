/**
 * What a submit's dependencies come to: those that have ended already are decided here and now; the others are stored,
 * and the store tells when they end (store/operations/tell-end.ts). What a start or a name decides (`after`, `singleton`)
 * is always stored: the store looks at it as soon as it has it.
 */
import { RainbowError } from '../core/errors.ts';
import { toldBy, type DependedOn } from '../core/job/depended-on.ts';
import type { Dependency } from '../core/job/waits.ts';
import type { ArrayRecord, JobRecord, Store } from '../store/store.ts';

export interface Resolved {
  /** Not known yet. */
  readonly open: readonly Dependency[];
  /** Why the job can never start; null: it still can. */
  readonly never: string | null;
}

/** Throws `not_found` where one is gone. Whose they are is the caller's to check. */
export async function resolveDependencies(
  store: Pick<Store, 'jobs' | 'arrays'>,
  dependencies: readonly Dependency[],
): Promise<Resolved> {
  const open: Dependency[] = [];
  for (const dependency of dependencies) {
    const { kind, on } = dependency;
    if (kind === 'singleton') {
      open.push(dependency);
      continue;
    }
    const found = (await store.jobs.get(on)) ?? (await store.arrays.get(on));
    if (found === null) throw new RainbowError('not_found', `there is no job ${on} to depend on`);
    if (kind === 'after') {
      open.push(dependency);
      continue;
    }
    const { verdict, never } = toldBy({ kind, on }, dependedOn(found));
    // How it ended is not known: it is stored, and held for a person by the store's own look.
    if (verdict === null || verdict === 'unknown') open.push(dependency);
    if (never !== null) return { open, never };
  }
  return { open, never: null };
}

function dependedOn(found: JobRecord | ArrayRecord): DependedOn {
  if ('counts' in found) return { counts: found.counts, ended: found.endedAt !== null };
  return { state: found.state, reason: found.reason.code };
}
