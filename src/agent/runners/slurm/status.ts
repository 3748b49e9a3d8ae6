/**
 * Every state of Slurm as one of ours, and how a job ended. Pure: from the records that squeue gave, what the wrapper
 * wrote (wrapper.ts) and the stop that was asked for. The state is trusted, the code behind it only where that says
 * something (a job that timed out has exit code 0).
 */
import { constants as osConstants } from 'node:os';
import type { Reason } from '../../../core/job/state.ts';
import type { NativeEnd } from '../runner.ts';
import type { SlurmRecord } from './records.ts';
import { CANNOT_CLAIM, CLAIMED } from './wrapper.ts';

export type Phase =
  | 'waiting'
  | 'running'
  /** Its tasks are gone, Slurm still clears up: the end is not known yet. */
  | 'completing'
  | 'ended';

/** `squeue`'s long states, of 20.02 to 24.11. What a newer Slurm says is taken for running: it is there. */
const PHASES: Readonly<Record<string, Phase>> = {
  PENDING: 'waiting',
  CONFIGURING: 'waiting',
  REQUEUED: 'waiting',
  REQUEUE_FED: 'waiting',
  REQUEUE_HOLD: 'waiting',
  RESV_DEL_HOLD: 'waiting',
  SPECIAL_EXIT: 'waiting',
  POWER_UP_NODE: 'waiting',
  RUNNING: 'running',
  RESIZING: 'running',
  SIGNALING: 'running',
  STAGE_OUT: 'running',
  STOPPED: 'running',
  SUSPENDED: 'running',
  UPDATE_DB: 'running',
  EXPEDITING: 'waiting',
  COMPLETING: 'completing',
  COMPLETED: 'ended',
  FAILED: 'ended',
  CANCELLED: 'ended',
  TIMEOUT: 'ended',
  NODE_FAIL: 'ended',
  BOOT_FAIL: 'ended',
  LAUNCH_FAILED: 'ended',
  RECONFIG_FAIL: 'ended',
  PREEMPTED: 'ended',
  OUT_OF_MEMORY: 'ended',
  DEADLINE: 'ended',
  REVOKED: 'ended',
};

export const KNOWN_STATES: readonly string[] = Object.keys(PHASES);

export function phaseOf(state: string): Phase {
  return PHASES[state] ?? 'running';
}

/** Of all records of one native job (an array has many). */
export function phaseOfAll(records: readonly Pick<SlurmRecord, 'state'>[]): Phase {
  const phases = new Set(records.map(({ state }) => phaseOf(state)));
  if (phases.has('running')) return 'running';
  if (phases.has('completing')) return 'completing';
  if (phases.has('waiting')) return phases.has('ended') ? 'running' : 'waiting';
  return 'ended';
}

/** What the wrapper said of one task of the native job. */
export interface TaskEnd {
  readonly task: number;
  /** As the shell has it: 128 + signal. */
  readonly status: number;
  /** Why its program could not start; null: it did. */
  readonly cannot: string | null;
}

export interface EndFacts {
  readonly records: readonly Pick<SlurmRecord, 'state' | 'waitStatus' | 'reason' | 'restarts'>[];
  readonly tasks: readonly TaskEnd[];
  readonly stop: Reason | null;
  /** Slurm tells of a run that could not claim, because one before it had ended (see `isForgotten`). */
  readonly forgotten?: boolean;
}

/** Times of files in the spool, so of one clock: milliseconds since 1970. */
export interface RunTimes {
  /** Of the last run that claimed; 0: none. */
  readonly claimedAt: number;
  /** Of the last end that a wrapper wrote; 0: none. */
  readonly lastAt: number;
  /** When the agent was told to stop it; null: it was not. */
  readonly stopAskedAt: number | null;
}

/**
 * A controller that is killed may forget that a job ran, and start it again; the wrapper of that run finds the claim
 * taken, and leaves. Then what Slurm says is about that one, and the first run's end is what the wrapper wrote. A run
 * that was canceled itself may have left with 0 at its TERM: it is told from one before it by when its claim was made.
 */
export function isForgotten(
  records: readonly Pick<SlurmRecord, 'state' | 'waitStatus' | 'startedAt'>[],
  tasks: readonly TaskEnd[],
  { claimedAt, lastAt, stopAskedAt }: RunTimes,
): boolean {
  if (tasks.length === 0 || lastAt === 0) return false;
  return records.every(({ state, waitStatus, startedAt }) => {
    if (state === 'CANCELLED' && stopAskedAt !== null && stopAskedAt <= lastAt) return false;
    if (startedAt !== null && lastAt < startedAt) return true;
    if (state === 'CANCELLED') {
      return (startedAt === null || claimedAt < startedAt) && tasks.every(({ status }) => status === 0);
    }
    return state === 'FAILED' && exitCodeIn(waitStatus) === CLAIMED && tasks.every(({ status }) => status !== CLAIMED);
  });
}

/** Where there is no claim of it: it may have been canceled by Slurm, or its script was gone. */
export function wasNotLaunched({
  state,
  waitStatus,
  reason,
}: Pick<SlurmRecord, 'state' | 'waitStatus' | 'reason'>): boolean {
  if (state === 'CANCELLED') return true;
  const code = exitCodeIn(waitStatus);
  return state === 'FAILED' && reason === 'NonZeroExitCode' && code !== CANNOT_CLAIM && code !== CLAIMED;
}

function exitCodeIn(waitStatus: number | null): number | null {
  return waitStatus === null ? null : (waitStatus >> 8) & 0xff;
}

/** From worst to best: one state for all tasks of an array. */
const WORST = [
  'NODE_FAIL',
  'BOOT_FAIL',
  'LAUNCH_FAILED',
  'RECONFIG_FAIL',
  'OUT_OF_MEMORY',
  'TIMEOUT',
  'DEADLINE',
  'PREEMPTED',
  'REVOKED',
  'CANCELLED',
  'FAILED',
  'COMPLETED',
];

export function endOf({ records, tasks, stop, forgotten = false }: EndFacts): NativeEnd {
  const record = [...records].sort(
    (a, b) => WORST.indexOf(a.state) - WORST.indexOf(b.state) || (b.waitStatus ?? 0) - (a.waitStatus ?? 0),
  )[0];
  const how = howItExited(record?.waitStatus ?? null, tasks);
  const restarts = Math.max(0, ...records.map((each) => each.restarts));
  const again = restarts === 0 ? '' : `; Slurm had started it ${restarts + 1} times`;
  const failed = (code: Reason['code'], message: string, keep = false): NativeEnd => ({
    outcome: 'failed',
    reason: { code, message: `${message}${again}` },
    exitCode: keep ? how.exitCode : null,
    signal: keep ? how.signal : null,
  });
  const said = record?.reason ?? '';
  if (forgotten) return exited(how, again);
  switch (record?.state) {
    case 'COMPLETED':
      return exited(how, again);
    case 'FAILED':
      if (tasks.length === 0 && said === 'JobLaunchFailure' && how.signal === 9) {
        return failed('signal', `${signalName(9)}; ${OVER_MEMORY}`, true);
      }
      if (tasks.length === 0 && !OWN_FAILURES.test(said)) {
        return failed(
          'cannot_start',
          `Slurm could not start it: ${said.startsWith('RaisedSignal:53') ? NO_FILES : said}`,
        );
      }
      if (tasks.length === 0 && how.exitCode === CANNOT_CLAIM) return failed('cannot_start', NO_FILES);
      return exited(how.exitCode === null || how.exitCode === 0 ? { ...how, exitCode: how.exitCode || 1 } : how, again);
    case 'TIMEOUT':
      return failed('time_limit', 'it ran into its time limit');
    case 'OUT_OF_MEMORY':
      return failed('out_of_memory', 'it used more memory than it had asked for', how.signal !== SIG_OOM);
    case 'NODE_FAIL':
    case 'BOOT_FAIL':
      return failed(
        'node_failure',
        record.state === 'BOOT_FAIL' ? 'a node of it could not be started' : 'a node of it failed',
      );
    case 'LAUNCH_FAILED':
    case 'RECONFIG_FAIL':
      return failed('cannot_start', `Slurm could not start it (${record.state})${said === '' ? '' : `: ${said}`}`);
    case 'PREEMPTED':
      return failed('preempted', 'Slurm preempted it for a job of higher priority');
    case 'DEADLINE':
      return failed('deadline', 'it could not end before its deadline');
    case 'REVOKED':
      return failed('native', 'Slurm started it on another cluster of its federation');
    case 'CANCELLED':
      return stopped(stop, tasks.length === 0 ? { exitCode: null, signal: null } : how);
    default:
      return failed('native', `it is gone from Slurm, which says nothing of its end`);
  }
}

/** What Slurm calls a signal 53 of the batch step. */
const NO_FILES =
  'its output file or its folder cannot be used on the node: the spool (--spool) must be where all nodes see it, and the job’s user may enter';

/** No signal: what Slurm has for one where the kernel ended its batch script. */
const SIG_OOM = 125;

/** Slurm that looks at memory by itself (OverMemoryKill) kills all of the job, its wrapper too, and says no more. */
const OVER_MEMORY =
  'Slurm says JobLaunchFailure, as of a job that it killed because it used more memory than it had asked for';

/** Reasons that say no more than that the job itself failed. */
const OWN_FAILURES = /^(|NonZeroExitCode|RaisedSignal:(?!53\b).*|TimeLimit|Dependency)$/;

interface How {
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly cannot: string | null;
}

/** The wrapper knows better than the wait status: it saw the task itself. The highest of the tasks' counts. */
function howItExited(waitStatus: number | null, tasks: readonly TaskEnd[]): How {
  const worst = [...tasks].sort((a, b) => b.status - a.status)[0];
  if (worst !== undefined) {
    const { status, cannot } = worst;
    return { exitCode: status, signal: status > 128 && status <= 128 + 64 ? status - 128 : null, cannot };
  }
  if (waitStatus === null) return { exitCode: null, signal: null, cannot: null };
  const signal = waitStatus & 0x7f;
  const code = (waitStatus >> 8) & 0xff;
  if (signal > 0) return { exitCode: 128 + signal, signal, cannot: null };
  return { exitCode: code, signal: code > 128 && code <= 128 + 64 ? code - 128 : null, cannot: null };
}

function exited({ exitCode, signal, cannot }: How, again: string): NativeEnd {
  const how = { exitCode, signal };
  if (exitCode === null || exitCode === 0) {
    return {
      outcome: 'completed',
      reason: { code: 'exit', message: again.replace(/^; /, '') },
      exitCode: exitCode ?? 0,
      signal,
    };
  }
  if (cannot !== null) return { outcome: 'failed', reason: { code: 'cannot_start', message: cannot }, ...how };
  if (signal !== null) {
    return { outcome: 'failed', reason: { code: 'signal', message: `${signalName(signal)}${again}` }, ...how };
  }
  return { outcome: 'failed', reason: { code: 'exit', message: `it exited with ${exitCode}${again}` }, ...how };
}

function stopped(
  stop: Reason | null,
  { exitCode, signal }: { exitCode: number | null; signal: number | null },
): NativeEnd {
  const reason = stop ?? { code: 'native', message: 'somebody canceled it in Slurm' };
  return { outcome: reason.code === 'time_limit' ? 'failed' : 'canceled', reason, exitCode, signal };
}

function signalName(signal: number): string {
  const known = Object.entries(osConstants.signals).find(([, number]) => number === signal);
  return known === undefined ? `signal ${signal}` : `${known[0]} (${signal})`;
}

/** Why a job waits, in words for a person; '' where Slurm has not said. */
export function waitsFor(records: readonly Pick<SlurmRecord, 'state' | 'reason' | 'restarts'>[]): string {
  const waiting = records.find(({ state }) => phaseOf(state) === 'waiting');
  if (waiting === undefined) return '';
  const again = waiting.restarts > 0 ? `requeued by Slurm (${waiting.restarts} times)` : '';
  const said = waiting.reason === '' ? '' : `Slurm: ${waiting.reason}`;
  return [again, said].filter((each) => each !== '').join('; ');
}

/** Of a submission that is refused Slurm may leave a record that never was a job. */
export function wasRefused({ state, hadNodes }: Pick<SlurmRecord, 'state' | 'hadNodes'>): boolean {
  return phaseOf(state) === 'ended' && !hadNodes;
}
