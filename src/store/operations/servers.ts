/** Servers that share a database: who is alive, and letters between them. */
import type { Letter, ServerStanding } from '../server-store.ts';
import { all, run, type Operation } from './statement.ts';

/** Letters taken in one write. */
const MOST_LETTERS = 500;

/**
 * Says that it is alive, at `at`; servers and letters from before `forgotten` are deleted. Answers who has said so
 * since `alive`, by id.
 */
export function* beatServer(
  server: { readonly id: string; readonly name: string; readonly version: string },
  ages: { readonly alive: number; readonly forgotten: number },
  at: number,
): Operation<ServerStanding> {
  yield* run(
    `INSERT INTO servers (id, name, version, started_at, seen_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`,
    server.id,
    server.name,
    server.version,
    at,
    at,
  );
  // Few, and read as a whole: a server more is an event.
  const rows = yield* all<{ id: string; seen_at: number }>('SELECT id, seen_at FROM servers ORDER BY id');
  for (const { id, seen_at } of rows) {
    if (seen_at < at - ages.forgotten) yield* run('DELETE FROM servers WHERE id = ? AND seen_at = ?', id, seen_at);
  }
  yield* run('DELETE FROM letters WHERE sent_at < ?', at - ages.forgotten);
  return { now: at, alive: rows.filter(({ seen_at }) => seen_at >= at - ages.alive).map(({ id }) => id) };
}

/** `at`, where the database has no clock of its own. */
// oxlint-disable-next-line require-yield
export function* storeTime(at: number): Operation<number> {
  return at;
}

/** It stops: nothing waits for it any more. */
export function* endServer(id: string): Operation<void> {
  yield* run('DELETE FROM cluster_streams WHERE server = ?', id);
  yield* run('DELETE FROM letters WHERE receiver = ?', id);
  yield* run('DELETE FROM servers WHERE id = ?', id);
}

export function* sendLetter(receiver: string, body: string, at: number): Operation<void> {
  yield* run('INSERT INTO letters (receiver, sent_at, body) VALUES (?, ?, ?)', receiver, at, body);
}

/** Each is taken once, in the order in which they were written. */
export function* takeLetters(receiver: string): Operation<readonly Letter[]> {
  const rows = yield* all<Letter>(
    `DELETE FROM letters WHERE id IN (SELECT id FROM letters WHERE receiver = ? ORDER BY id LIMIT ${MOST_LETTERS})
     RETURNING id, body`,
    receiver,
  );
  return rows.toSorted((a, b) => a.id - b.id).map(({ id, body }) => ({ id, body }));
}
