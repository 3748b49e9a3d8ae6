/**
 * When a job that failed is tried again: which failures, how often, where, and after how long. Pure; what is decided is
 * written by the scheduler as running → pending, a new attempt under the next epoch (scheduler/retry.ts).
 * Invariant: a job that somebody canceled is never tried again, and a policy never says so: it sees failures alone.
 */
import { invalid } from '../errors.ts';
import type { Reason, ReasonCode } from './state.ts';

/** Failures that a policy can name beside exit codes and signals. */
export const RETRIED_CODES = [
  'exit',
  'signal',
  'time_limit',
  'out_of_memory',
  'node_failure',
  'preempted',
  'cannot_start',
  'cluster_lost',
  'refused',
  'native',
  'not_reported',
] as const satisfies readonly ReasonCode[];
export type RetriedCode = (typeof RETRIED_CODES)[number];

export const RETRY_PLACES = ['anywhere', 'here', 'elsewhere'] as const;
/** `here`: at the cluster where it failed; `elsewhere`: at none where it has failed. */
export type RetryPlace = (typeof RETRY_PLACES)[number];

export interface RetryPolicy {
  /** How often it is tried again; the first attempt is not counted. */
  readonly limit: number;
  /** As it is written: `exit`, `exit:N`, `signal`, `signal:N`, or another of RETRIED_CODES. */
  readonly on: readonly string[];
  readonly where: RetryPlace;
  /** Seconds before the first retry; doubles with each further one, up to MOST_DELAY. */
  readonly delay: number;
}

export const MOST_RETRIES = 1_000;
export const DEFAULT_DELAY = 10;
/** Seconds. */
export const MOST_DELAY = 600;
const MOST_CONDITIONS = 300;

/** What is meant where nothing is said: the job or its machine failed; neither its time limit nor that it cannot start. */
export const DEFAULT_RETRY_ON: readonly string[] = [
  'exit',
  'signal',
  'out_of_memory',
  'node_failure',
  'preempted',
  'cluster_lost',
];

/** Throws `invalid_input` at `place`. */
export function retryPolicy(
  given: {
    readonly limit: number;
    readonly on: readonly string[];
    readonly where: string;
    readonly delay: number | null;
  },
  place: string,
): RetryPolicy {
  const { limit } = given;
  if (!Number.isSafeInteger(limit) || limit < 0 || limit > MOST_RETRIES) {
    throw invalid(`${place}.limit`, `${limit} is not a number of retries: 0 to ${MOST_RETRIES}`);
  }
  const where = given.where === '' ? 'anywhere' : RETRY_PLACES.find((each) => each === given.where);
  if (where === undefined) {
    throw invalid(`${place}.where`, `${quoted(given.where)} is no place; use ${RETRY_PLACES.join(', ')}`);
  }
  const delay = given.delay ?? DEFAULT_DELAY;
  if (!Number.isFinite(delay) || delay < 0 || delay > 86_400) {
    throw invalid(`${place}.delay`, `${delay} is no delay: 0 to 86400 seconds`);
  }
  if (given.on.length > MOST_CONDITIONS) {
    throw invalid(`${place}.on`, `has ${given.on.length} conditions; at most ${MOST_CONDITIONS}`);
  }
  const on = given.on.length === 0 ? DEFAULT_RETRY_ON : given.on.map((word) => condition(word, `${place}.on`));
  return { limit, on: [...new Set(on)], where, delay };
}

/** `exit:1,137,node_failure`: a bare number belongs to the `exit` or `signal` before it. */
export function splitConditions(text: string): readonly string[] {
  let kind = 'exit';
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
    .map((word) => {
      if (/^\d+$/.test(word)) return `${kind}:${word}`;
      const [name = ''] = word.split(':');
      if (name === 'exit' || name === 'signal') kind = name;
      return word;
    });
}

function condition(word: string, place: string): string {
  const [, name, number] = /^(exit|signal):(\d{1,3})$/.exec(word) ?? [];
  if (name !== undefined) {
    const most = name === 'exit' ? 255 : 64;
    const value = Number(number);
    if (value >= 1 && value <= most) return `${name}:${value}`;
    throw invalid(place, `${quoted(word)}: ${name === 'exit' ? 'exit codes of failures' : 'signals'} are 1 to ${most}`);
  }
  if ((RETRIED_CODES as readonly string[]).includes(word)) return word;
  throw invalid(
    place,
    `${quoted(word)} is no failure to try again after; use exit, exit:N, signal, signal:N, ${RETRIED_CODES.slice(2).join(', ')}`,
  );
}

/** How an attempt failed. */
export interface Failure {
  readonly reason: Reason;
  readonly exitCode: number | null;
  readonly signal: number | null;
}

/** Is this a failure after which the policy tries again? An exit code is meant however the runner named the end. */
export function isRetried(policy: RetryPolicy, { reason, exitCode, signal }: Failure): boolean {
  if (policy.on.includes(reason.code)) return true;
  // A shell tells a death by signal n as exit code 128 + n: either word means it.
  if (reason.code !== 'exit' && reason.code !== 'signal') return false;
  return policy.on.includes(`exit:${exitCode}`) || policy.on.includes(`signal:${signal}`);
}

/** Seconds before the `nth` retry, from 1. */
export function retryDelay(policy: RetryPolicy, nth: number): number {
  if (policy.delay >= MOST_DELAY) return policy.delay;
  return Math.min(policy.delay * 2 ** Math.min(nth - 1, 30), MOST_DELAY);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
