/**
 * Clusters that gave a job back, from its stored attempts, so that a restart forgets none. Such a cluster is not
 * asked again for that job until a time that doubles with each return; one that refused counts as having said no.
 * Pure.
 */
import type { AttemptRecord } from '../store/store.ts';

export interface Refusals {
  /** Not to be chosen now, and why. */
  readonly excluded: ReadonlyMap<string, string>;
  /** Clusters whose native scheduler refused it, how often, and with which last words. */
  readonly refused: ReadonlyMap<string, { readonly times: number; readonly message: string }>;
}

export const noRefusals: Refusals = { excluded: new Map(), refused: new Map() };

/** Doublings of the back-off at most: with 30 s, an hour and four minutes. */
const MOST_DOUBLINGS = 7;

export function readRefusals(attempts: readonly AttemptRecord[], now: number, backoffSeconds: number): Refusals {
  const times = new Map<string, number>();
  const duplicated = new Set<string>();
  const excluded = new Map<string, string>();
  const refused = new Map<string, { readonly times: number; readonly message: string }>();
  for (const { cluster, reason, endedAt } of attempts) {
    if (cluster === null || endedAt === null) continue;
    if (reason.code === 'duplicated') duplicated.add(cluster);
    // It was moved away from there: not back at once.
    if (reason.code === 'moved') {
      if (endedAt + backoffSeconds * 1000 > now) excluded.set(cluster, 'it has just moved away from there');
      continue;
    }
    if (reason.code !== 'refused' && reason.code !== 'not_held' && reason.code !== 'left') continue;
    const count = (times.get(cluster) ?? 0) + 1;
    times.set(cluster, count);
    if (reason.code === 'refused') {
      refused.set(cluster, { times: (refused.get(cluster)?.times ?? 0) + 1, message: reason.message });
    }
    // A Start that a broken stream swallowed is nobody's fault: once is forgiven.
    if (reason.code === 'not_held' && count === 1) continue;
    const until = endedAt + backoffSeconds * 1000 * 2 ** Math.min(count - 1, MOST_DOUBLINGS);
    if (until > now) excluded.set(cluster, `it gave this job back (${wordsOf(reason)}) and is not asked again yet`);
    else excluded.delete(cluster);
  }
  for (const cluster of duplicated) excluded.set(cluster, 'an earlier attempt may still run there (duplicate)');
  return { excluded, refused };
}

const MOST_WORDS = 200;

/** A refusal in the words of who refused: what is wrong with the job is in them. */
function wordsOf({ code, message }: AttemptRecord['reason']): string {
  if (code !== 'refused' || message === '') return code;
  const said = message.replace(/\s+/g, ' ').trim();
  return `${code}: ${said.length <= MOST_WORDS ? said : `${said.slice(0, MOST_WORDS - 1)}…`}`;
}
