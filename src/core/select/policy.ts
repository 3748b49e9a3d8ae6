/**
 * A selection policy chooses one of the clusters that fit. Plug-ins are registered by name in `policies.ts`;
 * each is stateless and pure: the seed is an argument, so a decision replays.
 */
import type { CorrectedOffer } from '../bid/bid.ts';

export interface Contender {
  readonly cluster: string;
  /** Does it fit on what is free now? */
  readonly startable: boolean;
  /**
   * State as the cluster reported it, plus rainbow_queued, rainbow_last_chosen and rainbow_free_<type>; compat_weight
   * where an image needs something.
   */
  readonly state: Readonly<Record<string, unknown>>;
  /** Has the cluster ever reported a state of its own? */
  readonly hasState: boolean;
  /** What it offers, corrected by its record; null where it was not asked, did not answer, or did not offer. */
  readonly offer: CorrectedOffer | null;
}

export interface SelectInput {
  /** Sorted by cluster name: the total order that breaks ties. */
  readonly contenders: readonly Contender[];
  /** The jobspec's attributes.parameter. */
  readonly parameters: Readonly<Record<string, number | string | boolean>>;
  /** Any text; equal seeds give equal choices. */
  readonly seed: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly job: JobFacts;
}

/** What a policy may know of the job. */
export interface JobFacts {
  /** Seconds. */
  readonly walltime: number;
  readonly priority: number;
  /** When it was submitted; equals `now` at its submit. */
  readonly submittedAt: number;
  /** It must have ended by then; null: no deadline. Milliseconds since 1970. */
  readonly deadline: number | null;
}

/** In order of preference, best first; empty: none passed. `notes` say what each step did, for `explain`. */
export interface Selection {
  readonly order: readonly string[];
  readonly notes: readonly string[];
}

/**
 * How a policy puts clusters in order that looks at nothing but each one's state: then a roster keeps them so from one
 * decision to the next (roster.ts). Where the state has a `compat_weight`, this does not say it all.
 */
export type Ranking =
  | {
      /** Smaller is better; what is equal is told apart by the seed's rank, or stands by name. One and the same object. */
      readonly by: 'state';
      readonly keys: (state: Contender['state']) => readonly number[];
      readonly ties: 'seed' | 'name';
      /** Said of a choice. */
      readonly note: (contenders: number) => string;
    }
  | { readonly by: 'draw'; readonly note: (contenders: number) => string };

/** A policy with its options: pure, and the same for the same input. */
export interface Select {
  (input: SelectInput): Selection;
  /**
   * Does it look at offers? Then it is asked about every cluster that fits, busy ones too, as soon as one of them made
   * an offer; else only about those that could start the job now, while there are any.
   */
  readonly weighsOffers?: boolean;
  /** Where its order is no more than this. */
  readonly ranking?: Ranking;
}

export interface Policy {
  /** Throws `invalid_input` with the place when the options are wrong; called at start and on each request. */
  compile(options: Readonly<Record<string, string>>): Select;
}

/** Marks what looks at nothing but states. */
export function ranking(how: Ranking, select: (input: SelectInput) => Selection['order']): Select {
  const run = (input: SelectInput): Selection => {
    const { length } = input.contenders;
    return { order: select(input), notes: length === 0 ? [] : [how.note(length)] };
  };
  return Object.assign(run, { ranking: how });
}

/** Marks what looks at offers. */
export function weighing(select: (input: SelectInput) => Selection): Select {
  return Object.assign(select, { weighsOffers: true });
}
