/**
 * What Flux says of its jobs, read: lines of `flux job list` and `flux job list-inactive` (one JSON object each, all
 * jobs in one call). Pure. Recorded from flux-core 0.88.0; fields that another version lacks are null.
 */
import { jobIdOf } from './id.ts';

export interface FluxRecord {
  /** As people write it: `ƒ3YVHZ2f`. */
  readonly id: string;
  readonly name: string;
  /** RFC 21; a number of job-list's: `STATES`. */
  readonly state: FluxState;
  readonly urgency: number;
  /** Higher first; 0 is held. */
  readonly priority: number;
  readonly queue: string;
  /** Milliseconds since 1970; null: not (yet). */
  readonly submittedAt: number | null;
  readonly startedAt: number | null;
  readonly cleanupAt: number | null;
  readonly endedAt: number | null;
  readonly result: FluxResult | null;
  /** As wait(2) has it: exit code in the upper byte, signal in the lower; null: not known. */
  readonly waitStatus: number | null;
  /** The one that ended it, else the most severe. */
  readonly exception: FluxException | null;
  /** Scheduler's words on why it waits; '' where it says none. */
  readonly reasonPending: string;
  /** Milliseconds since 1970; only some queue policies give it. */
  readonly expectedStart: number | null;
  /** Of those that it waits for, as `flux jobs` shows them. */
  readonly dependencies: readonly string[];
  readonly nodes: string;
  /** 0: Flux does not say. */
  readonly cores: number;
  readonly nodeCount: number;
  /** Seconds; 0: without a limit. */
  readonly duration: number;
}

export interface FluxException {
  readonly type: string;
  /** 0 ends the job. */
  readonly severity: number;
  readonly note: string;
}

export type FluxState = 'NEW' | 'DEPEND' | 'PRIORITY' | 'SCHED' | 'RUN' | 'CLEANUP' | 'INACTIVE' | 'UNKNOWN';
export type FluxResult = 'COMPLETED' | 'FAILED' | 'CANCELED' | 'TIMEOUT';

const STATES: Readonly<Record<number, FluxState>> = {
  1: 'NEW',
  2: 'DEPEND',
  4: 'PRIORITY',
  8: 'SCHED',
  16: 'RUN',
  32: 'CLEANUP',
  64: 'INACTIVE',
};
const RESULTS: Readonly<Record<number, FluxResult>> = { 1: 'COMPLETED', 2: 'FAILED', 4: 'CANCELED', 8: 'TIMEOUT' };

/** Lines that do not read are left out: one strange job must not hide the others. */
export function readJobList(text: string): readonly FluxRecord[] {
  return text.split('\n').flatMap((line) => {
    // The id has 64 bits, more than a number of JavaScript's can hold.
    const id = /"id": ?(\d{1,20})[,}]/.exec(line)?.[1];
    if (id === undefined) return [];
    let job: Record<string, unknown>;
    try {
      job = JSON.parse(line) as Record<string, unknown>;
    } catch {
      return [];
    }
    const annotations = mapOf(mapOf(job['annotations'])['sched']);
    const hasException = job['exception_occurred'] === true;
    return [
      {
        id: jobIdOf(id),
        name: textOf(job['name']),
        state: STATES[numberOf(job['state']) ?? 0] ?? 'UNKNOWN',
        urgency: numberOf(job['urgency']) ?? 16,
        priority: numberOf(job['priority']) ?? 0,
        queue: textOf(job['queue']),
        submittedAt: timeOf(job['t_submit']),
        startedAt: timeOf(job['t_run']),
        cleanupAt: timeOf(job['t_cleanup']),
        endedAt: timeOf(job['t_inactive']),
        result: RESULTS[numberOf(job['result']) ?? 0] ?? null,
        waitStatus: numberOf(job['waitstatus']),
        exception: hasException
          ? {
              type: textOf(job['exception_type']),
              severity: numberOf(job['exception_severity']) ?? 0,
              note: textOf(job['exception_note']),
            }
          : null,
        reasonPending: textOf(annotations['reason_pending']),
        expectedStart: timeOf(annotations['t_estimate']),
        dependencies: Array.isArray(job['dependencies']) ? job['dependencies'].map(String) : [],
        nodes: textOf(job['nodelist']),
        cores: numberOf(job['ncores']) ?? 0,
        nodeCount: numberOf(job['nnodes']) ?? 0,
        duration: numberOf(job['duration']) ?? 0,
      },
    ];
  });
}

function mapOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** Seconds with a fraction; 0 is none. */
function timeOf(value: unknown): number | null {
  const seconds = numberOf(value);
  return seconds === null || seconds <= 0 ? null : Math.round(seconds * 1000);
}
