/** operations/dependencies.ts, where others submit at the same moment. */
import { submitDependent as submitDependentHere } from '../operations/dependencies.ts';
import { one } from '../operations/statement.ts';
import type { JobRecord, NewArray, NewJob } from '../store.ts';
import type { PostgresOperation } from './database.ts';

/**
 * Singletons of one name and owner are stored one after the other: so each has a higher number than those that a look
 * can see, and none is looked at while one before it is not to be seen yet.
 */
export function* inTurn({ dependencies = [], owner, name }: NewJob | NewArray): PostgresOperation<void> {
  if (!dependencies.some(({ kind }) => kind === 'singleton')) return;
  const turn = JSON.stringify([owner, name]);
  yield* one('SELECT CAST(pg_advisory_xact_lock(hashtextextended(CAST(? AS TEXT), 0)) AS TEXT) AS taken', turn);
}

export function* submitDependent(
  job: NewJob,
): PostgresOperation<{ readonly job: JobRecord; readonly created: boolean }> {
  yield* inTurn(job);
  return yield* submitDependentHere(job);
}
