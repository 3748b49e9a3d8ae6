/**
 * Follows the native jobs of a batch system by one look at all of them (poll.ts), and knows what such a look can say:
 * an answer counts for what was submitted before it was asked; a scheduler that is away ends no job; `find` that was
 * answered without it is blind, and nothing is submitted until it was looked again. One job of which it cannot be taken
 * in (a file that cannot be read, a full disk) keeps no other from being followed.
 */
import { RainbowError } from '../../../core/errors.ts';
import type { System } from '../../../system/system.ts';
import { describe, type Log } from '../../log.ts';
import { createTurns, wait } from '../../wait.ts';
import { keyText, type JobKey, type NativeJob, type Order } from '../runner.ts';
import type { Accepted, BatchJob, JobTable } from './jobs.ts';
import type { Found } from './key.ts';
import { createPoll, type Pace, type Poll } from './poll.ts';

export interface Following<J, R> {
  readonly poll: Poll<R>;
  /** Runs one action at a time, a look's among them. */
  inTurn<T>(action: () => Promise<T>): Promise<T>;
  /** How often it was looked. */
  looks(): number;
  isSubmitting(job: J): boolean;
  /** The scheduler has answered a submission of it. */
  wasSubmitted(job: J): void;
  /** Nothing was seen of it: does that mean anything, and for how long? False: it may be too new to be seen. */
  isMissed(job: J, askedAt: number): boolean;
  /** What is there now, of all that was there before. Throws `unavailable` where that is not known of this job. */
  lookBeforeSubmit(key: JobKey): Promise<void>;
  /**
   * Has something come of what was submitted of it? Looks a few times after the commands have ended, for what they did
   * may show itself a little later, and is done within seconds. Throws `unavailable` while that cannot be known.
   */
  arrived(
    key: JobKey,
    isUnderWay: () => Promise<boolean>,
    isThere: (records: readonly R[]) => Promise<boolean>,
  ): Promise<boolean>;
  /** Submissions of one key are one; those of others do not wait for it. */
  submitOnce(order: Order, submit: (order: Order) => Promise<string>): Promise<string>;
  find(): Promise<readonly NativeJob[]>;
  forget(job: J): void;
}

/** A snapshot so young answers `find` too. */
const FRESH_MS = 150;
const LOOKS_AFTER = 3;
const BETWEEN_LOOKS_MS = 250;

export function createFollowing<A extends Accepted, N, R>(
  parts: {
    readonly table: JobTable<A, N>;
    /** As people call it. */
    readonly scheduler: string;
    readonly cluster: string;
    readonly pace: Pace;
    readonly log: Log;
    /** As `createPoll` has it. */
    readonly look: () => Promise<readonly R[]>;
    /** Of those records ours, by key. */
    readonly ours: (records: readonly R[]) => Promise<ReadonlyMap<string, readonly Found<R>[]>>;
    /** Native jobs of a key of which there is no directory here. */
    readonly strange: (mine: readonly Found<R>[]) => Promise<void>;
    readonly follow: (job: BatchJob<A, N>, mine: readonly Found<R>[], askedAt: number) => Promise<void>;
    /** Strangers are taken in: what is not here from now on is not ours. */
    readonly settled?: () => Promise<void>;
    readonly away?: () => void;
  },
  system: System,
): Following<BatchJob<A, N>, R> {
  type Job = BatchJob<A, N>;
  const { table, scheduler, cluster, log } = parts;
  const { clock } = system;
  const inTurn = createTurns();
  const submitting = new Map<string, Promise<string>>();
  /** Monotonic. */
  const submittedAt = new Map<string, number>();
  /** Of which the last look could not be taken in, and why. */
  const failing = new Map<string, string>();
  let isAway = false;
  let isBlind = false;
  let looks = 0;

  const takeIn = async (records: readonly R[], askedAt: number): Promise<boolean> => {
    if (isAway) log.info(`cluster ${cluster}: ${scheduler} answers again`);
    isAway = false;
    looks++;
    const byKey = await parts.ours(records);
    for (const [key, mine] of byKey) if (!table.jobs.has(key)) await onItsOwn(key, () => parts.strange(mine));
    if (![...byKey.keys()].some((key) => failing.has(key) && !table.jobs.has(key))) await parts.settled?.();
    let changed = false;
    for (const job of table.jobs.values()) {
      if (job.status.state === 'ended') continue;
      const before = job.told;
      await onItsOwn(job.text, () => parts.follow(job, byKey.get(job.text) ?? [], askedAt));
      changed ||= job.told !== before;
    }
    for (const key of failing.keys()) if (!byKey.has(key) && !table.jobs.has(key)) failing.delete(key);
    return changed;
  };

  const onItsOwn = async (key: string, action: () => Promise<void>): Promise<void> => {
    try {
      await action();
      failing.delete(key);
    } catch (error) {
      const why = describe(error);
      if (failing.get(key) !== why) log.warn(`job ${key}: what ${scheduler} says of it cannot be taken in: ${why}`);
      failing.set(key, why);
    }
  };
  const checkTakenIn = (key: JobKey): void => {
    const why = failing.get(keyText(key));
    if (why !== undefined) throw new RainbowError('unavailable', `what there is of it cannot be taken in: ${why}`);
  };

  const poll = createPoll<R>(
    {
      look: parts.look,
      pace: parts.pace,
      isNeeded: () => [...table.jobs.values()].some(({ status }) => status.state !== 'ended'),
      seen: ({ records, askedAt }) => inTurn(() => takeIn(records, askedAt)),
      away(error) {
        if (!isAway) log.warn(`cluster ${cluster}: ${describe(error)}; its jobs are as they were, asking again`);
        isAway = true;
        parts.away?.();
      },
    },
    system,
  );

  return {
    poll,
    inTurn,
    looks: () => looks,
    isSubmitting: ({ text }: Job) => submitting.has(text),
    wasSubmitted: ({ text }: Job) => void submittedAt.set(text, clock.monotonic()),
    isMissed(job, askedAt) {
      if (submitting.has(job.text) || (submittedAt.get(job.text) ?? -1) >= askedAt) return false;
      job.missing ??= { since: clock.now(), times: 0 };
      job.missing.times++;
      return true;
    },
    async lookBeforeSubmit(key) {
      const wasBlind = isBlind;
      await poll.newerThan(poll.now() - FRESH_MS);
      isBlind = false;
      checkTakenIn(key);
      if (!wasBlind) return;
      throw new RainbowError('unavailable', `${scheduler} answers again: looking for native jobs of this id first`);
    },
    async arrived(key, isUnderWay, isThere) {
      for (let look = 1; ; look++) {
        if (await isUnderWay()) {
          const message = 'an earlier submission of it still runs: waiting for what becomes of it';
          throw new RainbowError('unavailable', message);
        }
        const { records } = await poll.newerThan(poll.now());
        checkTakenIn(key);
        if (await isThere(records)) return true;
        if (look === LOOKS_AFTER) return false;
        await wait(system, BETWEEN_LOOKS_MS);
      }
    },
    submitOnce(order, submit) {
      const text = keyText(order);
      const under = submitting.get(text);
      if (under !== undefined) return under;
      const mine = submit(order).finally(() => submitting.delete(text));
      submitting.set(text, mine);
      return mine;
    },
    async find() {
      try {
        await poll.newerThan(poll.now() - FRESH_MS);
      } catch {
        isBlind = true;
      }
      return [...table.jobs.values()]
        .map((job) => table.nativeJobOf(job))
        .filter(({ nativeId, status }) => nativeId !== '' || status.state === 'ended');
    },
    forget: ({ text }: Job) => void submittedAt.delete(text),
  };
}
