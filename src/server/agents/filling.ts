/**
 * Takes assigned jobs over for an agent that runs what it is sent, while it has room for them: one write at a time; asked
 * meanwhile, it looks again.
 * Invariant: `fill` has asked the store before it returns, where nothing is under way: so a job that is being written in
 * this turn is received in the same commit, and not in another one behind it.
 */
import type { JobId, JobRecord } from '../../store/store.ts';
import type { Outbox } from './outbox.ts';

export interface Filling {
  fill(): void;
  /** That job is assigned; nothing is done where it has been received by now. */
  look(job: JobId): void;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

/** Jobs received in one write. */
const BATCH = 64;

export function createFilling(parts: {
  readonly outbox: Pick<Outbox<unknown>, 'isFull' | 'room' | 'ended'>;
  /** May it be sent anything yet? */
  readonly mayStart: () => boolean;
  /** How many more it takes. */
  readonly room: () => number;
  readonly receive: (limit: number) => Promise<readonly JobRecord[]>;
  readonly start: (job: JobRecord) => void;
  /** Has it been received in this session? */
  readonly has: (job: JobId) => boolean;
  readonly fail: (error: unknown) => void;
}): Filling {
  const { outbox, has } = parts;
  let filling: Promise<void> | null = null;
  let workLeft = false;
  /** Jobs that were assigned while the store was asked. */
  let told: JobId[] = [];

  const takeOver = async (): Promise<void> => {
    while (workLeft && !outbox.ended) {
      workLeft = false;
      if (outbox.isFull) await outbox.room();
      const limit = Math.min(BATCH, parts.room());
      if (limit <= 0 || outbox.ended) return;
      told = [];
      const jobs = await parts.receive(limit);
      for (const job of jobs) parts.start(job);
      if (jobs.length === limit || !told.every(has)) workLeft = true;
    }
  };

  const fill = (): void => {
    workLeft = true;
    if (!parts.mayStart() || filling !== null || outbox.ended) return;
    filling = takeOver()
      .catch(parts.fail)
      .finally(() => {
        filling = null;
        // Asked for between the last look and now.
        if ((workLeft || !told.every(has)) && parts.room() > 0) fill();
      });
  };

  return {
    fill,
    look(job) {
      if (filling !== null) told.push(job);
      else if (!has(job)) fill();
    },
    async idle() {
      await filling;
    },
  };
}
