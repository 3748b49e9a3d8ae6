/**
 * What unended jobs take of a cluster, as a server reads it when it starts: of each job the few columns that say so,
 * packed, since there may be a million of them. Texts that many share (jobspecs, what their images need) travel once.
 */
import { DEBITED_STATES, type JobState, type ReasonCode } from '../../core/job/state.ts';
import type { BiddingChoice, ClusterRef, DebitedJob } from '../store.ts';
import { shared } from './job-row.ts';
import { all, type Operation } from './statement.ts';

/** Id, epoch, state, reason's code, priority, walltime, start, allocation, bidding, and places in `texts`; image -1: none. */
type PackedJob = readonly [
  string,
  number,
  JobState,
  ReasonCode,
  number,
  number,
  number | null,
  string | null,
  string | null,
  number,
  number,
];

export interface PackedJobs {
  readonly texts: readonly string[];
  readonly jobs: readonly PackedJob[];
}

interface Row {
  readonly id: string;
  readonly epoch: number;
  readonly state: JobState;
  readonly reason_code: ReasonCode;
  readonly priority: number;
  readonly walltime: number;
  readonly started_at: number | null;
  readonly allocation: string | null;
  readonly bidding: string | null;
  readonly jobspec: string;
  readonly image: string | null;
}

const SELECT_DEBITED = `SELECT CAST(jobs.id AS TEXT) AS id, jobs.epoch, jobs.state, jobs.reason_code, jobs.priority,
    jobs.walltime, jobs.started_at, job_documents.allocation, job_documents.bidding, ${shared('jobspec')}, ${shared('image')}
  FROM jobs JOIN job_documents ON job_documents.job_id = jobs.id
  WHERE jobs.cluster = ? AND jobs.state IN (${DEBITED_STATES.map((state) => `'${state}'`).join(', ')}) AND jobs.cluster_id = ?`;

/** In no order. */
export function* debitedJobs(cluster: ClusterRef): Operation<PackedJobs> {
  const rows = yield* all<Row>(SELECT_DEBITED, cluster.name, cluster.id);
  const texts: string[] = [];
  const places = new Map<string, number>();
  const placeOf = (text: string | null): number => {
    if (text === null) return -1;
    const known = places.get(text);
    if (known !== undefined) return known;
    places.set(text, texts.length);
    return texts.push(text) - 1;
  };
  const jobs = rows.map((row): PackedJob => [
    row.id,
    row.epoch,
    row.state,
    row.reason_code,
    row.priority,
    row.walltime,
    row.started_at,
    row.allocation,
    row.bidding,
    placeOf(row.jobspec),
    placeOf(row.image),
  ]);
  return { texts, jobs };
}

export function unpackJobs(cluster: ClusterRef, { texts, jobs }: PackedJobs): readonly DebitedJob[] {
  return jobs.map(([id, epoch, state, code, priority, walltime, startedAt, allocation, bidding, jobspec, image]) => ({
    id,
    epoch,
    state,
    reason: { code },
    cluster: cluster.name,
    priority,
    walltime,
    startedAt,
    allocation,
    bidding: bidding === null ? null : (JSON.parse(bidding) as BiddingChoice),
    jobspec: texts[jobspec] ?? '',
    image: texts[image] ?? null,
  }));
}
