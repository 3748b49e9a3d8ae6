/**
 * Every operation of the store by the name under which it travels to the engine (a thread, later a database).
 * A write runs in a transaction that it may share with other writes, under a savepoint of its own; a read runs
 * outside of it, after the writes that came before it.
 */
import { deleteCluster } from './delete-cluster.ts';
import { eventsAfter, lastEvent } from './events.ts';
import { createGroup, deleteGroup, getGroup, listGroups, updateGroup } from './groups.ts';
import { receiveJobs, requestCancel, returnExpired } from './move-jobs.ts';
import { jobsByNumbers, numberAt } from './number-jobs.ts';
import { appendOutput, cutOutput, readOutput } from './output.ts';
import { getCluster, getGraph, listClusters } from './read-clusters.ts';
import {
  countJobsByCluster,
  getAttempts,
  getDecisions,
  getJob,
  jobsAtCluster,
  listJobs,
  pendingJobs,
} from './read-jobs.ts';
import { getSetting, setSettingOnce } from './settings.ts';
import type { Operation } from './statement.ts';
import { submitJob } from './submit-job.ts';
import {
  claimInstance,
  clustersSeen,
  deleteSubsystem,
  mergeState,
  putSubsystem,
  registerCluster,
  replaceGraph,
  setService,
} from './write-clusters.ts';
import { transitionJob } from './write-transition.ts';

export const WRITES = {
  registerCluster,
  replaceGraph,
  putSubsystem,
  deleteSubsystem,
  mergeState,
  setService,
  deleteCluster,
  claimInstance,
  clustersSeen,
  createGroup,
  updateGroup,
  deleteGroup,
  submitJob,
  transitionJob,
  receiveJobs,
  returnExpired,
  requestCancel,
  numberAt,
  appendOutput,
  setSettingOnce,
} as const;

export const READS = {
  getCluster,
  listClusters,
  getGraph,
  getGroup,
  listGroups,
  getJob,
  getAttempts,
  listJobs,
  countJobsByCluster,
  pendingJobs,
  jobsAtCluster,
  jobsByNumbers,
  getDecisions,
  eventsAfter,
  lastEvent,
  readOutput,
  cutOutput,
  getSetting,
} as const;

type Operations = typeof WRITES & typeof READS;
export type OperationName = keyof Operations;
export type Arguments<N extends OperationName> = Parameters<Operations[N]>;
export type Result<N extends OperationName> = ReturnType<Operations[N]> extends Operation<infer T> ? T : never;

type AnyOperation = (...args: readonly never[]) => Operation<unknown>;

/** The operation of that name as a function of arguments that came as data. */
export function operationNamed(name: OperationName): (...args: readonly unknown[]) => Operation<unknown> {
  const operation: AnyOperation = isWrite(name)
    ? WRITES[name as keyof typeof WRITES]
    : READS[name as keyof typeof READS];
  return operation as unknown as (...args: readonly unknown[]) => Operation<unknown>;
}

export function isWrite(name: OperationName): boolean {
  return Object.hasOwn(WRITES, name);
}
