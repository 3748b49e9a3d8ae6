/**
 * The decision: which cluster gets the job, or why none does. Pure: match results and states go in, a choice and its
 * reasons come out, and the scheduler writes them conditionally. The same input gives the same choice.
 *
 * 1. Only clusters whose whole graph can hold the job count (satisfiable: yes). None, and the matcher was sure: the job
 *    is rejected. None, but some were unknown, or no candidate at all: it stays pending.
 * 2. If the policy weighs offers and there are any, all that fit are the contenders and its order stands: a busy
 *    cluster may offer the better end or price. With overcommit `deny` only those on which it could start now.
 * 3. Else those on which it could start now are the contenders, if there are any; the policy orders them.
 * 4. Else nothing is free: with overcommit `queue` the policy orders all satisfiable ones, and of those it passes the
 *    one with the least outstanding work is taken (ties in the policy's order); with `deny` the job stays pending.
 * 5. A policy that passes none leaves the job pending.
 */
import type { CorrectedOffer } from './bid/bid.ts';
import type { Reason } from './job/state.ts';
import type { Verdict } from './match/matcher.ts';
import type { Contender, JobFacts, Select, Selection, SelectInput } from './select/policy.ts';

export type Overcommit = 'queue' | 'deny';

export interface Candidate {
  readonly cluster: string;
  readonly satisfiable: Verdict;
  readonly startable: Verdict;
  /** Reported keys, rainbow_queued, rainbow_free_<type>. */
  readonly state: Readonly<Record<string, unknown>>;
  /** Has the cluster ever reported a state of its own? Default: has it any key that is not `rainbow_…`? */
  readonly hasState?: boolean;
  /** See select/policy.ts; default: null. */
  readonly offer?: CorrectedOffer | null;
}

export interface DecideInput {
  readonly candidates: readonly Candidate[];
  /** The jobspec's attributes.parameter. */
  readonly parameters: SelectInput['parameters'];
  /** A compiled policy. */
  readonly select: Select;
  readonly seed: string;
  readonly now: number;
  readonly job: JobFacts;
  readonly overcommit: Overcommit;
}

export interface Decided {
  readonly outcome: 'assigned' | 'pending' | 'rejected';
  /** Null unless assigned. */
  readonly chosen: string | null;
  /** In order of preference; the chosen one first. */
  readonly order: readonly string[];
  readonly notes: readonly string[];
  readonly reason: Reason;
}

export const NONE_PASSED = 'no clusters passed selection';

export function decide(input: DecideInput): Decided {
  const candidates = sortedByName(input.candidates);
  if (candidates.length === 0) {
    const message = 'there is no cluster that it may use';
    return unplaced('pending', { code: 'waiting_for_cluster', message }, []);
  }
  const fitting = candidates.filter((candidate) => candidate.satisfiable.fits === 'yes');
  if (fitting.length === 0) return withoutFit(candidates);
  const startable = fitting.filter(startsNow);
  const offers = fitting.filter((candidate) => (candidate.offer ?? null) !== null).length;
  if (input.select.weighsOffers === true && offers > 0 && input.overcommit === 'queue') {
    return fromOffers(fitting, offers, input);
  }
  if (startable.length > 0) return fromStartable(startable, input);
  if (input.overcommit === 'deny') {
    return unplaced('pending', { code: 'nothing_free', message: nothingFree(fitting) }, []);
  }
  return fromQueues(fitting, input);
}

function withoutFit(candidates: readonly Candidate[]): Decided {
  const unknown = candidates.filter((candidate) => candidate.satisfiable.fits === 'unknown');
  if (unknown.length > 0) {
    const message = `the matcher gave up on ${names(unknown)} and no other cluster can hold the job`;
    return unplaced('pending', { code: 'match_unknown', message }, []);
  }
  const message = `no cluster that it may use can ever hold it: ${firstReasons(candidates)}`;
  return unplaced('rejected', { code: 'never_fits', message }, []);
}

function startsNow(candidate: Candidate): boolean {
  return candidate.startable.fits === 'yes';
}

function fromOffers(fitting: readonly Candidate[], offers: number, input: DecideInput): Decided {
  const { order, notes } = runPolicy(fitting, input);
  const said = [
    `${fitting.length} can hold it, ${fitting.filter(startsNow).length} now; ${offers} made an offer`,
    ...notes,
  ];
  const chosen = order[0];
  if (chosen === undefined) return unplaced('pending', { code: 'nothing_free', message: NONE_PASSED }, said);
  return assigned(chosen, () => order, said, `selected of ${fitting.length}, ${offers} of them with an offer`);
}

function fromStartable(startable: readonly Candidate[], input: DecideInput): Decided {
  const { order, notes } = runPolicy(startable, input);
  const { notes: counted, message } = startedNow(startable.length);
  const said = [...counted, ...notes];
  const chosen = order[0];
  if (chosen === undefined) return unplaced('pending', { code: 'nothing_free', message: NONE_PASSED }, said);
  return assigned(chosen, () => order, said, message);
}

/** What is said where the choice is among so many on which it could start now. */
export function startedNow(startable: number): { readonly notes: readonly string[]; readonly message: string } {
  return {
    notes: [`${startable} could start it now`],
    message: `selected of ${startable} that could start it now`,
  };
}

function fromQueues(fitting: readonly Candidate[], input: DecideInput): Decided {
  const { order: preferred, notes } = runPolicy(fitting, input);
  const queued = new Map(fitting.map((candidate) => [candidate.cluster, outstanding(candidate)]));
  const order = [...preferred].sort((a, b) => queued.get(a)! - queued.get(b)!);
  const said = [`nothing is free on ${names(fitting)}: the least outstanding work decides`, ...notes];
  const chosen = order[0];
  if (chosen === undefined) return unplaced('pending', { code: 'nothing_free', message: NONE_PASSED }, said);
  return assigned(chosen, () => order, said, `nothing is free; least outstanding work (${queued.get(chosen)!})`);
}

/** What the policy names twice, or was not asked about, does not count. */
function runPolicy(candidates: readonly Candidate[], input: DecideInput): Selection {
  const contenders = candidates.map((candidate): Contender => ({
    cluster: candidate.cluster,
    startable: startsNow(candidate),
    state: candidate.state,
    offer: candidate.offer ?? null,
    hasState: candidate.hasState ?? Object.keys(candidate.state).some((key) => !key.startsWith('rainbow_')),
  }));
  const { parameters, seed, now, job } = input;
  // Nothing but data: a policy that is not ours gets copies.
  const { order, notes } = input.select({ contenders, parameters, seed, now, job });
  const known = new Set(contenders.map((contender) => contender.cluster));
  return { order: [...new Set(order)].filter((cluster) => known.has(cluster)), notes };
}

/** `order`: called when somebody reads it. */
export function assigned(
  chosen: string,
  order: () => readonly string[],
  notes: readonly string[],
  message: string,
): Decided {
  return {
    outcome: 'assigned',
    chosen,
    get order() {
      return order();
    },
    notes,
    reason: { code: 'selected', message },
  };
}

function unplaced(outcome: 'pending' | 'rejected', reason: Reason, notes: readonly string[]): Decided {
  return { outcome, chosen: null, order: [], notes, reason };
}

function outstanding(candidate: Candidate): number {
  const queued = candidate.state['rainbow_queued'];
  return typeof queued === 'number' && Number.isFinite(queued) ? queued : 0;
}

function nothingFree(fitting: readonly Candidate[]): string {
  return `${names(fitting)} can hold it, but not on what is free now`;
}

const MOST_NAMED = 5;

function names(candidates: readonly Candidate[]): string {
  const more = candidates.length > MOST_NAMED ? ` and ${candidates.length - MOST_NAMED} more` : '';
  const first = candidates.slice(0, MOST_NAMED).map((candidate) => candidate.cluster);
  return `${first.join(', ')}${more}`;
}

function firstReasons(candidates: readonly Candidate[]): string {
  const said = candidates.slice(0, MOST_NAMED).map(({ cluster, satisfiable }) => {
    const why = satisfiable.reasons[0]?.message;
    return why === undefined ? cluster : `${cluster}: ${why}`;
  });
  const more = candidates.length > MOST_NAMED ? `; and ${candidates.length - MOST_NAMED} more` : '';
  return `${said.join('; ')}${more}`;
}

/** Mostly they are already: looking costs a third of sorting. */
function sortedByName(candidates: readonly Candidate[]): readonly Candidate[] {
  for (let i = 1; i < candidates.length; i++) {
    if (byName(candidates[i - 1]!, candidates[i]!) > 0) return candidates.toSorted(byName);
  }
  return candidates;
}

function byName(a: Candidate, b: Candidate): number {
  return a.cluster < b.cluster ? -1 : a.cluster > b.cluster ? 1 : 0;
}
