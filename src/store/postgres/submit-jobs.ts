/**
 * Submits that wait together, in one statement for all of them: operations/submit-job.ts for many at once. What they
 * need to know is read at the beginning of the batch, with everything else (lock-rows.ts). What
 * one of them is refused for is its own outcome. A key that another transaction is just writing makes the insert
 * fail; the caller then runs each by itself, and the second finds what the first has stored.
 */
import type { RainbowError } from '../../core/errors.ts';
import { jobOf, SELECT_JOB, type JobRow } from '../operations/job-row.ts';
import { isRegistered } from '../operations/read-clusters.ts';
import type { Row, SqlValue } from '../operations/statement.ts';
import {
  biddingText,
  candidatesOf,
  clusterGone,
  handlingText,
  laterText,
  storedJob,
  whenValues,
  writeBirth,
  type Stored,
} from '../operations/submit-job.ts';
import type { JobRecord, NewJob } from '../store.ts';
import type { PostgresOperation, PostgresStatement } from './database.ts';

export type Submitted = { readonly value: Stored } | { readonly error: RainbowError };

interface Placed {
  readonly place: number;
  readonly job: NewJob;
}

const EARLIER = `${SELECT_JOB.replace('SELECT ', 'SELECT wanted.key, ')}
  JOIN unnest($1::text[], $2::text[]) AS wanted (owner, key)
    ON wanted.owner = jobs.owner AND wanted.key = jobs.idempotency_key
  WHERE jobs.idempotency_key IS NOT NULL`;

/** What is inserted of each, and its type; in the order of `valuesOf`. */
const GIVEN = {
  name: 'text',
  owner: 'text',
  idempotency_key: 'text',
  priority: 'bigint',
  walltime: 'float8',
  on_cluster_loss: 'text',
  submitted_at: 'bigint',
  state: 'text',
  reason_code: 'text',
  reason_message: 'text',
  cluster: 'text',
  cluster_id: 'bigint',
  assigned_at: 'bigint',
  ended_at: 'bigint',
  waits: 'bigint',
  begin_at: 'bigint',
  start_before: 'bigint',
  deadline: 'bigint',
  start_by: 'bigint',
  overcommit: 'text',
  question: 'text',
  jobspec: 'text',
  candidates: 'text',
  policy: 'text',
  policy_options: 'text',
  handling: 'text',
  allocation: 'text',
  later: 'text',
  bidding: 'text',
  image: 'text',
  decision: 'text',
} as const;

const JOB_COLUMNS = Object.keys(GIVEN).slice(0, 21).join(', ');
const DOCUMENT_COLUMNS = Object.keys(GIVEN).slice(21, 30).join(', ');

// Keys are inserted in one order by everybody, or two batches could wait for each other.
const INSERT = `WITH given AS MATERIALIZED (
    SELECT nextval((SELECT pg_get_serial_sequence('jobs', 'id')::regclass)) AS id, rows.*
    FROM unnest(${Object.values(GIVEN)
      .map((type, index) => `$${index + 1}::${type}[]`)
      .join(', ')}) WITH ORDINALITY AS rows (${Object.keys(GIVEN).join(', ')}, place)
  ), job AS (
    INSERT INTO jobs (id, epoch, ${JOB_COLUMNS}) SELECT id, 1, ${JOB_COLUMNS} FROM given
    ORDER BY idempotency_key IS NULL, owner, idempotency_key, place
  ), document AS (
    INSERT INTO job_documents (job_id, ${DOCUMENT_COLUMNS}) SELECT id, ${DOCUMENT_COLUMNS} FROM given
  ), decided AS (
    INSERT INTO decisions (job_id, epoch, at, decision) SELECT id, 1, submitted_at, decision FROM given
    WHERE decision IS NOT NULL ORDER BY place
  )
  SELECT CAST(id AS TEXT) AS id FROM given ORDER BY place`;

/** Jobs by owner and key, as far as they are known. */
export type JobsByKey = Map<string, JobRecord>;

/** `stored`: the earlier jobs under these keys; those of this call are added. */
export function* submitJobs(jobs: readonly NewJob[], stored: JobsByKey): PostgresOperation<readonly Submitted[]> {
  const outcomes: Submitted[] = [];

  // 1. Repeated submits are answered with what the first one stored; the others go where they are sent. The first of
  //    two with one key in this batch is stored.
  const placed: Placed[] = [];
  const first = new Set<string>();
  const repeats: { readonly place: number; readonly key: string }[] = [];
  for (const [place, job] of jobs.entries()) {
    const key = keyOf(job);
    const known = key === null ? undefined : stored.get(key);
    if (known !== undefined) {
      outcomes[place] = { value: { job: known, created: false } };
      continue;
    }
    if (key !== null && first.has(key)) {
      repeats.push({ place, key });
      continue;
    }
    const destination = job.outcome.state === 'assigned' ? job.outcome.cluster : null;
    if (destination !== null && !(yield* isRegistered(destination))) {
      outcomes[place] = { error: clusterGone(destination) };
      continue;
    }
    if (key !== null) first.add(key);
    placed.push({ place, job });
  }

  // 2. All of it at once; ids are given in the order of asking.
  if (placed.length > 0) {
    const values = placed.map(({ job }) => valuesOf(job));
    const ids = yield* rowsOf<{ id: string }>({
      sql: INSERT,
      values: Object.keys(GIVEN).map((_, column) => values.map((row) => row[column] ?? null)),
    });
    for (const [index, { place, job }] of placed.entries()) {
      const { id } = ids[index] as { id: string };
      yield* writeBirth(job, id);
      outcomes[place] = { value: { id, created: true } };
      const key = keyOf(job);
      if (key !== null) stored.set(key, storedJob(job, id));
    }
  }
  for (const { place, key } of repeats) {
    outcomes[place] = { value: { job: stored.get(key) as JobRecord, created: false } };
  }
  return outcomes;
}

function keyOf({ owner, idempotencyKey }: NewJob): string | null {
  return idempotencyKey === null ? null : JSON.stringify([owner, idempotencyKey]);
}

/** The statement that finds what is stored under the keys of these; null where none has one. */
export function findEarlier(jobs: readonly NewJob[]): PostgresStatement | null {
  const keyed = jobs.filter(({ idempotencyKey }) => idempotencyKey !== null);
  if (keyed.length === 0) return null;
  return { sql: EARLIER, values: [keyed.map(({ owner }) => owner), keyed.map(({ idempotencyKey }) => idempotencyKey)] };
}

/** Its rows. */
export function jobsByKey(rows: readonly Row[]): JobsByKey {
  const found = rows as unknown as readonly (JobRow & { readonly key: string })[];
  return new Map(found.map((row) => [JSON.stringify([row.owner, row.key]), jobOf(row)]));
}

function valuesOf(job: NewJob): readonly SqlValue[] {
  const { outcome, at } = job;
  const assigned = outcome.state === 'assigned' ? outcome : null;
  return [
    job.name,
    job.owner,
    job.idempotencyKey,
    job.priority,
    job.walltime,
    job.onClusterLoss,
    at,
    outcome.state,
    outcome.reason.code,
    outcome.reason.message,
    assigned?.cluster.name ?? null,
    assigned?.cluster.id ?? null,
    assigned === null ? null : at,
    outcome.state === 'rejected' || outcome.state === 'canceled' ? at : null,
    ...whenValues(job),
    job.jobspec,
    JSON.stringify(candidatesOf(job)),
    job.policy,
    JSON.stringify(job.policyOptions),
    handlingText(job),
    assigned?.allocation ?? null,
    laterText(job),
    biddingText(job),
    job.image ?? null,
    job.decision,
  ];
}

function* rowsOf<R>(statement: PostgresStatement): PostgresOperation<readonly R[]> {
  return (yield statement) as unknown as readonly R[];
}
