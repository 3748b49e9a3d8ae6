/**
 * How policies put clusters in order. Every order is total: of what a policy finds equal that is first where the job's
 * image runs better (heavier.ts); what is equal then, too, is told apart by a rank that the seed gives each name, so
 * that the choice replays, does not depend on the order of what goes in, and favours nobody.
 */
import type { SeededRandom } from '../random.ts';
import { COMPAT_WEIGHT } from './heavier.ts';
import type { Contender } from './policy.ts';

/** Every order is equally likely (Fisher and Yates), so every item is equally likely to come first. */
export function shuffled<T>(items: readonly T[], random: SeededRandom): readonly T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

/** Which of so many items `shuffled` puts first: as many numbers are drawn, but nothing is moved. */
export function drawn(count: number, random: SeededRandom): number {
  const swaps = new Uint32Array(count);
  for (let i = count - 1; i > 0; i--) swaps[i] = random.below(i + 1);
  // Back from the front place: where was its item before each swap?
  let place = 0;
  for (let i = 1; i < count; i++) {
    const other = swaps[i]!;
    if (place === i) place = other;
    else if (place === other) place = i;
  }
  return place;
}

/** What to sort by, the first that differs decides; smaller is better. Infinity is last. */
export type Keys = readonly number[];

/** Contenders by `keys`, ties by the weight of what their nodes have for the image, then by the seed. */
export function ordered(
  contenders: readonly Contender[],
  seed: string,
  keys: (contender: Contender) => Keys,
): readonly string[] {
  const ranked = contenders.map((each) => ({
    cluster: each.cluster,
    keys: keys(each),
    weight: stateNumber(each.state, COMPAT_WEIGHT, 0),
    rank: -1,
  }));
  const rank = ranks(seed);
  const rankOf = (each: (typeof ranked)[number]): number => {
    if (each.rank < 0) each.rank = rank(each.cluster);
    return each.rank;
  };
  ranked.sort(
    (a, b) =>
      compareKeys(a.keys, b.keys) || b.weight - a.weight || rankOf(a) - rankOf(b) || (a.cluster < b.cluster ? -1 : 1),
  );
  return ranked.map(({ cluster }) => cluster);
}

export function compareKeys(a: Keys, b: Keys): number {
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    // Infinity minus itself is no number, so compare rather than subtract.
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

/** The rank that the seed gives each name; smaller is first. */
export function ranks(seed: string): (cluster: string) => number {
  const prefix = hashed(FNV_BASIS, `${seed}/`);
  return (cluster) => mixed(hashed(prefix, cluster));
}

const FNV_BASIS = 0x811c9dc5;

/** FNV-1a, over the text's units of 16 bits. */
function hashed(hash: number, text: string): number {
  let result = hash;
  for (let i = 0; i < text.length; i++) result = Math.imul(result ^ text.charCodeAt(i), 0x01000193);
  return result;
}

/** Near seeds are to give unlike orders. */
function mixed(hash: number): number {
  let z = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/** A number of a cluster's state; `otherwise` where there is none. */
export function stateNumber(state: Contender['state'], key: string, otherwise: number): number {
  const value = state[key];
  return typeof value === 'number' && !Number.isNaN(value) ? value : otherwise;
}

/** Keys for what made no offer: those that could start it now first, then those with the least that is outstanding. */
export function withoutOffer(contender: Contender): Keys {
  return [contender.startable ? 0 : 1, stateNumber(contender.state, 'rainbow_queued', 0)];
}

/** How many of `contenders` made no offer, for people; '' where all did. */
export function silentNote(contenders: readonly Contender[]): string {
  const without = contenders.filter(({ offer }) => offer === null).map(({ cluster }) => cluster);
  return listed('; without an offer, so last: ', without);
}

const MOST_LISTED = 5;

/** `lead` and the first few of `names`; '' where there are none. */
export function listed(lead: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const more = names.length > MOST_LISTED ? ` and ${names.length - MOST_LISTED} more` : '';
  return `${lead}${names.slice(0, MOST_LISTED).join(', ')}${more}`;
}
