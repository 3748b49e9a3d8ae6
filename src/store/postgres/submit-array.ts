/** operations/submit-array.ts in PostgreSQL's words. */
import { submitArrayIn, type ArraySubmitted, type ArrayWords } from '../operations/submit-array.ts';
import { one, type SqlValue } from '../operations/statement.ts';
import type { NewArray } from '../store.ts';
import type { PostgresOperation } from './database.ts';
import { inTurn } from './submit-dependent.ts';

const POSTGRES: ArrayWords = {
  *takeId() {
    const row = yield* one<{ id: string }>(
      `SELECT CAST(nextval(CAST(pg_get_serial_sequence('jobs', 'id') AS regclass)) AS TEXT) AS id`,
    );
    return (row as { id: string }).id;
  },
  given: 'unnest(CAST(? AS BIGINT[])) WITH ORDINALITY AS given (value, place)',
  index: 'given.value',
  place: 'given.place',
  // The driver takes lists where the operations' own statements have none.
  values: (indices) => indices as unknown as SqlValue,
};

export function* submitArray(array: NewArray): PostgresOperation<ArraySubmitted> {
  yield* inTurn(array);
  return yield* submitArrayIn(POSTGRES, array);
}
