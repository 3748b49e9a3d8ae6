/** Those that depend on a job or an array, marked to be looked at (dependencies.ts), in the transaction of what they wait for. */
import { all, filledUp, run, type Operation } from './statement.ts';

/** Dependents marked by one statement. */
const MARKED = 256;

/** Whose dependents: all, those that wait for its start, those of its name that came before it. */
const SOME = {
  all: '',
  after: ` AND kind = 'after'`,
  singleton: ` AND job_id < on_id AND kind = 'singleton'`,
} as const;

/** Looked up first: in one statement a planner may walk through the arrays. */
export function* markDependents(on: bigint, which: keyof typeof SOME = 'all'): Operation<void> {
  const rows = yield* all<{ id: string }>(
    `SELECT CAST(job_id AS TEXT) AS id FROM dependencies WHERE on_id = ?${SOME[which]}
     ORDER BY dependencies.on_id, dependencies.job_id`,
    on,
  );
  const ids = [...new Set(rows.map(({ id }) => BigInt(id)))];
  for (let from = 0; from < ids.length; from += MARKED) {
    const page = filledUp(ids.slice(from, from + MARKED));
    const marks = page.map(() => '?').join(', ');
    // Also those that are marked already: whoever just looks at one takes its mark away, and has not seen this.
    yield* run(
      `UPDATE jobs SET waits = waits | 16 WHERE id IN (${marks}) AND state = 'pending' AND (waits & 2) <> 0`,
      ...page,
    );
    yield* run(`UPDATE arrays SET waits = waits | 16 WHERE id IN (${marks}) AND (waits & 2) <> 0`, ...page);
  }
}
