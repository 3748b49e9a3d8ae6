/**
 * The clusters that a decision may choose from, kept from one decision to the next, so that a decision costs as much as
 * they differ, not as many as they are: one verdict for each pair of roots, and for each policy that looks at nothing
 * but states (`Ranking`) their order by state, mended where a state changed.
 *
 * Invariant: what it decides is what `decide` would, to the last note, and what it gives out stays as it was then,
 * however the roster changes. Where it cannot be sure to (offers, an image's weights, a policy that looks at more,
 * nothing free, no cluster that fits) it says nothing, and all are looked at one by one.
 * Linear all the same: telling equal keys apart by the seed's rank, in the number of equals; `random`, which draws one
 * number for each contender; and the whole order, which is put together when somebody reads it.
 */
import { assigned, startedNow, type Decided } from './decide.ts';
import type { Roots, Verdicts } from './match/matcher.ts';
import { seededRandom } from './random.ts';
import { COMPAT_WEIGHT } from './select/heavier.ts';
import { compareKeys, drawn, ranks, shuffled } from './select/order.ts';
import type { Keys } from './select/order.ts';
import type { Ranking, Select } from './select/policy.ts';

/** One of them as it is now. */
export interface Member {
  readonly cluster: string;
  readonly state: Readonly<Record<string, unknown>>;
  readonly roots: Roots;
}

export interface RosterQuestion {
  /** What a cluster with these roots answers; null: not in time. */
  readonly ask: (roots: Roots) => Verdicts | null;
  readonly select: Select;
  readonly seed: string;
}

export interface Picked<M extends Member> {
  readonly decided: Decided;
  /** Everyone with its verdicts, by name. */
  readonly candidates: <T>(as: (member: M, verdicts: Verdicts) => T) => readonly T[];
}

/** Those that have the same roots. */
interface Group {
  /** In a list of verdicts. */
  readonly place: number;
  readonly key: string;
  readonly roots: Roots;
  members: number;
}

interface Entry<M extends Member> {
  readonly member: M;
  readonly group: Group;
}

type ByState = Extract<Ranking, { by: 'state' }>;

export class Roster<M extends Member = Member> {
  /** By name. */
  #entries: Entry<M>[] = [];
  /** Somebody may still read that list: it is copied before it is changed. */
  #isLent = false;
  readonly #groups = new Map<string, Group>();
  /** Places of groups that are gone. */
  readonly #vacant: number[] = [];
  readonly #sorted = new Map<ByState, Sorted<M>>();
  /** How many have a weight in their state. */
  #weighted = 0;

  /** Takes it in, or what became of it. */
  set(member: M): void {
    const entry = { member, group: this.#join(member.roots) };
    const place = this.#placeOf(member.cluster);
    const before = this.#entries[place];
    const isKnown = before?.member.cluster === member.cluster;
    this.#own().splice(place, isKnown ? 1 : 0, entry);
    if (isKnown) this.#left(before);
    if (hasWeight(member)) this.#weighted++;
    for (const sorted of this.#sorted.values()) sorted.add(entry);
  }

  delete(cluster: string): void {
    const place = this.#placeOf(cluster);
    const before = this.#entries[place];
    if (before?.member.cluster !== cluster) return;
    this.#own().splice(place, 1);
    this.#left(before);
  }

  /** Null: look at them one by one. */
  decide(question: RosterQuestion): Picked<M> | null {
    const { ranking } = question.select;
    if (ranking === undefined || this.#weighted > 0) return null;
    const verdicts: Verdicts[] = [];
    let startable = 0;
    for (const group of this.#groups.values()) {
      const both = question.ask(group.roots);
      if (both === null) return null;
      verdicts[group.place] = both;
      if (both.startable.fits === 'yes') startable += group.members;
    }
    if (startable === 0) return null;
    const isOpen = ({ group }: Entry<M>): boolean => verdicts[group.place]?.startable.fits === 'yes';
    const chosen = this.#first(ranking, isOpen, startable, question.seed).member.cluster;
    const entries = this.#entries;
    this.#isLent = true;
    const whole =
      ranking.by === 'state'
        ? once(this.#sortedBy(ranking).order(isOpen, question.seed))
        : once(() => shuffled(entries.filter(isOpen).map(nameOf), seededRandom(question.seed)));
    const { notes, message } = startedNow(startable);
    return {
      decided: assigned(chosen, whole, [...notes, ranking.note(startable)], message),
      candidates: (as) => entries.map(({ member, group }) => as(member, verdicts[group.place] as Verdicts)),
    };
  }

  #first(ranking: Ranking, isOpen: (entry: Entry<M>) => boolean, open: number, seed: string): Entry<M> {
    if (ranking.by === 'state') return this.#sortedBy(ranking).first(isOpen, seed);
    let left = drawn(open, seededRandom(seed));
    if (open === this.#entries.length) return this.#entries[left] as Entry<M>;
    return this.#entries.find((entry) => isOpen(entry) && left-- === 0) as Entry<M>;
  }

  #sortedBy(ranking: ByState): Sorted<M> {
    let sorted = this.#sorted.get(ranking);
    if (sorted === undefined) this.#sorted.set(ranking, (sorted = new Sorted(ranking, this.#entries)));
    return sorted;
  }

  #join(roots: Roots): Group {
    const key = `${roots.full?.id ?? 0}/${roots.free?.id ?? 0}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { place: this.#vacant.pop() ?? this.#groups.size, key, roots, members: 0 };
      this.#groups.set(key, group);
    }
    group.members++;
    return group;
  }

  #left(entry: Entry<M>): void {
    const { member, group } = entry;
    if (hasWeight(member)) this.#weighted--;
    for (const sorted of this.#sorted.values()) sorted.delete(entry);
    if (--group.members > 0) return;
    this.#groups.delete(group.key);
    this.#vacant.push(group.place);
  }

  #own(): Entry<M>[] {
    if (this.#isLent) this.#entries = [...this.#entries];
    this.#isLent = false;
    return this.#entries;
  }

  /** Where it stands, or would. */
  #placeOf(cluster: string): number {
    return lowest(this.#entries.length, (at) => (this.#entries[at] as Entry<M>).member.cluster >= cluster);
  }
}

interface Item<M extends Member> {
  readonly keys: Keys;
  readonly entry: Entry<M>;
}

/** Entries in one order by state; equals stand by name. */
class Sorted<M extends Member> {
  readonly #ranking: ByState;
  #items: Item<M>[];
  /** As with the roster's own. */
  #isLent = false;

  constructor(ranking: ByState, entries: readonly Entry<M>[]) {
    this.#ranking = ranking;
    this.#items = entries.map((entry) => ({ keys: ranking.keys(entry.member.state), entry }));
    this.#items.sort((a, b) => this.#compare(a, b.keys, b.entry.member.cluster));
  }

  add(entry: Entry<M>): void {
    const keys = this.#ranking.keys(entry.member.state);
    this.#own().splice(this.#placeOf(keys, entry), 0, { keys, entry });
  }

  delete(entry: Entry<M>): void {
    this.#own().splice(this.#placeOf(this.#ranking.keys(entry.member.state), entry), 1);
  }

  #own(): Item<M>[] {
    if (this.#isLent) this.#items = [...this.#items];
    this.#isLent = false;
    return this.#items;
  }

  /** All that are open, as they stand now, once it is called. */
  order(isOpen: (entry: Entry<M>) => boolean, seed: string): () => readonly string[] {
    const items = this.#items;
    this.#isLent = true;
    return () => {
      const open = items.filter(({ entry }) => isOpen(entry));
      const names = open.map(({ entry }) => nameOf(entry));
      if (this.#ranking.ties === 'name') return names;
      const rankOf = ranks(seed);
      for (let from = 0, until; from < open.length; from = until) {
        const { keys } = open[from] as Item<M>;
        for (until = from + 1; until < open.length; until++) {
          if (compareKeys(keys, (open[until] as Item<M>).keys) !== 0) break;
        }
        if (until > from + 1) names.splice(from, until - from, ...inRank(names.slice(from, until), rankOf));
      }
      return names;
    };
  }

  /** Of those that are open, of which there is one. */
  first(isOpen: (entry: Entry<M>) => boolean, seed: string): Entry<M> {
    const items = this.#items;
    let at = items.findIndex(({ entry }) => isOpen(entry));
    const best = items[at] as Item<M>;
    if (this.#ranking.ties === 'name') return best.entry;
    let { entry } = best;
    let rankOf: ((cluster: string) => number) | null = null;
    let least = 0;
    for (at++; at < items.length; at++) {
      const other = items[at] as Item<M>;
      if (compareKeys(best.keys, other.keys) !== 0) break;
      if (!isOpen(other.entry)) continue;
      if (rankOf === null) {
        rankOf = ranks(seed);
        least = rankOf(entry.member.cluster);
      }
      const rank = rankOf(other.entry.member.cluster);
      if (rank < least) [entry, least] = [other.entry, rank];
    }
    return entry;
  }

  #placeOf(keys: Keys, { member }: Entry<M>): number {
    const items = this.#items;
    return lowest(items.length, (at) => this.#compare(items[at] as Item<M>, keys, member.cluster) >= 0);
  }

  #compare(item: Item<M>, keys: Keys, cluster: string): number {
    const other = item.entry.member.cluster;
    return compareKeys(item.keys, keys) || (other < cluster ? -1 : other > cluster ? 1 : 0);
  }
}

/** Sorted by rank; of equal rank as they stand, which is by name. */
function inRank(names: readonly string[], rankOf: (name: string) => number): readonly string[] {
  return names
    .map((name) => ({ name, rank: rankOf(name) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ name }) => name);
}

function hasWeight({ state }: Member): boolean {
  return state[COMPAT_WEIGHT] !== undefined;
}

function nameOf({ member }: Entry<Member>): string {
  return member.cluster;
}

/** The first of so many places of which it is true; it stays true from there on. */
function lowest(count: number, isTrue: (at: number) => boolean): number {
  let from = 0;
  let until = count;
  while (from < until) {
    const middle = (from + until) >>> 1;
    if (isTrue(middle)) until = middle;
    else from = middle + 1;
  }
  return from;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
