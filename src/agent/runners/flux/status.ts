/**
 * Every state and exception of Flux as one of ours, and how a job ended. Pure: from the record that job-list gave and
 * the stop that was asked for. What ended it is the exception of severity 0, where there was one; else its exit.
 */
import { constants as osConstants } from 'node:os';
import type { Reason } from '../../../core/job/state.ts';
import type { NativeEnd } from '../runner.ts';
import type { FluxException, FluxRecord, FluxState } from './records.ts';

export type Phase =
  | 'waiting'
  | 'running'
  /** Its tasks are gone, Flux still clears up: the end is not known yet. */
  | 'completing'
  | 'ended';

/** RFC 21. What a newer Flux says is taken for running: it is there. */
const PHASES: Readonly<Record<FluxState, Phase>> = {
  NEW: 'waiting',
  DEPEND: 'waiting',
  PRIORITY: 'waiting',
  SCHED: 'waiting',
  RUN: 'running',
  CLEANUP: 'completing',
  INACTIVE: 'ended',
  UNKNOWN: 'running',
};

export function phaseOf(state: FluxState): Phase {
  return PHASES[state];
}

/** Of a record that has ended. */
export function endOf(record: FluxRecord, stop: Reason | null): NativeEnd {
  const { exception, startedAt } = record;
  const how = startedAt === null ? NOTHING : howItExited(record.waitStatus);
  if (exception !== null && exception.severity === 0) return byException(exception, how, stop);
  if (record.result === 'TIMEOUT') return failed('time_limit', 'it ran into its time limit');
  if (record.result === 'CANCELED') return stopped(stop, how, '');
  if (record.waitStatus === null && record.result !== 'COMPLETED') {
    return failed('native', `Flux says that it failed, and nothing of how`);
  }
  return exited(how);
}

interface How {
  readonly exitCode: number | null;
  readonly signal: number | null;
}

const NOTHING: How = { exitCode: null, signal: null };

function byException({ type, note }: FluxException, how: How, stop: Reason | null): NativeEnd {
  const said = note === '' ? '' : `: ${note}`;
  switch (type) {
    case 'cancel':
      return stopped(stop, how, note);
    case 'timeout':
      return failed('time_limit', `it ran into its time limit${said}`);
    case 'node-failure':
      return failed('node_failure', `a node of it failed${said}`);
    case 'oom':
      return failed('out_of_memory', `it used more memory than there was${said}`, how);
    case 'preempt':
    case 'preempted':
      return failed('preempted', `Flux preempted it${said}`);
    case 'dependency':
      return failed('dependency', `what it depends on did not come to pass${said}`);
    case 'alloc':
      return failed('cannot_start', `Flux’s scheduler cannot ever give it what it asks for${said}`);
    case 'exec':
      return ofExec(note, how);
    default:
      return failed('native', `Flux ended it (${type})${said}`, how);
  }
}

/** The exec service's: a node that was lost, a program that is not there, a directory that cannot be entered. */
function ofExec(note: string, how: How): NativeEnd {
  if (/node failure|lost contact|lost connection|No route to host|Host is (down|unreachable)/i.test(note)) {
    return failed('node_failure', `a node of it failed: ${note}`);
  }
  if (/out of memory|oom/i.test(note)) return failed('out_of_memory', note, how);
  const missing = /start failed|No such file|Permission denied|exec error|initialize|output: /i.test(note);
  if (missing || how.exitCode === null) return failed('cannot_start', `Flux could not start it: ${note}`, how);
  return failed('native', `Flux ended it (exec): ${note}`, how);
}

function stopped(stop: Reason | null, how: How, note: string): NativeEnd {
  const said = note === '' ? '' : `: ${note}`;
  const reason = stop ?? { code: 'native', message: `somebody canceled it in Flux${said}` };
  return { outcome: reason.code === 'time_limit' ? 'failed' : 'canceled', reason, ...how };
}

function failed(code: Reason['code'], message: string, how: How = NOTHING): NativeEnd {
  return { outcome: 'failed', reason: { code, message }, exitCode: how.exitCode, signal: how.signal };
}

function howItExited(waitStatus: number | null): How {
  if (waitStatus === null) return NOTHING;
  const signal = waitStatus & 0x7f;
  const code = (waitStatus >> 8) & 0xff;
  if (signal > 0) return { exitCode: 128 + signal, signal };
  // The job's shell says 128 + signal of a task that a signal ended.
  return { exitCode: code, signal: code > 128 && code <= 128 + 64 ? code - 128 : null };
}

function exited(how: How): NativeEnd {
  const { exitCode, signal } = how;
  if (exitCode === null || exitCode === 0) {
    return { outcome: 'completed', reason: { code: 'exit', message: '' }, exitCode: 0, signal: null };
  }
  if (signal !== null) return failed('signal', signalName(signal), how);
  return failed('exit', `it exited with ${exitCode}`, how);
}

function signalName(signal: number): string {
  const known = Object.entries(osConstants.signals).find(([, number]) => number === signal);
  return known === undefined ? `signal ${signal}` : `${known[0]} (${signal})`;
}

/** Why a job waits, in words for a person; '' where Flux has not said. `held`: by the agent itself, for a moment. */
export function waitsFor(record: FluxRecord, held: boolean): string {
  if (phaseOf(record.state) !== 'waiting') return '';
  if (record.state === 'DEPEND') {
    const on = record.dependencies.length === 0 ? '' : ` on ${record.dependencies.join(', ')}`;
    return `Flux: it depends${on}`;
  }
  if (record.urgency === 0 && !held) return 'Flux: it is held (urgency 0)';
  return record.reasonPending === '' ? '' : `Flux: ${record.reasonPending}`;
}
