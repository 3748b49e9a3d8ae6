/**
 * Every operation of the store by the name under which it travels to the engine (a thread, later a database).
 * A write runs in a transaction that it may share with other writes, under a savepoint of its own; a read runs
 * outside of it, after the writes that came before it.
 */
import { adoptJob } from './adopt-job.ts';
import { addBidCounts, bidCounts, bidOutcomes, decisionsSince, keepBidOutcome } from './bids.ts';
import {
  appendBlob,
  beginBlob,
  dropBlob,
  extendBlob,
  finishBlob,
  keepSmallBlobs,
  missingBlobs,
  readBlob,
} from './blobs.ts';
import { cancelingArrays, holdArray, releaseArray, requestArrayCancel, tasksToCancel } from './change-arrays.ts';
import { claimPending } from './claim-pending.ts';
import { debitedJobs } from './debited-jobs.ts';
import { deleteCluster, wasClusterDeleted } from './delete-cluster.ts';
import { getDependencies, settleDependencies, submitDependent } from './dependencies.ts';
import { eventsAfter, eventsToFollow, lastEvent } from './events.ts';
import { usedBytes } from './file-room.ts';
import { getFileSet, getJobFiles, keepCollected, keepFileSet, pruneFiles } from './file-sets.ts';
import { createGroup, deleteGroup, getGroup, listGroups, updateGroup } from './groups.ts';
import { assignedJobs, leaveJobs, leftOverJobs, receiveTheseJobs } from './left-jobs.ts';
import { receiveJobs, requestCancel, returnExpired } from './move-jobs.ts';
import { jobsByNumbers, numberAt } from './number-jobs.ts';
import { outrunJob } from './outrun-job.ts';
import { appendOutput, cutOutput, keptOutput, readOutput } from './output.ts';
import { changeReason, holdJob, overdueJobs, releaseBegun, releaseJob } from './pending-waits.ts';
import { prunedEvents, pruneJobs, wasGiven } from './prune.ts';
import { getArray, listArrays } from './read-arrays.ts';
import { getCluster, getGraph, listClusters } from './read-clusters.ts';
import {
  countJobsByCluster,
  getAttempts,
  getDecisions,
  getJob,
  getJobs,
  jobsAtCluster,
  pendingJobs,
} from './read-jobs.ts';
import { listJobs } from './list-jobs.ts';
import { unendedJobs } from './same-name.ts';
import { beatServer, endServer, sendLetter, storeTime, takeLetters } from './servers.ts';
import { getSetting, setSettingOnce } from './settings.ts';
import type { Operation } from './statement.ts';
import { claimStream, clusterStandings, getFree, keepFree, releaseStream, standingsOf } from './streams.ts';
import { submitArray } from './submit-array.ts';
import { earlierSubmit, submitJob } from './submit-job.ts';
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
import { unusedBytes } from './unused-files.ts';

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
  submitDependent,
  submitArray,
  transitionJob,
  outrunJob,
  adoptJob,
  leaveJobs,
  receiveTheseJobs,
  receiveJobs,
  returnExpired,
  requestCancel,
  changeReason,
  holdJob,
  releaseJob,
  settleDependencies,
  releaseBegun,
  requestArrayCancel,
  holdArray,
  releaseArray,
  pruneJobs,
  numberAt,
  appendOutput,
  setSettingOnce,
  keepBidOutcome,
  addBidCounts,
  beatServer,
  endServer,
  sendLetter,
  takeLetters,
  claimStream,
  releaseStream,
  keepFree,
  claimPending,
  missingBlobs,
  keepSmallBlobs,
  beginBlob,
  extendBlob,
  appendBlob,
  finishBlob,
  dropBlob,
  keepFileSet,
  keepCollected,
  pruneFiles,
} as const;

export const READS = {
  getCluster,
  wasClusterDeleted,
  listClusters,
  getGraph,
  getGroup,
  listGroups,
  getJob,
  earlierSubmit,
  getJobs,
  getAttempts,
  listJobs,
  countJobsByCluster,
  pendingJobs,
  assignedJobs,
  leftOverJobs,
  jobsAtCluster,
  debitedJobs,
  jobsByNumbers,
  getDecisions,
  getDependencies,
  unendedJobs,
  overdueJobs,
  getArray,
  listArrays,
  cancelingArrays,
  tasksToCancel,
  prunedEvents,
  wasGiven,
  eventsAfter,
  eventsToFollow,
  lastEvent,
  readOutput,
  cutOutput,
  keptOutput,
  getSetting,
  bidOutcomes,
  bidCounts,
  decisionsSince,
  clusterStandings,
  standingsOf,
  getFree,
  storeTime,
  readBlob,
  usedBytes,
  unusedBytes,
  getFileSet,
  getJobFiles,
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
