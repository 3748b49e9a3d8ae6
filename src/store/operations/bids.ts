/** What became of bids, how clusters answer, and decisions by their time. */
import type { BidCountKind, BidOutcome, ClusterRef, DecisionFilter, PlacedDecision } from '../store.ts';
import { idOf } from './job-row.ts';
import { isRegistered } from './read-clusters.ts';
import { all, limitOf, run, type Operation, type SqlValue } from './statement.ts';

/** Once when the job starts and again when it ends; nothing where the cluster is gone. */
export function* keepBidOutcome(outcome: BidOutcome): Operation<void> {
  const job = idOf(outcome.jobId);
  if (job === null || !(yield* isRegistered(outcome.cluster))) return;
  yield* run(
    `INSERT INTO bid_outcomes (job_id, epoch, cluster_id, shape_class, decided_at, start_p50, start_p90, started_at,
       never_started, ended_at, currency, cost_bid, cost_actual)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (job_id, epoch) DO UPDATE SET started_at = excluded.started_at,
       never_started = excluded.never_started, ended_at = excluded.ended_at,
       cost_actual = excluded.cost_actual`,
    job,
    outcome.epoch,
    outcome.cluster.id,
    outcome.shapeClass,
    Math.trunc(outcome.decidedAt),
    Math.trunc(outcome.startP50),
    Math.trunc(outcome.startP90),
    Math.trunc(outcome.startedAt),
    outcome.neverStarted ? 1 : 0,
    outcome.endedAt === null ? null : Math.trunc(outcome.endedAt),
    outcome.currency,
    outcome.costBid,
    outcome.costActual,
  );
}

interface OutcomeRow {
  readonly job: string;
  readonly epoch: number;
  readonly shape_class: string;
  readonly decided_at: number;
  readonly start_p50: number;
  readonly start_p90: number;
  readonly started_at: number;
  readonly never_started: number;
  readonly ended_at: number | null;
  readonly currency: string | null;
  readonly cost_bid: number | null;
  readonly cost_actual: number | null;
}

/** Newest first. */
export function* bidOutcomes(cluster: ClusterRef, limit: number): Operation<readonly BidOutcome[]> {
  const rows = yield* all<OutcomeRow>(
    `SELECT CAST(job_id AS TEXT) AS job, epoch, shape_class, decided_at, start_p50, start_p90, started_at, never_started,
       ended_at, currency, cost_bid, cost_actual
     FROM bid_outcomes WHERE cluster_id = ? ORDER BY id DESC LIMIT ?`,
    cluster.id,
    limitOf(limit),
  );
  return rows.map((row) => ({
    jobId: row.job,
    epoch: row.epoch,
    cluster: { name: cluster.name, id: cluster.id },
    shapeClass: row.shape_class,
    decidedAt: row.decided_at,
    startP50: row.start_p50,
    startP90: row.start_p90,
    startedAt: row.started_at,
    neverStarted: row.never_started === 1,
    endedAt: row.ended_at,
    currency: row.currency,
    costBid: row.cost_bid,
    costActual: row.cost_actual,
  }));
}

/** Adds to what is there; nothing where the cluster is gone. */
export function* addBidCounts(
  cluster: ClusterRef,
  counts: Readonly<Partial<Record<BidCountKind, number>>>,
): Operation<void> {
  if (!(yield* isRegistered(cluster))) return;
  for (const [kind, count] of Object.entries(counts)) {
    yield* run(
      `INSERT INTO bid_counts (cluster_id, kind, count) VALUES (?, ?, ?)
       ON CONFLICT (cluster_id, kind) DO UPDATE SET count = bid_counts.count + excluded.count`,
      cluster.id,
      kind,
      count,
    );
  }
}

export function* bidCounts(cluster: ClusterRef): Operation<Readonly<Partial<Record<BidCountKind, number>>>> {
  const rows = yield* all<{ kind: BidCountKind; count: number }>(
    'SELECT kind, count FROM bid_counts WHERE cluster_id = ?',
    cluster.id,
  );
  return Object.fromEntries(rows.map(({ kind, count }) => [kind, count]));
}

interface DecisionRow {
  readonly id: number;
  readonly job: string;
  readonly epoch: number;
  readonly at: number;
  readonly decision: string;
  readonly job_epoch: number;
  readonly started_at: number | null;
}

/** In order of their time, a page after the other: `after` is the last one of the page before. */
export function* decisionsSince(filter: DecisionFilter): Operation<readonly PlacedDecision[]> {
  const values: SqlValue[] = [filter.after?.at ?? filter.since, filter.after?.id ?? 0, filter.until];
  if (filter.owner !== undefined) values.push(filter.owner);
  const owned =
    filter.owner === undefined ? '' : ' AND (SELECT jobs.owner FROM jobs WHERE jobs.id = decisions.job_id) = ?';
  const rows = yield* all<DecisionRow>(
    `SELECT decisions.id, CAST(decisions.job_id AS TEXT) AS job, decisions.epoch, decisions.at, decisions.decision,
       (SELECT jobs.epoch FROM jobs WHERE jobs.id = decisions.job_id) AS job_epoch,
       (SELECT jobs.started_at FROM jobs WHERE jobs.id = decisions.job_id) AS started_at
     FROM decisions INDEXED BY decisions_at
     WHERE (decisions.at, decisions.id) > (?, ?) AND decisions.at < ?${owned}
     ORDER BY decisions.at, decisions.id LIMIT ?`,
    ...values,
    limitOf(filter.limit),
  );
  return rows.map((row) => ({
    id: row.id,
    jobId: row.job,
    epoch: row.epoch,
    at: row.at,
    decision: row.decision,
    startedAt: row.epoch === row.job_epoch ? row.started_at : null,
  }));
}
