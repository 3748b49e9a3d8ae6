/** When a job may run: not before, started by, ended by. Pure. */
import { invalid } from '../errors.ts';
import { isoOf } from '../iso-time.ts';

/** Milliseconds since 1970; null: not said. */
export interface Times {
  readonly beginAt: number | null;
  readonly startBefore: number | null;
  readonly deadline: number | null;
}

/** Throws `invalid_input`, in the words of the call's fields, where it could never start by then. `walltime`: seconds. */
export function checkTimes(times: Times, walltime: number | null, now: number): Times {
  const { beginAt, startBefore, deadline } = times;
  const earliest = Math.max(now, beginAt ?? now);
  if (startBefore !== null && startBefore < earliest) {
    throw invalid(
      'start_before',
      `${isoOf(startBefore)} is before it could start, ${isoOf(earliest)}; give a later time`,
    );
  }
  if (deadline !== null && deadline - (walltime ?? 0) * 1000 < earliest) {
    const needs = walltime === null ? '' : `, and its walltime is ${walltime} s`;
    throw invalid(
      'deadline',
      `${isoOf(deadline)} cannot be met: it could start at ${isoOf(earliest)} at the earliest${needs}; give a later deadline, or less time`,
    );
  }
  return times;
}
