/**
 * Jobs to decide on: operations/read-jobs.ts in one seek. The order is by `-priority` and id, which only one index has,
 * so a planner cannot prefer to walk along the ids; and a page begins where the last one ended, however far that is.
 */
import { UNCLAIMED, type Claim } from '../operations/claim-pending.ts';
import { idOf, jobOf, SELECT_JOB, type JobRow } from '../operations/job-row.ts';
import { knownText } from '../operations/read-jobs.ts';
import { all, limitOf, run, type Operation, type SqlValue } from '../operations/statement.ts';
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

/** As operations/claim-pending.ts: what another server is just claiming is passed over, not waited for. */
export function* claimPending(
  claim: Claim,
  limit: number,
  after: { readonly priority: number; readonly id: JobId } | null,
  known: readonly KnownQuestion[],
  at: number,
): Operation<readonly JobRecord[]> {
  const texts = known.map(knownText) as unknown as SqlValue;
  const key = after === null ? null : idOf(after.id);
  if (after !== null && key === null) return [];
  const place = after === null || key === null ? '' : 'AND (-jobs.priority, jobs.id) > (?, ?)';
  const rows = yield* all<JobRow>(
    `${PENDING} AND ${UNCLAIMED} ${place} ${ORDER} FOR UPDATE SKIP LOCKED`,
    texts,
    at,
    claim.server,
    ...(after === null || key === null ? [] : [-after.priority, key]),
    limitOf(limit),
  );
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id) as unknown as SqlValue;
  yield* run(
    'UPDATE jobs SET claimed_by = ?, claimed_until = ? WHERE id = ANY (CAST(? AS BIGINT[]))',
    claim.server,
    at + claim.within,
    ids,
  );
  return rows.map(jobOf);
}
