/**
 * Jobs to decide on: operations/read-jobs.ts in one seek. The order is by `-priority` and id, which only one index has,
 * so a planner cannot prefer to walk along the ids; and a page begins where the last one ended, however far that is.
 */
import { idOf, jobOf, SELECT_JOB, type JobRow } from '../operations/job-row.ts';
import { all, limitOf, type Operation } from '../operations/statement.ts';
import type { JobId, JobRecord } from '../store.ts';

const PENDING = `${SELECT_JOB} WHERE jobs.state = 'pending' AND jobs.waits = 0`;
const ORDER = 'ORDER BY -jobs.priority, jobs.id LIMIT ?';

export function* pendingJobs(
  limit: number,
  after?: { readonly priority: number; readonly id: JobId },
): Operation<readonly JobRecord[]> {
  if (after === undefined) return (yield* all<JobRow>(`${PENDING} ${ORDER}`, limitOf(limit))).map(jobOf);
  const key = idOf(after.id);
  if (key === null) return [];
  const rows = yield* all<JobRow>(
    `${PENDING} AND (-jobs.priority, jobs.id) > (?, ?) ${ORDER}`,
    -after.priority,
    key,
    limitOf(limit),
  );
  return rows.map(jobOf);
}
