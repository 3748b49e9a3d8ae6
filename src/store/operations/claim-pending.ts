/**
 * Pending jobs for one of several servers: those that no other has claimed, for a time, so that two cycles do not
 * decide the same job at once. Only a saving: a decision is written conditionally, whoever took it.
 */
import type { JobId, JobRecord, KnownQuestion } from '../store.ts';
import { idOf, jobOf, selectJobBy, type JobRow } from './job-row.ts';
import { knownText, UNKNOWN } from './read-jobs.ts';
import { all, limitOf, run, type Operation, type SqlValue } from './statement.ts';

export interface Claim {
  readonly server: string;
  /** Milliseconds. */
  readonly within: number;
}

export const UNCLAIMED = '(jobs.claimed_until IS NULL OR jobs.claimed_until <= ? OR jobs.claimed_by = ?)';

/** SQLite's; PostgreSQL has its own (postgres/pending-jobs.ts). */
export function* claimPending(
  claim: Claim,
  limit: number,
  after: { readonly priority: number; readonly id: JobId } | null,
  known: readonly KnownQuestion[],
  at: number,
): Operation<readonly JobRecord[]> {
  const key = after === null ? undefined : idOf(after.id);
  if (key === null) return [];
  const most = limitOf(limit);
  const texts = JSON.stringify(known.map(knownText));
  const page = (where: string, ...values: readonly SqlValue[]): Operation<readonly JobRow[]> =>
    all<JobRow>(
      `${selectJobBy('jobs_pending')} WHERE jobs.state = 'pending' AND jobs.waits = 0 AND ${UNKNOWN} AND ${UNCLAIMED}
       ${where} ORDER BY jobs.priority DESC, jobs.id LIMIT ?`,
      texts,
      at,
      claim.server,
      ...values,
    );
  let rows: readonly JobRow[];
  if (after === null || key === undefined) rows = yield* page('', most);
  else {
    const equal = yield* page('AND jobs.priority = ? AND jobs.id > ?', after.priority, key, most);
    const lower = equal.length < most ? yield* page('AND jobs.priority < ?', after.priority, most - equal.length) : [];
    rows = [...equal, ...lower];
  }
  for (const { id } of rows) yield* writeClaim(id, claim, at);
  return rows.map(jobOf);
}

function writeClaim(id: JobId, { server, within }: Claim, at: number): Operation<void> {
  return run('UPDATE jobs SET claimed_by = ?, claimed_until = ? WHERE id = ?', server, at + within, BigInt(id));
}
