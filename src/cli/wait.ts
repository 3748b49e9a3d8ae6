/** Waiting: for time to pass, for a job to end. Ends early, without error, when the caller is stopped. */
import { RainbowError } from '../core/errors.ts';
import { isFinal, JOB_STATES, type JobState } from '../core/job/state.ts';
import type { RainbowClient } from '../client/client.ts';
import type { Event, Job } from '../gen/rainbow/v1/job_pb.js';
import { Stopped } from './exit.ts';
import type { Invocation } from './invocation.ts';
import type { Io } from './io.ts';
import { startProgress } from './progress.ts';
import type { TimeLimit } from './time-limit.ts';

/** Resolves after `ms`, or as soon as the caller is stopped. */
export function passed(io: Pick<Io, 'signal' | 'system'>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (io.signal.aborted) return resolve();
    const end = (): void => {
      timer.cancel();
      io.signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = io.system.timers.after(ms, end);
    io.signal.addEventListener('abort', end);
  });
}

/** Longest pause between two tries to reach the server again. */
const LONGEST_PAUSE_MS = 5_000;

/**
 * Follows something over breaks of the connection. `follow` goes on from where it was, calls `came` with everything that
 * comes, and resolves to whether that was all (false: the server ended it, as one does that stops and comes back). What
 * is not `unavailable` is thrown, and Stopped when `signal` aborts.
 */
export async function overBreaks(
  { io, say }: Invocation,
  signal: AbortSignal,
  follow: (came: () => void) => Promise<boolean>,
): Promise<void> {
  let pause = 0;
  const came = (): void => {
    if (pause > 0) say('connected again');
    pause = 0;
  };
  for (;;) {
    try {
      if (await follow(came)) return;
    } catch (error) {
      if (signal.aborted) throw new Stopped();
      if (!(error instanceof RainbowError) || error.code !== 'unavailable') throw error;
      if (pause === 0) say(`${error.message}; trying again until Ctrl-C`);
    }
    if (signal.aborted) throw new Stopped();
    pause = Math.min(LONGEST_PAUSE_MS, Math.max(200, pause * 2));
    await passed({ system: io.system, signal }, pause);
    if (signal.aborted) throw new Stopped();
  }
}

export interface Following {
  readonly jobId: string;
  readonly afterSeq: string;
  /** Instead: only what happens from now on. */
  readonly fromNow?: boolean;
  /** Has the server answered already? Else one that cannot be reached at first is an error at once. */
  readonly isReached?: boolean;
  readonly limit?: TimeLimit | undefined;
}

/**
 * Events from `afterSeq` on, following; a broken connection is made again and nothing is missed, because events are
 * numbered in commit order. `onEvent` returns true to end. Throws Stopped when the caller is stopped, and
 * `deadline_exceeded` when the limit is over.
 */
export async function followEvents(
  invocation: Invocation,
  client: RainbowClient,
  ask: Following,
  onEvent: (event: Event) => boolean | Promise<boolean>,
): Promise<void> {
  const { io } = invocation;
  const { limit } = ask;
  const signal = limit === undefined ? io.signal : AbortSignal.any([io.signal, limit.signal]);
  let after = ask.afterSeq;
  try {
    if (ask.isReached !== true) await client.server.getInfo({}, { signal });
    await overBreaks(invocation, signal, async (came) => {
      // Once something has come, from there on: what happened while the connection was broken is told as well.
      const fromNow = ask.fromNow === true && after === ask.afterSeq;
      const request = { jobId: ask.jobId, afterSeq: after, follow: true, fromNow };
      for await (const { events } of client.jobs.watchEventBatches(request, { signal })) {
        came();
        for (const event of events) {
          after = event.seq;
          if (await onEvent(event)) return true;
        }
      }
      return false;
    });
  } catch (error) {
    if (io.signal.aborted) throw new Stopped();
    if (limit?.signal.aborted !== true) throw error;
    throw new RainbowError(
      'deadline_exceeded',
      `job ${ask.jobId} has not ended within ${limit.text}; it goes on; wait longer with: rainbow job wait ${ask.jobId}`,
    );
  }
}

/** Follows a job to its end, showing its state on a terminal. Throws Stopped when the caller is stopped: the job goes on. */
export async function waitForEnd(
  invocation: Invocation,
  client: RainbowClient,
  id: string,
  how: Pick<Following, 'isReached' | 'limit'> = {},
): Promise<Job> {
  const progress = startProgress(invocation, `job ${id}`);
  try {
    const signal =
      how.limit === undefined ? invocation.io.signal : AbortSignal.any([invocation.io.signal, how.limit.signal]);
    // One that is over may have no events of its own: a task of an array that was rejected as a whole.
    const now = await client.jobs.get({ id }, { signal }).catch((error: unknown) => {
      if (how.isReached === true && error instanceof RainbowError && error.code === 'unavailable') return null;
      if (signal.aborted) return null;
      throw error;
    });
    if (now !== null && now.endedAt !== undefined) return now;
    await followEvents(invocation, client, { jobId: id, afterSeq: '0', ...how }, (event) => {
      const state = JOB_STATES.find((known): known is JobState => known === event.kind);
      // Of an array the tasks' events come, too; it has ended when it says so itself.
      if (state === undefined || event.jobId !== id) return false;
      progress.set(`job ${id} ${state}${event.cluster === '' ? '' : ` on ${event.cluster}`}`);
      return isFinal(state);
    });
    return await client.jobs.get({ id }, { signal: invocation.io.signal });
  } finally {
    progress.end();
  }
}

/** `exitCode` of the command that waited: 0 for a completed job, else 1; or the job's own, where that is asked for. */
export function waitedExitCode(
  job: Pick<Job, 'exitCode' | 'signal'>,
  state: JobState | null,
  propagate: boolean,
): number {
  if (!propagate) return state === 'completed' ? 0 : 1;
  if (job.signal !== undefined && job.signal > 0) return 128 + job.signal;
  return job.exitCode ?? (state === 'completed' ? 0 : 1);
}
