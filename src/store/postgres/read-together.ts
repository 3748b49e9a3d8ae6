/**
 * Reads that wait together share a snapshot: whatever an operation reads in several statements was true at one
 * moment. They are sent one behind the other without waiting, and each is answered as soon as it is done.
 */
import type { Database } from './database.ts';
import { errorOf, stateOf } from './failure.ts';
import type { Call, Outcome } from './group-commit.ts';
import { postgresOperation } from './own-operations.ts';

const BEGIN = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';
/** SQLSTATE of a statement in a transaction that another one has made fail. */
const FAILED_BY_ANOTHER = '25P02';

export async function runReads<C extends Call>(
  database: Database,
  calls: readonly C[],
  answer: (call: C, outcome: Outcome) => void,
): Promise<void> {
  const begun = database.command(BEGIN);
  begun.catch(() => undefined);
  const again: C[] = [];
  const run = async (call: C): Promise<void> => {
    try {
      answer(call, { value: await database.run(postgresOperation(call.name)(...call.args)) });
    } catch (error) {
      if (stateOf(error) === FAILED_BY_ANOTHER && calls.length > 1) again.push(call);
      else answer(call, { error: errorOf(error) });
    }
  };
  await Promise.all(calls.map(run));
  // Ends it either way; the next BEGIN goes out behind it.
  database.command('COMMIT').catch(() => undefined);
  for (const call of again) await runReads(database, [call], answer);
}
