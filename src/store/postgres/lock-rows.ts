/**
 * What a batch will need, locked and read at its beginning: in one order for everybody, so that two servers' batches
 * seldom wait for each other, and in one statement for each table instead of one for each call.
 */
import { isFinal } from '../../core/job/state.ts';
import { SELECT_JOB } from '../operations/job-row.ts';
import type { Arguments, OperationName } from '../operations/operations.ts';
import { idOf } from '../operations/job-row.ts';
import type { Row } from '../operations/statement.ts';
import type { ClusterRef, NewJob, TransitionResult } from '../store.ts';
import { findEarlier, jobsByKey, type JobsByKey } from './submit-jobs.ts';
import type { LockedRows, Transaction } from './transaction.ts';

interface Call {
  readonly name: OperationName;
  readonly args: readonly unknown[];
}

const LOCK_JOBS = `${SELECT_JOB} WHERE jobs.id = ANY($1::bigint[]) ORDER BY jobs.id FOR UPDATE`;
const HOLD_CLUSTERS = 'SELECT id, name FROM clusters WHERE id = ANY($1::bigint[]) ORDER BY id FOR KEY SHARE';
const LOCK_CLUSTERS = 'SELECT 1 AS found FROM clusters WHERE name = ANY($1::text[]) ORDER BY name FOR NO KEY UPDATE';

/** Of a call: the job that it changes, the cluster that it changes, the cluster that it sends a job to. */
function needsOf({ name, args }: Call): {
  job?: string;
  clusters?: readonly string[];
  destination?: ClusterRef | undefined;
} {
  switch (name) {
    case 'submitJob': {
      const [{ outcome }] = args as Arguments<'submitJob'>;
      return outcome.state === 'assigned' ? { destination: outcome.cluster } : {};
    }
    case 'transitionJob': {
      const [{ id, to, cluster }] = args as Arguments<'transitionJob'>;
      return { job: id, destination: to === 'assigned' ? cluster : undefined };
    }
    case 'outrunJob':
      return { job: (args as Arguments<'outrunJob'>)[0].id };
    case 'adoptJob': {
      const [{ id, cluster }] = args as Arguments<'adoptJob'>;
      return { job: id, destination: cluster };
    }
    case 'keepBidOutcome':
      return { destination: (args as Arguments<'keepBidOutcome'>)[0].cluster };
    case 'addBidCounts':
      return { destination: args[0] as ClusterRef };
    case 'requestCancel':
    case 'changeReason':
    case 'holdJob':
    case 'releaseJob':
      return { job: args[0] as string };
    case 'clustersSeen':
      return { clusters: args[0] as readonly string[] };
    case 'claimInstance':
    case 'claimStream':
    case 'numberAt':
      return { clusters: [(args[0] as ClusterRef).name] };
    case 'mergeState':
    case 'setService':
    case 'replaceGraph':
    case 'putSubsystem':
    case 'deleteSubsystem':
      return { clusters: [args[0] as string] };
    default:
      return {};
  }
}

function keyOf({ id, name }: ClusterRef): string {
  return `${id} ${name}`;
}

const CHANGES_OTHERS: ReadonlySet<OperationName> = new Set([
  'receiveJobs',
  'receiveTheseJobs',
  'claimPending',
  'leaveJobs',
  'returnExpired',
  'registerCluster',
  'deleteCluster',
  'submitDependent',
  'submitArray',
  'settleDependencies',
  'releaseBegun',
  'holdArray',
  'releaseArray',
  'adoptJob',
  'pruneJobs',
]);

/** Calls after which what was read at the beginning may no longer be so. */
export function changesLockedRows(name: OperationName): boolean {
  return CHANGES_OTHERS.has(name);
}

/** The same, by what came of it: an end lets the next task of its array go; it, a start and a return mark those that depend on it. */
export function hasChangedOthers(name: OperationName, value: unknown): boolean {
  if (name !== 'transitionJob' && name !== 'outrunJob') return false;
  const { done, job } = value as TransitionResult;
  if (!done) return false;
  if (isFinal(job.state) || job.state === 'pending') return job.array !== null || job.dependedOn;
  return job.state === 'running' && job.dependedOn;
}

/** Answers the jobs that are stored already under the keys of these submits. */
export async function lockRows(
  transaction: Pick<Transaction, 'query' | 'know'>,
  calls: readonly Call[],
): Promise<JobsByKey> {
  // 1. What they need.
  const jobs = new Set<bigint>();
  const changed = new Set<string>();
  const destinations = new Map<string, ClusterRef>();
  for (const call of calls) {
    const { job, clusters, destination } = needsOf(call);
    const key = job === undefined ? null : idOf(job);
    if (key !== null) jobs.add(key);
    for (const name of clusters ?? []) changed.add(name);
    if (destination !== undefined) destinations.set(keyOf(destination), destination);
  }

  // 2. Clusters before jobs, as whoever deletes a cluster does.
  const submits = calls.flatMap(({ name, args }) => (name === 'submitJob' ? [args[0] as NewJob] : []));
  const keys = findEarlier(submits);
  const [, held, locked, earlier] = await Promise.all([
    changed.size > 1 ? transaction.query({ sql: LOCK_CLUSTERS, values: [[...changed]] }) : [],
    destinations.size > 0
      ? transaction.query({ sql: HOLD_CLUSTERS, values: [[...destinations.values()].map(({ id }) => id)] })
      : [],
    jobs.size > 0 ? transaction.query({ sql: LOCK_JOBS, values: [[...jobs]] }) : [],
    keys === null ? [] : transaction.query(keys),
  ]);
  transaction.know(rowsByKey(held, [...destinations.keys()], locked, jobs));
  return jobsByKey(earlier);
}

function rowsByKey(
  held: readonly Row[],
  destinations: readonly string[],
  locked: readonly Row[],
  jobs: ReadonlySet<bigint>,
): LockedRows {
  const rows: LockedRows = { jobs: new Map(), clusters: new Map() };
  for (const key of destinations) rows.clusters.set(key, null);
  for (const row of held) rows.clusters.set(keyOf({ id: Number(row['id']), name: String(row['name']) }), row);
  for (const key of jobs) rows.jobs.set(String(key), null);
  for (const row of locked) rows.jobs.set(String(row['id']), row);
  return rows;
}
