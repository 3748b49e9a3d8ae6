/**
 * Jobs to decide on: operations/read-jobs.ts in one seek. The order is by `-priority` and id, which only one index has,
 * so a planner cannot prefer to walk along the ids; and a page begins where the last one ended, however far that is.
 */
import { idOf, jobOf, SELECT_JOB, type JobRow } from '../operations/job-row.ts';
import { knownText } from '../operations/read-jobs.ts';
import { all, limitOf, type Operation, type SqlValue } from '../operations/statement.ts';
import type { JobId, JobRecord, KnownQuestion } from '../store.ts';

const PENDING = `${SELECT_JOB} WHERE jobs.state = 'pending' AND jobs.waits = 0
  AND (jobs.question IS NULL
    OR jobs.question || ' ' || jobs.reason_code || ' ' || jobs.reason_message <> ALL (CAST(? AS TEXT[])))`;
const ORDER = 'ORDER BY -jobs.priority, jobs.id LIMIT ?';

export function* pendingJobs(
  limit: number,
  after: { readonly priority: number; readonly id: JobId } | null = null,
  known: readonly KnownQuestion[] = [],
): Operation<readonly JobRecord[]> {
  // The driver takes lists where the operations' own statements have none.
  const texts = known.map(knownText) as unknown as SqlValue;
  if (after === null) return (yield* all<JobRow>(`${PENDING} ${ORDER}`, texts, limitOf(limit))).map(jobOf);
  const key = idOf(after.id);
  if (key === null) return [];
  const rows = yield* all<JobRow>(
    `${PENDING} AND (-jobs.priority, jobs.id) > (?, ?) ${ORDER}`,
    texts,
    -after.priority,
    key,
    limitOf(limit),
  );
  return rows.map(jobOf);
}
