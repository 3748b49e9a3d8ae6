/** What a submit says of when it may run: after what, how often, not before, by when. Checked; the scheduler does it. */
import { timestampMs, type Timestamp } from '@bufbuild/protobuf/wkt';
import { readArraySpec, type ArraySpec } from '../../core/job/array-spec.ts';
import { checkTimes, type Times } from '../../core/job/times.ts';
import type { Dependency, DependencyKind } from '../../core/job/waits.ts';
import { invalid, RainbowError } from '../../core/errors.ts';
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
  [wire.DependencyKind.AFTER]: 'after',
  [wire.DependencyKind.SINGLETON]: 'singleton',
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
  for (const [i, { kind, on, minutes }] of dependencies.entries()) {
    const known = KINDS[kind];
    if (known === undefined)
      throw invalid(
        `dependencies[${i}].kind`,
        `${kind} is not known; use AFTEROK, AFTERANY, AFTERNOTOK, AFTER or SINGLETON`,
      );
    checkMinutes(known, minutes, `dependencies[${i}].minutes`);
    if (known === 'singleton') {
      await checkSingleton(parts, person, on, `dependencies[${i}]`);
      read.set(known, { kind: known, on: '' });
      continue;
    }
    const id = checkJobId(on, `dependencies[${i}].on`);
    await jobOrArrayOf(parts, person, id);
    const before = read.get(`${known} ${id}`)?.minutes ?? 0;
    const longest = Math.max(minutes, before);
    read.set(`${known} ${id}`, { kind: known, on: id, ...(longest === 0 ? {} : { minutes: longest }) });
  }
  return [...read.values()];
}

/** A year. */
const MOST_MINUTES = 527_040;

function checkMinutes(kind: DependencyKind, minutes: number, place: string): void {
  if (minutes === 0) return;
  if (kind !== 'after') throw invalid(place, `are for AFTER; ${kind} has none: leave them out`);
  if (minutes > MOST_MINUTES) throw invalid(place, `${minutes} are more than a year, ${MOST_MINUTES}; give fewer`);
}

async function checkSingleton(parts: Parts, person: Person, on: string, place: string): Promise<void> {
  if (on !== '0')
    throw invalid(`${place}.on`, `${on}: a singleton names no job, it waits for those of its own name; leave it out`);
  const most = LIMITS.besideSingleton;
  if ((await parts.store.jobs.unended(person.owner, most + 1)) <= most) return;
  throw new RainbowError(
    'resource_exhausted',
    `a singleton looks for its name among your jobs that have not ended, and you have more than ${most}; name the job before it (AFTERANY), or submit them as an array with %1`,
    { place },
  );
}

/** A singleton's tasks are of one name as well: one at a time. */
export function inTurn(array: ArraySpec | null, dependencies: readonly Dependency[]): ArraySpec | null {
  const isSingleton = dependencies.some(({ kind }) => kind === 'singleton');
  return array === null || !isSingleton ? array : { ...array, mostAtOnce: 1 };
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

/** Throws where the job could never start by then. */
export function readTimes(request: SubmitRequest, walltime: number | null, now: number): Times {
  const times = {
    beginAt: time(request.beginAt, 'begin_at'),
    startBefore: time(request.startBefore, 'start_before'),
    deadline: time(request.deadline, 'deadline'),
  };
  return checkTimes(times, walltime, now);
}

/** The year 9999 ends then. */
const LATEST = 253_402_300_799_999;

function time(at: Timestamp | undefined, place: string): number | null {
  if (at === undefined) return null;
  const ms = timestampMs(at);
  if (!Number.isFinite(ms) || ms < 0 || ms > LATEST) throw invalid(place, 'is no time between 1970 and 9999');
  return Math.trunc(ms);
}
