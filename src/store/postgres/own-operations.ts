/** Operations of which PostgreSQL has a version of its own; the conformance suite admits either. */
import { operationNamed, type OperationName } from '../operations/operations.ts';
import type { PostgresOperation } from './database.ts';
import { pendingJobs } from './pending-jobs.ts';
import { submitArray } from './submit-array.ts';

type AnyOperation = (...args: readonly unknown[]) => PostgresOperation<unknown>;

const OWN: ReadonlyMap<OperationName, AnyOperation> = new Map([
  ['pendingJobs', pendingJobs as unknown as AnyOperation] as const,
  ['submitArray', submitArray as unknown as AnyOperation] as const,
]);

export function postgresOperation(name: OperationName): AnyOperation {
  return OWN.get(name) ?? operationNamed(name);
}
