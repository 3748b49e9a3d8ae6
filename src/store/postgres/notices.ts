/**
 * What servers on one database tell each other, on one channel of its schema: `events NUMBER` (the newest), `output
 * INSTANCE JOB…` (who wrote output of which jobs), `standings INSTANCE`, `letters RECEIVER`. A notice only wakes: what is new is then read.
 */
import type { JobId } from '../store.ts';

/** The channel, and the name under which this store speaks on it. */
export interface Voice {
  readonly channel: string;
  readonly instance: string;
  /** The name under which letters come to this server; '' until it has one. */
  receiver: string;
}

export type Notice =
  | { readonly kind: 'events'; readonly newest: number }
  | { readonly kind: 'output'; readonly instance: string; readonly jobs: readonly JobId[] }
  /** Somebody's stream or report of what is free changed. */
  | { readonly kind: 'standings'; readonly instance: string }
  | { readonly kind: 'letters'; readonly receiver: string }
  | { readonly kind: 'self'; readonly instance: string };

/** A payload has less than 8,000 bytes, an id 19 digits. */
const JOBS_A_NOTICE = 300;

export function outputNotices(instance: string, jobs: readonly JobId[]): readonly string[] {
  const notices: string[] = [];
  for (let from = 0; from < jobs.length; from += JOBS_A_NOTICE) {
    notices.push(`output ${instance} ${jobs.slice(from, from + JOBS_A_NOTICE).join(' ')}`);
  }
  return notices;
}

export function letterNotice(receiver: string): string {
  return `letters ${receiver}`;
}

export function standingsNotice(instance: string): string {
  return `standings ${instance}`;
}

/** For oneself, to know whether one hears anything at all. */
export function selfNotice(instance: string): string {
  return `self ${instance}`;
}

/** Null for what is none of ours. */
export function readNotice(payload: string): Notice | null {
  const [kind, first = '', ...rest] = payload.split(' ');
  if (kind === 'events' && /^\d{1,16}$/.test(first)) return { kind, newest: Number(first) };
  if (kind === 'output') return { kind, instance: first, jobs: rest };
  if (kind === 'standings') return { kind, instance: first };
  if (kind === 'letters') return { kind, receiver: first };
  if (kind === 'self') return { kind, instance: first };
  return null;
}
