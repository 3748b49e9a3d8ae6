/** Jobs, events and decisions on the wire; and the wire's enumerations as the core's words. */
import { readResolved } from '../../core/image/resolved.ts';
import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs, type Timestamp } from '@bufbuild/protobuf/wkt';
import { invalid } from '../../core/errors.ts';
import { isoOf } from '../../core/iso-time.ts';
import type { Handling } from '../../core/job/handling.ts';
import { JOB_STATES, type JobState, type OnClusterLoss } from '../../core/job/state.ts';
import { stateOfArray } from '../../core/job/array-state.ts';
import { WAITS, type Dependency, type DependencyKind } from '../../core/job/waits.ts';
import type { Fits, MatchReason } from '../../core/match/matcher.ts';
import type { Opening } from '../../core/match/openings.ts';
import type { ShadowChoiceSchema } from '../../gen/rainbow/v1/bid_pb.js';
import * as wire from '../../gen/rainbow/v1/job_pb.js';
import { OutputStream, type OutputChunkSchema } from '../../gen/rainbow/v1/jobs_pb.js';
import { bidToWire } from '../bids/convert.ts';
import type { CandidateResult, DecisionRecord } from '../../scheduler/scheduler.ts';
import type {
  ArrayRecord,
  AttemptRecord,
  EventRecord,
  JobFilesRecord,
  JobId,
  JobRecord,
  OutputChunk,
} from '../../store/store.ts';
import { handlingToWire } from './handling.ts';

const STATES: Readonly<Record<JobState, wire.JobState>> = {
  pending: wire.JobState.PENDING,
  assigned: wire.JobState.ASSIGNED,
  received: wire.JobState.RECEIVED,
  accepted: wire.JobState.ACCEPTED,
  running: wire.JobState.RUNNING,
  unknown: wire.JobState.UNKNOWN,
  completed: wire.JobState.COMPLETED,
  failed: wire.JobState.FAILED,
  canceled: wire.JobState.CANCELED,
  rejected: wire.JobState.REJECTED,
};

const LOSSES: Readonly<Record<OnClusterLoss, wire.OnClusterLoss>> = {
  wait: wire.OnClusterLoss.WAIT,
  requeue: wire.OnClusterLoss.REQUEUE,
  fail: wire.OnClusterLoss.FAIL,
  duplicate: wire.OnClusterLoss.DUPLICATE,
};

const FITS: Readonly<Record<Fits, wire.Fits>> = { yes: wire.Fits.YES, no: wire.Fits.NO, unknown: wire.Fits.UNKNOWN };

/** Throws `invalid_input` for a number that is no state. */
export function stateFromWire(state: wire.JobState, place: string): JobState {
  const found = JOB_STATES.find((name) => STATES[name] === state);
  if (found === undefined) throw invalid(place, `${state} is no job state; states are 1 (pending) to 10 (rejected)`);
  return found;
}

/** Unspecified is the server's default, `wait`. Throws `invalid_input` for any other unknown number. */
export function onClusterLossFromWire(value: wire.OnClusterLoss, place: string): OnClusterLoss {
  if (value === wire.OnClusterLoss.UNSPECIFIED) return 'wait';
  const found = (['wait', 'requeue', 'fail', 'duplicate'] as const).find((name) => LOSSES[name] === value);
  if (found === undefined) throw invalid(place, `${value} is not known; use WAIT, REQUEUE, FAIL or DUPLICATE`);
  return found;
}

/** What it says of bids; what is left to the server is absent. */
function wishes({ bidding }: JobRecord): { ask?: boolean; rebid?: boolean } {
  const { ask = null, rebid = null } = bidding ?? {};
  return { ...(ask === null ? {} : { ask }), ...(rebid === null ? {} : { rebid }) };
}

function shadowOf({ shadow = null }: DecisionRecord): { shadow?: MessageInitShape<typeof ShadowChoiceSchema> } {
  return shadow === null ? {} : { shadow: { policy: shadow.policy, chosen: shadow.chosen ?? '' } };
}

/** When it may begin is said also where the store, which took away what else it waited for, wrote the code alone. */
function reasonOf({ reason, beginAt }: JobRecord): { readonly code: string; readonly message: string } {
  if (reason.code !== 'begin' || reason.message !== '' || beginAt === null) return { ...reason };
  return { ...reason, message: `not before ${isoOf(beginAt)}` };
}

/** `whole`: with the jobspec and the attempts, as Get answers. */
export function jobToWire(
  job: JobRecord,
  whole?: {
    readonly attempts: readonly AttemptRecord[];
    readonly dependencies: readonly Dependency[];
    readonly collected: readonly JobFilesRecord[];
  },
): MessageInitShape<typeof wire.JobSchema> {
  return {
    id: job.id,
    name: job.name,
    owner: job.owner,
    state: STATES[job.state],
    reason: reasonOf(job),
    epoch: String(job.epoch),
    cluster: job.cluster ?? '',
    nativeId: job.nativeId ?? '',
    ...numbers(job),
    ...times({
      submittedAt: job.submittedAt,
      assignedAt: job.assignedAt,
      receivedAt: job.receivedAt,
      acceptedAt: job.acceptedAt,
      startedAt: job.startedAt,
      endedAt: job.endedAt,
      cancelRequestedAt: job.cancelRequestedAt,
      leftUntil: job.leftUntil,
    }),
    endedBy: String(job.endedBy ?? 0),
    ...handlingToWire(job.handling),
    ...filesToWire(job.handling, whole?.collected ?? []),
    priority: job.priority,
    ...promised(job),
    ...(job.array === null ? {} : { arrayId: job.array.id, arrayIndex: job.array.index }),
    held: job.state === 'pending' && (job.waits & WAITS.held) !== 0,
    ...(whole === undefined
      ? {}
      : {
          jobspec: job.jobspec,
          ...imageToWire(job.image),
          attempts: whole.attempts.map(attemptToWire),
          dependencies: whole.dependencies.map(dependencyToWire),
        }),
  };
}

/** What travels with it, and what came back. */
function filesToWire(
  { staging }: Handling,
  collected: readonly JobFilesRecord[],
): { files?: MessageInitShape<typeof wire.JobFilesSchema> } {
  if (staging === undefined) return {};
  return {
    files: {
      stageInFiles: staging.files,
      stageInBytes: String(staging.bytes),
      stageOut: [...staging.out],
      collected: collected.flatMap(({ epoch, files, bytes, notes }) =>
        epoch === 0 ? [] : [{ epoch: String(epoch), files, bytes: String(bytes), notes: [...notes] }],
      ),
    },
  };
}

function imageToWire(text: string | null): { imageNeeds?: MessageInitShape<typeof wire.ImageNeedsSchema> } {
  const resolved = readResolved(text);
  if (resolved === null) return {};
  const { image, source, digest, artifact, mediaType, note, needs } = resolved;
  const sets = (needs?.sets ?? []).map(({ weight, tag, description }) => ({
    weight: String(weight),
    tag,
    description,
  }));
  return { imageNeeds: { image, source, digest, artifact, mediaType, note, format: needs?.format ?? '', sets } };
}

const BUSY = {
  queue: wire.WhenBusy.QUEUE,
  deny: wire.WhenBusy.WAIT,
  unset: wire.WhenBusy.UNSPECIFIED,
} as const;

const KINDS: Readonly<Record<DependencyKind, wire.DependencyKind>> = {
  afterok: wire.DependencyKind.AFTEROK,
  afterany: wire.DependencyKind.AFTERANY,
  afternotok: wire.DependencyKind.AFTERNOTOK,
  after: wire.DependencyKind.AFTER,
  singleton: wire.DependencyKind.SINGLETON,
};

function dependencyToWire({ kind, on, minutes = 0 }: Dependency): MessageInitShape<typeof wire.DependencySchema> {
  return { kind: KINDS[kind], on: kind === 'singleton' ? '0' : on, minutes };
}

/** As one job: its state is what its tasks come to together. `whole`: with a task, for what all of them share. */
export function arrayToWire(
  array: ArrayRecord,
  whole?: { readonly first: JobRecord | undefined; readonly dependencies: readonly Dependency[] },
): MessageInitShape<typeof wire.JobSchema> {
  const { counts, exitCode, endedAt } = array;
  const first = whole?.first;
  const state = stateOfArray(counts);
  return {
    ...(first === undefined ? {} : { ...promised(first), jobspec: first.jobspec, ...imageToWire(first.image) }),
    ...(first === undefined ? {} : filesToWire(first.handling, [])),
    ...(whole === undefined ? {} : { dependencies: whole.dependencies.map(dependencyToWire) }),
    ...(first === undefined || state !== 'pending' ? {} : { reason: { ...first.reason } }),
    id: array.id,
    name: array.name,
    owner: array.owner,
    state: STATES[state],
    priority: array.priority,
    ...(endedAt === null || exitCode === null || exitCode < 0 ? {} : { exitCode }),
    ...times({ submittedAt: array.submittedAt, endedAt, cancelRequestedAt: array.cancelRequestedAt }),
    array: {
      indices: array.indices,
      tasks: array.tasks,
      mostAtOnce: array.mostAtOnce ?? 0,
      leastIndex: array.leastIndex,
      mostIndex: array.mostIndex,
      counts: JOB_STATES.flatMap((each) => {
        const tasks = counts[each] ?? 0;
        return tasks === 0 ? [] : [{ state: STATES[each], tasks }];
      }),
    },
  };
}

/** What was asked for at submit. */
function promised(job: JobRecord) {
  return {
    walltime: job.walltime,
    onClusterLoss: LOSSES[job.onClusterLoss],
    candidates: job.candidates.map(({ name }) => name),
    ...times({ beginAt: job.beginAt, startBefore: job.startBefore, deadline: job.deadline }),
    waitForCluster: job.later !== null,
    whenBusy: BUSY[job.overcommit ?? 'unset'],
    ...wishes(job),
  };
}

function attemptToWire(attempt: AttemptRecord): MessageInitShape<typeof wire.AttemptSchema> {
  return {
    epoch: String(attempt.epoch),
    cluster: attempt.cluster ?? '',
    nativeId: attempt.nativeId ?? '',
    state: STATES[attempt.state],
    reason: { ...attempt.reason },
    ...numbers(attempt),
    ...times({
      assignedAt: attempt.assignedAt,
      receivedAt: attempt.receivedAt,
      acceptedAt: attempt.acceptedAt,
      startedAt: attempt.startedAt,
      endedAt: attempt.endedAt,
    }),
  };
}

export function eventToWire(event: EventRecord): MessageInitShape<typeof wire.EventSchema> {
  return {
    seq: String(event.seq),
    at: timestampFromMs(event.at),
    subject: event.subject,
    jobId: event.jobId ?? '0',
    cluster: event.cluster ?? '',
    kind: event.kind,
    epoch: String(event.epoch ?? 0),
    ...(event.reason === null ? {} : { reason: { ...event.reason } }),
    ...(event.detail === null ? {} : { detail: structOf(event.detail) }),
  };
}

/** `notKept`: so many bytes from its offset on are missing. */
export function chunkToWire(chunk: OutputChunk, notKept = 0): MessageInitShape<typeof OutputChunkSchema> {
  return {
    task: chunk.task,
    stream: chunk.stream === 'stdout' ? OutputStream.STDOUT : OutputStream.STDERR,
    offset: String(chunk.offset),
    data: chunk.data,
    at: timestampFromMs(chunk.at),
    ...(notKept === 0 ? {} : { notKept: String(notKept) }),
  };
}

export function decisionToWire(
  decision: DecisionRecord,
  job: { readonly id: JobId; readonly epoch: number } | null,
): MessageInitShape<typeof wire.DecisionSchema> {
  return {
    jobId: job?.id ?? '0',
    epoch: String(job?.epoch ?? 0),
    at: timestampFromMs(decision.at),
    policy: decision.policy,
    policyOptions: { ...decision.policyOptions },
    seed: decision.seed,
    candidates: decision.candidates.map(candidateToWire),
    chosen: decision.chosen ?? '',
    reason: { ...decision.reason },
    micros: decision.micros,
    order: [...decision.order],
    notes: [...decision.notes],
    asked: decision.asked ?? false,
    waitedMs: decision.waitedMs ?? 0,
    shapeClass: decision.shapeClass ?? '',
    ...shadowOf(decision),
  };
}

/** The reasons are those of what fails first: the empty cluster, else what is free now. */
export function candidateToWire(candidate: CandidateResult): MessageInitShape<typeof wire.CandidateSchema> {
  const { satisfiable, startable } = candidate;
  const bid = bidToWire(candidate);
  return {
    cluster: candidate.cluster,
    satisfiable: FITS[satisfiable.fits],
    startable: FITS[startable.fits],
    reasons: (satisfiable.fits === 'yes' ? startable : satisfiable).reasons.map(reasonToWire),
    state: structOf(shownState(candidate.state)),
    graphVersion: String(candidate.graphVersion ?? 0),
    ...(bid === null ? {} : { bid }),
  };
}

/** What only `round-robin` looks at, and is counted anew with each start of a server, tells nobody anything. */
function shownState(state: CandidateResult['state']): CandidateResult['state'] {
  return Object.fromEntries(Object.entries(state).filter(([key]) => key !== 'rainbow_last_chosen'));
}

export function openingToWire({ relaxation, clusters }: Opening): MessageInitShape<typeof wire.OpeningSchema> {
  return { relaxation: { ...relaxation }, clusters: [...clusters] };
}

function reasonToWire(reason: MatchReason): MessageInitShape<typeof wire.MatchReasonSchema> {
  return {
    stage: reason.stage,
    vertex: reason.vertex,
    type: reason.type,
    message: reason.message,
    needed: reason.needed ?? 0,
    best: reason.best ?? 0,
    unit: reason.unit,
    ...(reason.relaxation === null ? {} : { relaxation: { ...reason.relaxation } }),
  };
}

/** As JSON: a number that JSON has not (infinite, not a number) and a big integer become text. */
export function structOf(record: Readonly<Record<string, unknown>>): JsonObject {
  const values = Object.values(record);
  if (values.every((value) => typeof value === 'string' || Number.isFinite(value))) return record as JsonObject;
  const text = JSON.stringify(record, (_key, value: unknown) =>
    (typeof value === 'number' && !Number.isFinite(value)) || typeof value === 'bigint' ? String(value) : value,
  );
  return JSON.parse(text) as JsonObject;
}

/** The times that there are. */
export function times<K extends string>(at: Readonly<Record<K, number | null>>): Partial<Record<K, Timestamp>> {
  const found: Partial<Record<K, Timestamp>> = {};
  for (const key of Object.keys(at) as K[]) {
    const ms = at[key];
    if (ms !== null) found[key] = timestampFromMs(ms);
  }
  return found;
}

function numbers(of: { readonly exitCode: number | null; readonly signal: number | null }): {
  exitCode?: number;
  signal?: number;
} {
  return {
    ...(of.exitCode === null ? {} : { exitCode: of.exitCode }),
    ...(of.signal === null ? {} : { signal: of.signal }),
  };
}
