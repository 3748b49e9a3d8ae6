/** Which of several native jobs with one key counts. Pure. */
import type { Found as FoundOf } from '../batch/key.ts';
import type { FluxRecord } from './records.ts';
import { phaseOf } from './status.ts';

export type Found = FoundOf<FluxRecord>;

/** Somebody let it go. */
export function wasReleased({ urgency, startedAt }: FluxRecord): boolean {
  return urgency !== 0 || startedAt !== null;
}

/** Of several submissions of one key the one that may have run; else one that can. At least one is given. */
export function likeliest(mine: readonly Found[]): Found {
  return (
    mine.find(({ record }) => wasReleased(record)) ??
    mine.find(({ record }) => phaseOf(record.state) !== 'ended') ??
    mine[0]!
  );
}
