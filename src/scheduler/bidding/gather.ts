/**
 * Who is asked, and when a decision may be taken: level 1 chooses from match and state alone; level 2 asks every
 * cluster that fits and waits for answers, at most until the deadline. A submit waits for them; a pending job does not
 * hold up the cycle: it is passed over, and the cycle is woken when its answers are there.
 */
import type { Jobspec } from '../../core/jobspec/jobspec.ts';
import type { BiddingChoice, JobId } from '../../store/store.ts';
import type { Clock } from '../../system/system.ts';
import type { SchedulerSettings } from '../settings.ts';
import type { Book, HeldBid } from './book.ts';
import { askAbout, type Asked } from './question.ts';

export interface Gathered {
  readonly asked: Asked;
  readonly bids: ReadonlyMap<string, HeldBid>;
  /** Milliseconds that answers were waited for. */
  readonly waitedMs: number;
}

export interface ToAsk {
  /** The jobspec's text. */
  readonly jobspec: string;
  readonly parsed: Jobspec;
  readonly owner: string;
  /** Seconds. */
  readonly walltime: number;
  readonly priority: number;
  readonly policy: string;
  readonly policyOptions: Readonly<Record<string, string>>;
  readonly bidding: BiddingChoice | null;
  readonly candidates: readonly string[];
}

export interface Gather {
  /** Null at level 1. */
  forSubmit(job: ToAsk): Promise<Gathered | null>;
  /** As above, without waiting: `awaited` where answers are still to come; `ready` is then called once. */
  forPending(id: JobId, job: ToAsk, ready: () => void): Gathered | null | 'awaited';
  /** Level 2 whatever the job says: for looking again while it waits. */
  always(job: ToAsk): Promise<Gathered>;
}

/** Answers that came for a pending job serve its next decision, if that comes soon. */
const SERVE_MS = 30_000;
const MOST_READY = 10_000;
const LONGEST_MS = 60_000;

export function createGather(deps: {
  readonly book: Book;
  readonly clock: Clock;
  readonly settings: SchedulerSettings;
  /** Does this policy, or the one beside it, look at offers? */
  readonly weighsOffers: (policy: string, options: Readonly<Record<string, string>>) => boolean;
  /** Of these, the clusters that could ever take it. `text`: the jobspec as it was submitted. */
  readonly fitting: (jobspec: Jobspec, clusters: readonly string[], owner: string, text: string) => readonly string[];
}): Gather {
  const { book, clock, settings } = deps;
  const ready = new Map<JobId, { readonly gathered: Gathered; readonly at: number }>();
  const awaited = new Set<JobId>();

  const asks = ({ bidding, policy, policyOptions }: ToAsk): boolean => {
    if (bidding?.ask !== undefined && bidding.ask !== null) return bidding.ask;
    if (settings.ask !== 'auto') return settings.ask === 'always';
    return deps.weighsOffers(policy, policyOptions);
  };
  const about = (job: ToAsk): Asked => askAbout(job.jobspec, job.parsed, job.walltime, job.priority);
  const within = (job: ToAsk): number => Math.min(LONGEST_MS, job.bidding?.withinMs ?? settings.bidWithin * 1000);

  const collect = async (job: ToAsk, asked: Asked, clusters: readonly string[]): Promise<Gathered> => {
    const began = clock.monotonic();
    const bids = await book.collect(asked.question, clusters, within(job));
    return { asked, bids, waitedMs: Math.round((clock.monotonic() - began) * 10) / 10 };
  };
  const always = (job: ToAsk): Promise<Gathered> =>
    collect(job, about(job), deps.fitting(job.parsed, job.candidates, job.owner, job.jobspec));

  const fetch = async (
    id: JobId,
    job: ToAsk,
    asked: Asked,
    clusters: readonly string[],
    wake: () => void,
  ): Promise<void> => {
    // Where asking itself fails, it is decided from match and state.
    const gathered = await collect(job, asked, clusters).catch(() => ({ asked, bids: new Map(), waitedMs: 0 }));
    if (ready.size >= MOST_READY) ready.clear();
    ready.set(id, { gathered, at: clock.now() });
    awaited.delete(id);
    wake();
  };

  return {
    always,
    forSubmit: (job) => (asks(job) ? always(job) : Promise.resolve(null)),
    forPending(id, job, wake) {
      if (!asks(job)) return null;
      const there = ready.get(id);
      ready.delete(id);
      if (there !== undefined && clock.now() - there.at <= SERVE_MS) return there.gathered;
      if (awaited.has(id)) return 'awaited';
      const asked = about(job);
      const clusters = deps.fitting(job.parsed, job.candidates, job.owner, job.jobspec);
      const bids = book.peek(asked.question, clusters);
      if (bids !== null) return { asked, bids, waitedMs: 0 };
      awaited.add(id);
      void fetch(id, job, asked, clusters, wake);
      return 'awaited';
    },
  };
}
