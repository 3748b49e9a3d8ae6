/** What has become of that which others depend on, and what it says to them. */
import { RESTORED } from '../../core/job/restored.ts';
import { isFinal, type JobState } from '../../core/job/state.ts';
import { dependencyText, verdictOf, type Dependency, type EndKind, type End } from '../../core/job/waits.ts';
import { beganAt, type Begun } from './begun.ts';
import { inTheWay, type Waiter } from './same-name.ts';
import { one, type Operation } from './statement.ts';

export interface Counts {
  readonly tasks: number;
  readonly ended: number;
  readonly completed: number;
}

/** Could the ends that an array has had decide? */
export function mayDecide(kind: EndKind, array: Counts): boolean {
  return verdictOf(kind, endOf(array)) !== null;
}

export interface Ends {
  readonly open: readonly Dependency[];
  /** Why it can never be met; null: it still can. */
  readonly never: string | null;
  /** Whose end decides, and nobody knows how that was; null: none. */
  readonly unknown: string | null;
  /** Milliseconds; with none open: it is to wait until then all the same. */
  readonly notBefore: number | null;
  /** One could not be looked at just now. */
  readonly busy: boolean;
}

/** `begun`: what earlier looks of the same transaction have found. */
export function* lookAtEnds(
  me: Waiter,
  dependencies: readonly Dependency[],
  begun: Begun = new Map(),
): Operation<Ends> {
  const open: Dependency[] = [];
  let unknown: string | null = null;
  let notBefore: number | null = null;
  let busy = false;
  const never = (dependency: Dependency, what: string): Ends => {
    const text = `it was to start ${dependencyText(dependency)}, and job ${dependency.on} ${what}`;
    return { open, never: text, unknown, notBefore, busy };
  };
  for (const dependency of dependencies) {
    const { kind, on, minutes = 0 } = dependency;
    if (kind === 'singleton') {
      const other = yield* inTheWay(me);
      if (other === 'busy') busy = true;
      else if (other !== 'free') open.push({ kind, on: other.on });
      continue;
    }
    const key = BigInt(on);
    if (kind === 'after') {
      const began = yield* beganAt(key, begun);
      if (began === undefined) return never(dependency, 'is gone');
      if (began.at === null) open.push(dependency);
      else if (minutes > 0) notBefore = Math.max(notBefore ?? 0, began.at + minutes * 60_000);
      continue;
    }
    const job = yield* one<{ state: JobState; code: string }>(
      'SELECT state, reason_code AS code FROM jobs WHERE id = ?',
      key,
    );
    const array =
      job === undefined
        ? yield* one<Counts>('SELECT tasks, ended, completed FROM arrays WHERE id = ?', key)
        : undefined;
    if (job === undefined && array === undefined) return never(dependency, 'is gone');
    const end = job === undefined ? yield* endOfArray(key, array as Counts) : endOfJob(job);
    const verdict = verdictOf(kind, end);
    if (verdict === 'never') return never(dependency, how(job?.state, end));
    if (verdict === null) open.push(dependency);
    if (verdict === 'unknown') {
      unknown ??= `it was to start ${kind}:${on}, and how job ${on} ended was lost when the store was put back`;
    }
  }
  return { open, never: null, unknown, notBefore, busy };
}

function endOfJob({ state, code }: { readonly state: JobState; readonly code: string }): End {
  const ended = isFinal(state);
  return { ended, allCompleted: !ended || state === 'completed', isKnown: !ended || code !== RESTORED };
}

/** Known also where one task has surely not completed, whatever became of others. */
function* endOfArray(array: bigint, counts: Counts): Operation<End> {
  const end = endOf(counts);
  if (end.allCompleted) return end;
  const lost = yield* one<{ count: number }>(
    `SELECT CAST(COUNT(*) AS INTEGER) AS count FROM jobs
     WHERE array_id = ? AND state = 'failed' AND reason_code = '${RESTORED}'`,
    array,
  );
  return { ...end, isKnown: counts.ended - counts.completed > (lost?.count ?? 0) };
}

function endOf({ tasks, ended, completed }: Counts): End {
  return { ended: ended === tasks, allCompleted: ended === completed };
}

function how(state: JobState | undefined, end: End): string {
  if (state !== undefined) return `ended as ${state}`;
  return end.allCompleted ? 'completed' : 'has a task that did not complete';
}
