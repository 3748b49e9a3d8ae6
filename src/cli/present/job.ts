/** A job of the wire, for programs (JSON) and for people. */
import { isFinal, type JobState } from '../../core/job/state.ts';
import type { ArraySummary, Attempt, Job, Reason } from '../../gen/rainbow/v1/job_pb.js';
import { clean, type Paint } from '../paint.ts';
import { jobName } from '../tasks.ts';
import { busyWord, dependencyWord, lossWord, stateWord } from './words.ts';
import { agoText, durationText, isoTime, milliseconds } from './time.ts';
import { dependencyText } from '../../core/job/waits.ts';
import { sizeText } from '../../core/staging/size.ts';
import type { Column } from '../table.ts';

export interface ReasonJson {
  readonly code: string;
  readonly message: string;
}

export function reasonJson(reason: Reason | undefined): ReasonJson | null {
  return reason === undefined || reason.code === '' ? null : { code: reason.code, message: reason.message };
}

/** Times are ISO 8601, null where there is none; ids are numbers. */
export function jobJson(job: Job) {
  return {
    id: Number(job.id),
    name: job.name,
    state: stateWord(job.state),
    cluster: job.cluster === '' ? null : job.cluster,
    exitCode: job.exitCode ?? null,
    signal: job.signal ?? null,
    submittedAt: isoTime(job.submittedAt),
    assignedAt: isoTime(job.assignedAt),
    receivedAt: isoTime(job.receivedAt),
    acceptedAt: isoTime(job.acceptedAt),
    startedAt: isoTime(job.startedAt),
    endedAt: isoTime(job.endedAt),
    reason: reasonJson(job.reason),
    epoch: Number(job.epoch),
    nativeId: job.nativeId === '' ? null : job.nativeId,
    priority: job.priority,
    ask: job.ask ?? null,
    rebid: job.rebid ?? null,
    walltime: job.walltime,
    onClusterLoss: lossWord(job.onClusterLoss),
    ...handlingJson(job),
    cancelRequestedAt: isoTime(job.cancelRequestedAt),
    candidates: job.candidates,
    owner: job.owner,
    arrayId: job.arrayIndex === undefined ? null : Number(job.arrayId),
    arrayIndex: job.arrayIndex ?? null,
    array: job.array === undefined ? null : arrayJson(job.array),
    beginAt: isoTime(job.beginAt),
    startBefore: isoTime(job.startBefore),
    deadline: isoTime(job.deadline),
    held: job.held,
    waitForCluster: job.waitForCluster,
    whenBusy: busyWord(job.whenBusy),
  };
}

function arrayJson(array: ArraySummary) {
  return {
    indices: array.indices,
    tasks: array.tasks,
    mostAtOnce: array.mostAtOnce === 0 ? null : array.mostAtOnce,
    counts: Object.fromEntries(array.counts.map(({ state, tasks }) => [stateWord(state) ?? '?', tasks])),
  };
}

/** What its owner asked for beside the jobspec; null: nothing, as the server does it. */
function handlingJson(job: Job) {
  const { retry } = job;
  return {
    retry:
      retry === undefined ? null : { limit: retry.limit, on: retry.on, where: retry.where, delay: retry.delay ?? null },
    returnAfter: job.returnAfter === 0 ? null : job.returnAfter,
    outputCap: job.outputCap === '0' ? null : Number(job.outputCap),
    files: filesJson(job),
    endedBy: job.endedBy === '0' ? null : Number(job.endedBy),
    leftUntil: isoTime(job.leftUntil),
  };
}

/** What travels with it, and what came back; null: nothing does. */
function filesJson({ files }: Job) {
  if (files === undefined) return null;
  return {
    stageIn: { files: files.stageInFiles, bytes: Number(files.stageInBytes) },
    stageOut: files.stageOut,
    collected: files.collected.map(({ epoch, files: count, bytes, notes }) => ({
      attempt: Number(epoch),
      files: count,
      bytes: Number(bytes),
      notes,
    })),
  };
}

function stagedText({ files }: Job): string {
  if (files === undefined) return '';
  const { stageInFiles, stageInBytes, stageOut } = files;
  return [
    ...(stageInFiles === 0 ? [] : [`${stageInFiles} go along (${sizeText(Number(stageInBytes))})`]),
    ...(stageOut.length === 0 ? [] : [`${stageOut.map(clean).join(', ')} comes back`]),
  ].join('; ');
}

function collectedText({ files }: Job): string {
  const last = files?.collected.at(-1);
  if (last === undefined) return '';
  const count = `${last.files} ${last.files === 1 ? 'file' : 'files'}, ${sizeText(Number(last.bytes))}, of attempt ${last.epoch}`;
  return last.notes.length === 0 ? count : `${count}; not: ${last.notes.map(clean).join('; ')}`;
}

function afterText({ kind, on, minutes }: Job['dependencies'][number]): string {
  const word = dependencyWord(kind);
  return word === null ? `?:${on}` : dependencyText({ kind: word, on: on === '0' ? '' : on, minutes });
}

function retryText({ retry }: Job): string {
  if (retry === undefined) return '';
  const where = retry.where === 'anywhere' ? '' : `, ${retry.where}`;
  return `${retry.limit} times after ${retry.on.join(', ')}${where}; ${retry.delay ?? 0} s, doubling`;
}

export function attemptJson(attempt: Attempt) {
  return {
    epoch: Number(attempt.epoch),
    cluster: attempt.cluster === '' ? null : attempt.cluster,
    nativeId: attempt.nativeId === '' ? null : attempt.nativeId,
    state: stateWord(attempt.state),
    reason: reasonJson(attempt.reason),
    exitCode: attempt.exitCode ?? null,
    signal: attempt.signal ?? null,
    assignedAt: isoTime(attempt.assignedAt),
    receivedAt: isoTime(attempt.receivedAt),
    acceptedAt: isoTime(attempt.acceptedAt),
    startedAt: isoTime(attempt.startedAt),
    endedAt: isoTime(attempt.endedAt),
  };
}

/** What was found of what its image needs; null: it names none, or nobody may be asked. */
function imageJson({ imageNeeds }: Job) {
  if (imageNeeds === undefined) return null;
  const { image, source, digest, artifact, mediaType, format, sets, note } = imageNeeds;
  const listed = sets.map(({ weight, tag, description }) => ({ weight: Number(weight), tag, description }));
  return { image, source, digest, artifact, mediaType, format, sets: listed, note };
}

function imageText({ imageNeeds }: Job): string {
  if (imageNeeds === undefined) return '';
  const { image, artifact, format, sets, note } = imageNeeds;
  const needs =
    sets.length === 0
      ? note === ''
        ? 'needs nothing that is said'
        : note
      : `${sets.length} ${format} ${sets.length === 1 ? 'set' : 'sets'} of needs`;
  return `${image === '' ? '' : `${clean(image)}: `}${clean(needs)}${artifact === '' ? '' : `, ${artifact}`}`;
}

/** The record of one job, with its jobspec and attempts. */
export function jobDetailJson(job: Job) {
  const dependencies = job.dependencies.map(({ kind, on, minutes }) => ({
    kind: dependencyWord(kind),
    on: on === '0' ? null : Number(on),
    ...(minutes === 0 ? {} : { minutes }),
  }));
  return {
    ...jobJson(job),
    dependencies,
    image: imageJson(job),
    jobspec: job.jobspec,
    attempts: job.attempts.map(attemptJson),
  };
}

export function paintState(paint: Paint, state: JobState | null): string {
  switch (state) {
    case 'completed':
      return paint.green(state);
    case 'failed':
    case 'rejected':
      return paint.red(state);
    case 'canceled':
    case 'unknown':
      return paint.yellow(state);
    case 'running':
      return paint.cyan(state);
    default:
      return state ?? '?';
  }
}

export function reasonText(reason: Reason | undefined): string {
  if (reason === undefined || reason.code === '') return '';
  if (reason.message !== '') return clean(reason.message);
  // That a job has ended by its own exit is what its state and exit code say already.
  if (reason.code === 'exit') return '';
  // Beside a state that says that it was canceled.
  return clean(reason.code === 'user' ? 'by its owner or an operator' : reason.code.replaceAll('_', ' '));
}

/** In the table the state says the beginning already. */
function whyText(reason: Reason | undefined): string {
  return reasonText(reason).replace(/^no cluster that it may use can (?:ever hold it|hold it today): /, '');
}

function exitText(job: Pick<Job, 'exitCode' | 'signal'>): string {
  if (job.signal !== undefined && job.signal !== 0) {
    return job.exitCode === undefined ? `signal ${job.signal}` : `${job.exitCode} (signal ${job.signal})`;
  }
  return job.exitCode === undefined ? '' : String(job.exitCode);
}

/** The columns of `rainbow jobs`. */
export function jobColumns(paint: Paint, now: number): readonly Column<Job>[] {
  return [
    { title: 'ID', cell: jobName, align: 'right' },
    { title: 'NAME', cell: (job) => clean(job.name) },
    { title: 'STATE', cell: (job) => paintState(paint, stateWord(job.state)) },
    { title: 'CLUSTER', cell: (job) => job.cluster },
    { title: 'EXIT', cell: exitText, align: 'right' },
    { title: 'SUBMITTED', cell: (job) => agoText(job.submittedAt, now) },
    { title: 'WHY', cell: (job) => (job.array === undefined ? whyText(job.reason) : tasksText(job.array)) },
  ];
}

/** `10 tasks: 3 running, 7 pending` */
export function tasksText({ tasks, counts, mostAtOnce }: ArraySummary): string {
  const each = counts.map(({ state, tasks: some }) => `${some} ${stateWord(state) ?? '?'}`).join(', ');
  const limit = mostAtOnce === 0 ? '' : `, at most ${mostAtOnce} at once`;
  return `${tasks} ${tasks === 1 ? 'task' : 'tasks'}: ${each}${limit}`;
}

/** `job 5 completed on red: exit 0`, the one line of a job. */
export function jobLine(paint: Paint, job: Job): string {
  const state = stateWord(job.state);
  if (job.array !== undefined) return `array ${job.id} ${paintState(paint, state)}: ${tasksText(job.array)}`;
  const where = job.cluster === '' ? '' : state === 'assigned' ? ` to ${job.cluster}` : ` on ${job.cluster}`;
  const why = reasonText(job.reason);
  return `job ${jobName(job)} ${paintState(paint, state)}${where}${why === '' ? '' : `: ${why}`}`;
}

/** Everything about one job, a line each. */
export function jobText(paint: Paint, job: Job, now: number): string {
  const state = stateWord(job.state);
  const rows: [string, string][] = [
    ['id', job.id],
    ['task', job.arrayIndex === undefined ? '' : jobName(job)],
    ['tasks', job.array === undefined ? '' : `${job.array.indices} (${tasksText(job.array)})`],
    ['name', clean(job.name)],
    ['state', paintState(paint, state)],
    ['why', reasonText(job.reason)],
    ['cluster', job.cluster],
    ['native id', clean(job.nativeId)],
    ['exit', exitText(job)],
    ['submitted', isoTime(job.submittedAt) ?? ''],
    ['assigned', isoTime(job.assignedAt) ?? ''],
    ['received', isoTime(job.receivedAt) ?? ''],
    ['accepted', isoTime(job.acceptedAt) ?? ''],
    ['started', isoTime(job.startedAt) ?? ''],
    ['ended', isoTime(job.endedAt) ?? ''],
    ['ran for', ranFor(job, now)],
    ['cancel asked', isoTime(job.cancelRequestedAt) ?? ''],
    ['walltime', `${job.walltime} s`],
    ['priority', String(job.priority)],
    ['after', job.dependencies.map(afterText).join(', ')],
    ['not before', isoTime(job.beginAt) ?? ''],
    ['start before', isoTime(job.startBefore) ?? ''],
    ['deadline', isoTime(job.deadline) ?? ''],
    ['when busy', busyWord(job.whenBusy) ?? ''],
    ['candidates', job.candidates.map(clean).join(', ')],
    ['cluster loss', lossWord(job.onClusterLoss) ?? ''],
    ['image', imageText(job)],
    ['retry', retryText(job)],
    ['files', stagedText(job)],
    ['brought back', collectedText(job)],
    ['left until', isoTime(job.leftUntil) ?? ''],
    ['ended by', job.endedBy === '0' ? '' : `attempt ${job.endedBy}`],
  ];
  const lines = rows.filter(([, value]) => value !== '').map(([key, value]) => `${paint.dim(key.padEnd(13))} ${value}`);
  if (job.attempts.length > 1) {
    lines.push(paint.dim('attempts'));
    for (const attempt of job.attempts) {
      const where = attempt.cluster === '' ? '' : ` on ${attempt.cluster}`;
      const exit = exitText(attempt);
      const why = reasonText(attempt.reason) || (exit === '' ? '' : `exit ${exit}`);
      lines.push(
        `  ${attempt.epoch}: ${paintState(paint, stateWord(attempt.state))}${where}${why === '' ? '' : `: ${why}`}`,
      );
    }
  }
  return lines.join('\n');
}

function ranFor(job: Job, now: number): string {
  const state = stateWord(job.state);
  if (job.startedAt === undefined || state === null) return '';
  if (job.endedAt !== undefined) return durationText(milliseconds(job.endedAt) - milliseconds(job.startedAt));
  return isFinal(state) ? '' : durationText(now - milliseconds(job.startedAt));
}
