/**
 * The state of an array: what its tasks come to together. While any has not ended, the furthest of those that have not;
 * then the worst of all. Pure.
 */
import type { JobState } from './state.ts';

const UNENDED = ['running', 'accepted', 'received', 'assigned', 'unknown'] as const satisfies readonly JobState[];
const WORST = ['failed', 'canceled', 'rejected'] as const satisfies readonly JobState[];

export function stateOfArray(counts: Readonly<Partial<Record<JobState, number>>>): JobState {
  const has = (state: JobState): boolean => (counts[state] ?? 0) > 0;
  return UNENDED.find(has) ?? (has('pending') ? 'pending' : (WORST.find(has) ?? 'completed'));
}
