/** What an agent says of a job, from the wire, checked: no field of it can harm the store or the state table. */
import { timestampMs, type Timestamp } from '@bufbuild/protobuf/wkt';
import { invalid } from '../../core/errors.ts';
import { REASON_CODES, type Reason, type ReasonCode } from '../../core/job/state.ts';
import { JobState } from '../../gen/rainbow/v1/job_pb.js';
import type { JobReport as WireReport } from '../../gen/rainbow/v1/agent_pb.js';
import type { JobId } from '../../store/store.ts';

/** `pending`: the native scheduler refused it, or it was withdrawn: take it back. */
export type ReportedState = 'pending' | 'received' | 'accepted' | 'running' | 'completed' | 'failed' | 'canceled';

export interface Report {
  readonly jobId: JobId;
  readonly epoch: number;
  readonly state: ReportedState;
  readonly reason: Reason;
  /** '' where the agent gave none. */
  readonly nativeId: string;
  readonly acceptedAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly exitCode: number | null;
  readonly signal: number | null;
}

const STATES: Partial<Record<JobState, ReportedState>> = {
  [JobState.PENDING]: 'pending',
  [JobState.RECEIVED]: 'received',
  [JobState.ACCEPTED]: 'accepted',
  [JobState.RUNNING]: 'running',
  [JobState.COMPLETED]: 'completed',
  [JobState.FAILED]: 'failed',
  [JobState.CANCELED]: 'canceled',
};

const ID = /^[1-9][0-9]{0,18}$/;
const MOST_MESSAGE = 2_000;
const MOST_NATIVE_ID = 256;
const MOST_CODE = 64;
/** An agent's clock may be ahead of ours by this much; a later time is taken as now. */
const MOST_AHEAD_MS = 24 * 3600 * 1000;

export function isFinalReport(state: ReportedState): boolean {
  return state === 'completed' || state === 'failed' || state === 'canceled';
}

/** Throws `invalid_input` with the place where it cannot be a report. */
export function readReport(report: WireReport, place: string, now: number): Report {
  const state = STATES[report.state];
  if (state === undefined) {
    throw invalid(
      `${place}.state`,
      `an agent reports received, accepted, running, completed, failed, canceled or pending, not ${report.state}`,
    );
  }
  return {
    jobId: readJobId(report.jobId, `${place}.job_id`),
    epoch: readEpoch(report.epoch, `${place}.epoch`),
    state,
    reason: readReason(report, state),
    nativeId: kept(report.nativeId, MOST_NATIVE_ID),
    acceptedAt: readTime(report.acceptedAt, now),
    startedAt: readTime(report.startedAt, now),
    endedAt: readTime(report.endedAt, now),
    exitCode: report.exitCode ?? null,
    signal: report.signal ?? null,
  };
}

export function readJobId(id: string, place: string): JobId {
  if (!ID.test(id)) throw invalid(place, `${JSON.stringify(id.slice(0, 40))} is no job id`);
  return id;
}

export function readEpoch(epoch: string, place: string): number {
  const value = Number(epoch);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw invalid(place, `${JSON.stringify(epoch.slice(0, 40))} is no epoch: epochs are whole numbers from 1`);
  }
  return value;
}

function readReason(report: WireReport, state: ReportedState): Reason {
  const message = kept(report.reason?.message ?? '', MOST_MESSAGE);
  const given = kept(report.reason?.code ?? '', MOST_CODE);
  const known = REASON_CODES.find((code) => code === given);
  if (known !== undefined) return { code: known, message };
  const usual = usualReason(report, state);
  return { code: usual, message: given === '' ? message : `${given}: ${message}` };
}

/** A report that a store refused would come again for ever: not every store can keep a NUL. */
export function kept(text: string, most: number): string {
  return text.slice(0, most).replaceAll('\0', '\uFFFD');
}

function usualReason(report: WireReport, state: ReportedState): ReasonCode {
  switch (state) {
    case 'pending':
      return 'refused';
    case 'received':
      return 'leased';
    case 'accepted':
      return 'in_native_queue';
    case 'running':
      return 'started';
    case 'completed':
      return 'exit';
    case 'failed':
      if (report.signal !== undefined) return 'signal';
      return report.exitCode === undefined ? 'native' : 'exit';
    default:
      return 'native'; // canceled, and not by us
  }
}

function readTime(time: Timestamp | undefined, now: number): number | null {
  if (time === undefined) return null;
  const ms = timestampMs(time);
  if (!Number.isFinite(ms) || ms <= 0) return null;
  return ms > now + MOST_AHEAD_MS ? now : Math.trunc(ms);
}
