/**
 * Output: what tasks write goes to the server while they run, in order, each piece with its offset; so much and no
 * more is on the way at once. After a break it goes on from what the server acknowledged; what it has already it
 * drops. A job's end is reported after its output, so that who follows it misses nothing, but not much later.
 * What the server would not keep is not sent: output-window.ts says what is.
 */
import type { System, Timer } from '../system/system.ts';
import type { Holding } from './holding.ts';
import { entryKey } from './journal.ts';
import { describe, type Log } from './log.ts';
import { isOver, type ToServer } from './messages.ts';
import { createOutputWindow, type OutputWindow } from './output-window.ts';
import { keyText, type JobKey, type OutputPosition, type Runner } from './runners/runner.ts';

export interface OutputPump {
  connected(send: (message: ToServer) => void): void;
  disconnected(): void;
  acknowledged(key: JobKey, positions: readonly OutputPosition[]): void;
  /** Somebody follows what it writes, or nobody does any more. */
  follow(key: JobKey, follow: boolean): void;
  /** Its state changed: where it has ended, the rest is sent at once. */
  changed(key: JobKey): void;
  /** All that it wrote is with the server, or there is no point in waiting. */
  isDrained(key: JobKey): boolean;
  forget(key: JobKey): void;
  close(): void;
}

export interface OutputLimits {
  /** Bytes on the way, of one job and of all. */
  readonly jobWindow: number;
  readonly window: number;
  /** Bytes that are sent of a stream whose length the runner cannot tell. */
  readonly perStream: number;
}

export const defaultOutputLimits: OutputLimits = {
  jobWindow: 256 * 1024,
  window: 4 * 1024 * 1024,
  perStream: 64 * 1024 * 1024,
};

const TICK_MS = 100;
/** A job that writes nothing is looked at less and less often. */
const LAST_WAIT_MS = 1000;
/** How long a job's end waits for output that nobody acknowledges. */
const DRAIN_MS = 30_000;
/** Between two rounds in which the newest of a long output is sent, though nobody follows: doubles. */
const FIRST_ROUND_MS = 15_000;
const LAST_ROUND_MS = 900_000;
/** Where the server did not say what it keeps of a stream. */
const USUAL_CAP = 1024 * 1024;

interface Job {
  readonly key: JobKey;
  readonly window: OutputWindow;
  roundMs: number;
  roundAt: number;
  waitMs: number;
  nextAt: number;
  /** When it last moved, once the job has ended. */
  movedAt: number | null;
  drained: boolean;
  /** Why it could not be read last; '' : it could. */
  trouble: string;
}

export function createOutputPump(parts: {
  readonly holding: Holding;
  readonly runner: Runner;
  readonly system: System;
  readonly log: Log;
  readonly limits: OutputLimits;
  readonly drained: (key: JobKey) => void;
}): OutputPump {
  const { holding, runner, system, limits } = parts;
  const { clock } = system;
  const jobs = new Map<string, Job>();
  let send: ((message: ToServer) => void) | null = null;
  let timer: Timer | null = null;
  let ticking = false;
  let again = false;
  const followed = new Set<string>();

  const jobOf = (key: JobKey): Job => {
    const text = keyText(key);
    let job = jobs.get(text);
    if (job === undefined) {
      const { jobId, epoch } = key;
      job = {
        key: { jobId, epoch },
        window: createOutputWindow(holding.get(key)?.order.outputCap ?? USUAL_CAP, limits.perStream),
        roundMs: FIRST_ROUND_MS,
        roundAt: clock.monotonic() + FIRST_ROUND_MS,
        waitMs: TICK_MS,
        nextAt: 0,
        movedAt: null,
        drained: false,
        trouble: '',
      };
      jobs.set(text, job);
    }
    return job;
  };

  const tick = async (): Promise<void> => {
    let total = 0;
    for (const job of jobs.values()) total += job.window.onTheWay();
    for (const entry of holding.all()) {
      const { state, startedAt } = entry.report;
      if (entry.step !== 'held' || startedAt === null || (state !== 'running' && !isOver(state))) continue;
      // Forgotten while another was read.
      if (holding.get(entryKey(entry)) === null) continue;
      const job = jobOf(entryKey(entry));
      if (job.drained || clock.monotonic() < job.nextAt) continue;
      const room = Math.min(limits.jobWindow - job.window.onTheWay(), limits.window - total);
      if (isOver(state)) giveUpLate(job);
      if (room <= 0 || send === null) continue;
      try {
        total += await sendSome(job, room, isOver(state));
        job.trouble = '';
      } catch (error) {
        // The others do not wait for it.
        job.nextAt = clock.monotonic() + LAST_WAIT_MS;
        const cause = describe(error);
        if (job.trouble !== cause) {
          parts.log.warn(`job ${keyText(job.key)}: its output cannot be read now (${cause}); trying again`);
        }
        job.trouble = cause;
      }
    }
  };

  const giveUpLate = (job: Job): void => {
    job.movedAt ??= clock.monotonic();
    if (clock.monotonic() - job.movedAt < DRAIN_MS) return;
    parts.log.warn(`job ${keyText(job.key)}: the server did not take its output within ${DRAIN_MS / 1000} s`);
    drained(job);
  };

  const drained = (job: Job): void => {
    job.drained = true;
    parts.drained(job.key);
  };

  const sendSome = async (job: Job, room: number, over: boolean): Promise<number> => {
    const to = send;
    const isOpen = over || followed.has(keyText(job.key));
    if (!isOpen && clock.monotonic() >= job.roundAt) {
      job.window.beginRound();
      job.roundAt = clock.monotonic() + job.roundMs;
      job.roundMs = Math.min(job.roundMs * 2, LAST_ROUND_MS);
    }
    const read = await runner.output(job.key, job.window.positions(isOpen), room);
    const { pieces, complete } = read;
    // The stream may have broken meanwhile: then this is read again.
    if (to === null || to !== send) return 0;
    job.window.sent(pieces, read.lengths);
    const bytes = pieces.reduce((sum, { data }) => sum + data.byteLength, 0);
    if (pieces.length > 0) {
      to({ kind: 'output', key: job.key, pieces });
      job.waitMs = TICK_MS;
      job.nextAt = 0;
      return bytes;
    }
    if (over && complete && job.window.onTheWay() === 0) drained(job);
    job.waitMs = over ? TICK_MS : Math.min(job.waitMs * 2, LAST_WAIT_MS);
    job.nextAt = clock.monotonic() + job.waitMs;
    return 0;
  };

  const run = (): void => {
    if (send === null) return;
    if (ticking) {
      again = true;
      return;
    }
    ticking = true;
    tick()
      .catch((error: unknown) => parts.log.warn(`output: ${describe(error)}`))
      .finally(() => {
        ticking = false;
        const asked = again;
        again = false;
        if (asked) run();
      });
  };

  return {
    connected(to) {
      send = to;
      for (const job of jobs.values()) {
        job.window.restart();
        job.nextAt = 0;
        job.movedAt = null;
      }
      timer?.cancel();
      timer = system.timers.every(TICK_MS, run);
      run();
    },
    disconnected() {
      send = null;
      timer?.cancel();
      timer = null;
      followed.clear();
    },
    acknowledged(key, positions) {
      const job = jobs.get(keyText(key));
      if (job === undefined) return;
      for (const position of positions) job.window.acknowledged(position);
      if (job.movedAt !== null) {
        job.movedAt = clock.monotonic();
        job.nextAt = 0;
        run();
      }
    },
    follow(key, follow) {
      if (!follow) {
        followed.delete(keyText(key));
        return;
      }
      followed.add(keyText(key));
      const job = jobs.get(keyText(key));
      if (job === undefined) return;
      job.nextAt = 0;
      job.waitMs = TICK_MS;
      run();
    },
    changed(key) {
      const entry = holding.get(key);
      if (entry === null || entry.report.startedAt === null || !isOver(entry.report.state)) return;
      jobOf(key).nextAt = 0;
      run();
    },
    isDrained: (key) => jobs.get(keyText(key))?.drained ?? false,
    forget(key) {
      jobs.delete(keyText(key));
      followed.delete(keyText(key));
    },
    close() {
      send = null;
      timer?.cancel();
    },
  };
}
