/**
 * A selection policy chooses one of the clusters that fit. Plug-ins are registered by name in `policies.ts`;
 * each is stateless and pure: the seed is an argument, so a decision replays.
 */
export interface Contender {
  readonly cluster: string;
  /** Does it fit on what is free now? */
  readonly startable: boolean;
  /** State as the cluster reported it, plus rainbow_queued and rainbow_free_<type>; compat_weight where an image needs something. */
  readonly state: Readonly<Record<string, unknown>>;
  /** Has the cluster ever reported a state of its own? */
  readonly hasState: boolean;
}

export interface SelectInput {
  /** Sorted by cluster name: the total order that breaks ties. */
  readonly contenders: readonly Contender[];
  /** The jobspec's attributes.parameter. */
  readonly parameters: Readonly<Record<string, number | string | boolean>>;
  /** Any text; equal seeds give equal choices. */
  readonly seed: string;
}

/** In order of preference, best first; empty: none passed. `notes` say what each step did, for `explain`. */
export interface Selection {
  readonly order: readonly string[];
  readonly notes: readonly string[];
}

export interface Policy {
  /** Throws `invalid_input` with the place when the options are wrong; called at start and on each request. */
  compile(options: Readonly<Record<string, string>>): (input: SelectInput) => Selection;
}
