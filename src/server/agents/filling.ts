/**
 * Takes assigned jobs over for an agent that runs what it is sent, while it has room for them: one write at a time; asked
 * meanwhile, it looks again.
 * Invariant: `fill` has asked the store before it returns, where nothing is under way: so a job that is being written in
 * this turn is received in the same commit, and not in another one behind it.
 */
import type { JobId, JobRecord } from '../../store/store.ts';
import type { Outbox } from './outbox.ts';

/** The session that it fills. */
export interface Filled {
  readonly outbox: Pick<Outbox<unknown>, 'isFull' | 'room' | 'ended'>;
  /** May it be sent anything yet? */
  mayStart(): boolean;
  /** How many more it takes. */
  room(): number;
  receive(limit: number): Promise<readonly JobRecord[]>;
  start(job: JobRecord): void;
  /** Has it been received in this session? */
  has(job: JobId): boolean;
  fail(error: unknown): void;
}

/** Jobs received in one write. */
const BATCH = 64;

export class Filling {
  readonly #session: Filled;
  #underWay: Promise<void> | null = null;
  #workLeft = false;
  /** Jobs that were assigned while the store was asked. */
  #told: JobId[] | null = null;

  constructor(session: Filled) {
    this.#session = session;
  }

  fill(): void {
    this.#workLeft = true;
    if (!this.#session.mayStart() || this.#underWay !== null || this.#session.outbox.ended) return;
    this.#underWay = this.#takeOver()
      .catch((error: unknown) => this.#session.fail(error))
      .finally(() => {
        this.#underWay = null;
        // Asked for between the last look and now.
        if ((this.#workLeft || this.#hasMissed()) && this.#session.room() > 0) this.fill();
      });
  }

  async #takeOver(): Promise<void> {
    const { outbox } = this.#session;
    while (this.#workLeft && !outbox.ended) {
      this.#workLeft = false;
      if (outbox.isFull) await outbox.room();
      const limit = Math.min(BATCH, this.#session.room());
      if (limit <= 0 || outbox.ended) return;
      this.#told = null;
      const jobs = await this.#session.receive(limit);
      for (const job of jobs) this.#session.start(job);
      if (jobs.length === limit || this.#hasMissed()) this.#workLeft = true;
    }
  }

  #hasMissed(): boolean {
    return this.#told !== null && !this.#told.every((job) => this.#session.has(job));
  }

  /** That job is assigned; nothing is done where it has been received by now. */
  look(job: JobId): void {
    if (this.#underWay !== null) (this.#told ??= []).push(job);
    else if (!this.#session.has(job)) this.fill();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#underWay;
  }
}
