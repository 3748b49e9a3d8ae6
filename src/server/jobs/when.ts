/** What a submit says of when it may run: after what, how often, not before, by when. Checked; the scheduler does it. */
import { timestampMs, type Timestamp } from '@bufbuild/protobuf/wkt';
import { readArraySpec, type ArraySpec } from '../../core/job/array-spec.ts';
import type { Dependency, DependencyKind } from '../../core/job/waits.ts';
import { invalid } from '../../core/errors.ts';
import { isoOf } from '../../core/iso-time.ts';
import * as wire from '../../gen/rainbow/v1/job_pb.js';
import type { SubmitRequest } from '../../gen/rainbow/v1/jobs_pb.js';
import type { Person } from '../authenticate.ts';
import { checkJobId } from '../input.ts';
import { LIMITS } from '../limits.ts';
import type { Parts } from '../parts.ts';
import { jobOrArrayOf } from './own.ts';

const KINDS: Readonly<Record<number, DependencyKind>> = {
  [wire.DependencyKind.UNSPECIFIED]: 'afterok',
  [wire.DependencyKind.AFTEROK]: 'afterok',
  [wire.DependencyKind.AFTERANY]: 'afterany',
  [wire.DependencyKind.AFTERNOTOK]: 'afternotok',
};

/** Own ones only: another's job is not found. */
export async function readDependencies(
  parts: Parts,
  person: Person,
  dependencies: readonly wire.Dependency[],
): Promise<readonly Dependency[]> {
  if (dependencies.length > LIMITS.dependencies) {
    throw invalid(
      'dependencies',
      `are ${dependencies.length}; at most ${LIMITS.dependencies}: to wait for more, submit them as an array and depend on that`,
    );
  }
  const read = new Map<string, Dependency>();
  for (const [i, { kind, on }] of dependencies.entries()) {
    const known = KINDS[kind];
    if (known === undefined)
      throw invalid(`dependencies[${i}].kind`, `${kind} is not known; use AFTEROK, AFTERANY or AFTERNOTOK`);
    const id = checkJobId(on, `dependencies[${i}].on`);
    await jobOrArrayOf(parts, person, id);
    read.set(`${known} ${id}`, { kind: known, on: id });
  }
  return [...read.values()];
}

/** Null: no array. */
export function readArray(text: string): ArraySpec | null {
  return text === '' ? null : readArraySpec(text, 'array', LIMITS.arrayTasks);
}

export function whenBusyFromWire(value: wire.WhenBusy, place: string): 'queue' | 'deny' | null {
  if (value === wire.WhenBusy.UNSPECIFIED) return null;
  if (value === wire.WhenBusy.QUEUE) return 'queue';
  if (value === wire.WhenBusy.WAIT) return 'deny';
  throw invalid(place, `${String(value)} is not known; use QUEUE or WAIT`);
}

interface Times {
  readonly beginAt: number | null;
  readonly startBefore: number | null;
  readonly deadline: number | null;
}

/** Throws where the job could never start by then. */
export function readTimes(request: SubmitRequest, walltime: number | null, now: number): Times {
  const beginAt = time(request.beginAt, 'begin_at');
  const startBefore = time(request.startBefore, 'start_before');
  const deadline = time(request.deadline, 'deadline');
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
  return { beginAt, startBefore, deadline };
}

/** The year 9999 ends then. */
const LATEST = 253_402_300_799_999;

function time(at: Timestamp | undefined, place: string): number | null {
  if (at === undefined) return null;
  const ms = timestampMs(at);
  if (!Number.isFinite(ms) || ms < 0 || ms > LATEST) throw invalid(place, 'is no time between 1970 and 9999');
  return Math.trunc(ms);
}
