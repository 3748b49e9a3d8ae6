/**
 * Events numbered in commit order. A sequence gives numbers in the order of asking, and a transaction that asked
 * first may commit last: a watcher who has read up to 7 would never see 6. So the number is a row, `event_counter`:
 * the last statement before COMMIT locks it, and the next transaction waits for that lock until this one has
 * committed. What is serial is one statement and the commit, not the transaction; a batch takes it once.
 * The same statement tells the other servers, who hear of it if and when it commits.
 */
import { all, type Operation, type SqlValue } from '../operations/statement.ts';
import type { PostgresStatement } from './database.ts';

/** The columns of INSERT_EVENT (operations/write-event.ts), in its order. */
const COLUMNS = {
  at: 'bigint',
  subject: 'text',
  job_id: 'bigint',
  owner: 'text',
  cluster: 'text',
  kind: 'text',
  epoch: 'bigint',
  reason_code: 'text',
  reason_message: 'text',
  detail: 'text',
  array_id: 'bigint',
} as const;

const NAMES = Object.keys(COLUMNS).join(', ');
const ARRAYS = Object.values(COLUMNS)
  .map((type, index) => `$${index + 3}::${type}[]`)
  .join(', ');

const WRITE_EVENTS = `WITH taken AS (UPDATE event_counter SET last = last + $1::bigint WHERE id = 1 RETURNING last),
  written AS (
    INSERT INTO events (seq, ${NAMES}) SELECT taken.last - $1::bigint + given.place, ${NAMES.replace(/(\w+)/g, 'given.$1')}
    FROM taken CROSS JOIN unnest(${ARRAYS}) WITH ORDINALITY AS given (${NAMES}, place)
  )
  SELECT last, pg_notify($2, 'events ' || last) FROM taken`;

/** `events`: the values of INSERT_EVENT, in order. Its row's `last` is the number of the newest. */
export function writeEvents(events: readonly (readonly SqlValue[])[], channel: string): PostgresStatement {
  const columns = Object.keys(COLUMNS).map((_, column) => events.map((event) => event[column] ?? null));
  return { sql: WRITE_EVENTS, values: [events.length, channel, ...columns] };
}

/** The newest number, from the counter: what a server that missed a notification asks. */
export function* newestEvent(): Operation<number> {
  const [row] = yield* all<{ last: number }>('SELECT last FROM event_counter WHERE id = 1');
  return row?.last ?? 0;
}
