/**
 * One event, in the transaction of the change it tells of. Numbers grow in commit order: in SQLite since writers are
 * serial; PostgreSQL's driver keeps the events of a transaction back and writes them last (postgres/write-events.ts).
 */
import type { Reason } from '../../core/job/state.ts';
import type { EventRecord, JobRecord } from '../store.ts';
import { idOf } from './job-row.ts';
import { run, type Operation } from './statement.ts';

export const INSERT_EVENT = `INSERT INTO events
  (at, subject, job_id, owner, cluster, kind, epoch, reason_code, reason_message, detail, array_id)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export function* writeEvent(event: Omit<EventRecord, 'seq'>): Operation<void> {
  yield* run(
    INSERT_EVENT,
    event.at,
    event.subject,
    event.jobId === null ? null : idOf(event.jobId),
    event.owner,
    event.cluster,
    event.kind,
    event.epoch,
    event.reason?.code ?? null,
    event.reason?.message ?? null,
    event.detail === null ? null : JSON.stringify(event.detail),
    event.arrayId === null ? null : idOf(event.arrayId),
  );
}

/** `cluster` is the one concerned: where the job is, or which it left. */
export function writeJobEvent(
  job: Pick<JobRecord, 'id' | 'owner' | 'epoch'> & { readonly array: { readonly id: string } | null },
  kind: string,
  cluster: string | null,
  reason: Reason,
  at: number,
  detail: Readonly<Record<string, unknown>> | null = null,
): Operation<void> {
  return writeEvent({
    at,
    subject: 'job',
    jobId: job.id,
    owner: job.owner,
    cluster,
    kind,
    epoch: job.epoch,
    reason,
    detail,
    arrayId: job.array?.id ?? null,
  });
}

/** Of an array as a whole. */
export function writeArrayEvent(
  array: { readonly id: string; readonly owner: string },
  kind: string,
  reason: Reason,
  at: number,
  detail: Readonly<Record<string, unknown>> | null = null,
): Operation<void> {
  return writeEvent({
    at,
    subject: 'job',
    jobId: array.id,
    arrayId: array.id,
    owner: array.owner,
    cluster: null,
    kind,
    epoch: null,
    reason,
    detail,
  });
}

export function writeClusterEvent(
  cluster: string,
  kind: string,
  at: number,
  detail: Readonly<Record<string, unknown>> | null = null,
): Operation<void> {
  return writeEvent({
    at,
    subject: 'cluster',
    jobId: null,
    arrayId: null,
    owner: null,
    cluster,
    kind,
    epoch: null,
    reason: null,
    detail,
  });
}
