/** Operations of which PostgreSQL has a version of its own; the conformance suite admits either. */
import { operationNamed, type OperationName } from '../operations/operations.ts';
import type { PostgresOperation } from './database.ts';
import { beatServer, sendLetter, storeTime } from '../operations/servers.ts';
import { one } from '../operations/statement.ts';
import { claimPending, pendingJobs } from './pending-jobs.ts';
import { submitArray } from './submit-array.ts';
import { submitDependent } from './submit-dependent.ts';

type AnyOperation = (...args: readonly unknown[]) => PostgresOperation<unknown>;

/** The database's clock: servers' own may differ. Milliseconds since 1970. */
export function* databaseNow(): PostgresOperation<number> {
  const row = yield* one<{ now: number }>('SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now');
  return row?.now ?? 0;
}

/** The same, with the time of the database as its last argument. */
function byDatabaseClock(operation: AnyOperation): AnyOperation {
  return function* (...args) {
    return yield* operation(...args.slice(0, -1), yield* databaseNow());
  };
}

const OWN: ReadonlyMap<OperationName, AnyOperation> = new Map([
  ['pendingJobs', pendingJobs as unknown as AnyOperation] as const,
  ['storeTime', byDatabaseClock(storeTime as unknown as AnyOperation)] as const,
  ['beatServer', byDatabaseClock(beatServer as unknown as AnyOperation)] as const,
  ['sendLetter', byDatabaseClock(sendLetter as unknown as AnyOperation)] as const,
  ['claimPending', byDatabaseClock(claimPending as unknown as AnyOperation)] as const,
  ['submitArray', submitArray as unknown as AnyOperation] as const,
  ['submitDependent', submitDependent as unknown as AnyOperation] as const,
]);

export function postgresOperation(name: OperationName): AnyOperation {
  return OWN.get(name) ?? operationNamed(name);
}
