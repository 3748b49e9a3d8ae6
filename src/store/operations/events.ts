/** Events, read. They are written with the change they tell of (write-event.ts). */
import type { ReasonCode } from '../../core/job/state.ts';
import type { EventRecord, JobId } from '../store.ts';
import { idOf } from './job-row.ts';
import { prunedEvents } from './prune.ts';
import { all, limitOf, one, type Operation, type SqlValue } from './statement.ts';

interface EventRow {
  readonly seq: number;
  readonly at: number;
  readonly subject: EventRecord['subject'];
  readonly job: string | null;
  readonly array_id: string | null;
  readonly owner: string | null;
  readonly cluster: string | null;
  readonly kind: string;
  readonly epoch: number | null;
  readonly reason_code: ReasonCode | null;
  readonly reason_message: string | null;
  readonly detail: string | null;
}

export function* eventsAfter(
  seq: number,
  limit: number,
  filter: { readonly jobId?: JobId; readonly arrayId?: JobId; readonly owner?: string } = {},
): Operation<readonly EventRecord[]> {
  // A place in the index of the job or the owner, not `job_id = ?`: a planner might then walk along all events.
  let where = 'seq > ? ORDER BY seq';
  let values: readonly SqlValue[] = [seq];
  if (filter.jobId !== undefined) {
    const key = idOf(filter.jobId);
    if (key === null) return [];
    // A job has one owner, so with a job the owner is only a check; the || keeps it from choosing the index.
    const check = filter.owner === undefined ? '' : "AND owner || '' = ?";
    where = `(job_id, seq) > (?, ?) AND job_id <= ? ${check} ORDER BY job_id, seq`;
    values = [key, seq, key, ...(filter.owner === undefined ? [] : [filter.owner])];
  } else if (filter.arrayId !== undefined) {
    const key = idOf(filter.arrayId);
    if (key === null) return [];
    where = '(array_id, seq) > (?, ?) AND array_id <= ? ORDER BY events.array_id, seq';
    values = [key, seq, key];
  } else if (filter.owner !== undefined) {
    where = '(owner, seq) > (?, ?) AND owner <= ? ORDER BY owner, seq';
    values = [filter.owner, seq, filter.owner];
  }
  const rows = yield* all<EventRow>(
    `SELECT seq, at, subject, CAST(job_id AS TEXT) AS job, owner, cluster, kind, epoch, reason_code,
       reason_message, detail,
       CAST(array_id AS TEXT) AS array_id FROM events WHERE ${where} LIMIT ?`,
    ...values,
    limitOf(limit),
  );
  return rows.map((row) => ({
    seq: row.seq,
    at: row.at,
    subject: row.subject,
    jobId: row.job,
    arrayId: row.array_id,
    owner: row.owner,
    cluster: row.cluster,
    kind: row.kind,
    epoch: row.epoch,
    reason: row.reason_code === null ? null : { code: row.reason_code, message: row.reason_message ?? '' },
    detail: row.detail === null ? null : (JSON.parse(row.detail) as Record<string, unknown>),
  }));
}

/** What a follower reads: events after `seq`, and the highest number that was deleted until then. */
export function* eventsToFollow(
  seq: number,
  limit: number,
): Operation<{ readonly events: readonly EventRecord[]; readonly pruned: number }> {
  const events = yield* eventsAfter(seq, limit);
  // Afterwards: what was deleted before the events were read is among it.
  return { events, pruned: yield* prunedEvents() };
}

export function* lastEvent(): Operation<number> {
  const row = yield* one<{ seq: number | null }>('SELECT MAX(seq) AS seq FROM events');
  return row?.seq ?? 0;
}
