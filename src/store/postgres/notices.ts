/**
 * What servers on one database tell each other, on one channel of its schema: `events NUMBER` (the newest), `output
 * INSTANCE JOB…` (who wrote output of which jobs), `standings INSTANCE CLUSTER…`, `letters RECEIVER`. A notice only wakes: what is new is then read.
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
  /** The stream or the report of what is free of these clusters changed; null: perhaps of any. */
  | { readonly kind: 'standings'; readonly instance: string; readonly clusters: readonly number[] | null }
  | { readonly kind: 'letters'; readonly receiver: string }
  | { readonly kind: 'self'; readonly instance: string };

/** A payload has less than 8,000 bytes, an id 19 digits. */
const IDS_A_NOTICE = 300;

export function outputNotices(instance: string, jobs: readonly JobId[]): readonly string[] {
  return withIds(`output ${instance}`, jobs);
}

function withIds(what: string, ids: readonly (string | number)[]): readonly string[] {
  const notices: string[] = [];
  for (let from = 0; from < ids.length; from += IDS_A_NOTICE) {
    notices.push(`${what} ${ids.slice(from, from + IDS_A_NOTICE).join(' ')}`);
  }
  return notices;
}

export function letterNotice(receiver: string): string {
  return `letters ${receiver}`;
}

/** Without clusters: of any, as servers of earlier versions say it. */
export function standingsNotices(instance: string, clusters: readonly number[] | null): readonly string[] {
  return clusters === null ? [`standings ${instance}`] : withIds(`standings ${instance}`, clusters);
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
  if (kind === 'standings') {
    const clusters = rest.map(Number).filter((id) => Number.isSafeInteger(id));
    return { kind, instance: first, clusters: clusters.length === 0 ? null : clusters };
  }
  if (kind === 'letters') return { kind, receiver: first };
  if (kind === 'self') return { kind, instance: first };
  return null;
}
