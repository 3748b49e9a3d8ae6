/**
 * What a dependency on a job or an array comes to, as that stands now. Pure: the scheduler asks it at a submit, and the
 * command line at a dry run. Where it stops: what a start or a name decides (`after`, `singleton`) is not told by how
 * something stands.
 */
import { RESTORED } from './restored.ts';
import { isFinal, type JobState } from './state.ts';
import { verdictOf, type EndKind, type End, type Verdict } from './waits.ts';

/** `reason`: the code of its reason. Of an array how many tasks are in each state. */
export type DependedOn =
  | { readonly state: JobState; readonly reason: string; readonly counts?: never }
  | { readonly counts: Readonly<Partial<Record<JobState, number>>>; readonly ended: boolean };

/** `never`: why what depends so on job `on` can never start; null: it still can. */
export function toldBy(
  { kind, on }: { readonly kind: EndKind; readonly on: string },
  found: DependedOn,
): { readonly verdict: Verdict | null; readonly never: string | null } {
  const verdict = verdictOf(kind, endOf(found));
  const never = verdict === 'never' ? `it was to start ${kind}:${on}, and job ${on} ${howItEnded(found)}` : null;
  return { verdict, never };
}

function endOf(found: DependedOn): End {
  if (found.counts === undefined) {
    const ended = isFinal(found.state);
    return { ended, allCompleted: !ended || found.state === 'completed', isKnown: found.reason !== RESTORED };
  }
  const { failed = 0, canceled = 0, rejected = 0 } = found.counts;
  return { ended: found.ended, allCompleted: failed + canceled + rejected === 0 };
}

function howItEnded(found: DependedOn): string {
  if (found.counts === undefined) return `ended as ${found.state}`;
  return endOf(found).allCompleted ? 'completed' : 'has a task that did not complete';
}
