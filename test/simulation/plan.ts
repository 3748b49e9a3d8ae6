/**
 * What is done to a life and when, decided from its seed before it begins: so that a part of it can be left out, to
 * find out which of it a failure needs. `pick` is what the rest of an action is drawn from.
 */
import { seededRandom } from '../../src/core/random.ts';

/** How often each is done, among all. */
const WEIGHTS = {
  submit: 44,
  cancel: 7,
  hold: 3,
  release: 3,
  crashServer: 4,
  crashAgent: 6,
  breakStream: 6,
  cutOff: 4,
  breakWatch: 2,
  fillStore: 2,
  fillJournal: 2,
  refuse: 2,
  turnClock: 1,
  replaceGraph: 1,
  deleteCluster: 1,
} as const;

export type ActionKind = keyof typeof WEIGHTS;

export interface Action {
  /** After the one before it: so many steps, and so many milliseconds, at least. */
  readonly steps: number;
  readonly ms: number;
  readonly kind: ActionKind;
  readonly pick: number;
}

/** What is the same all through a life. */
export interface Climate {
  readonly overcommit: 'queue' | 'deny';
  /** Do the clusters say which of their cores are taken? */
  readonly tellsBusy: boolean;
  /** One in so many requests, and answers, is lost; 0: none. */
  readonly lossOdds: number;
  /** Milliseconds of a job, about. */
  readonly jobMs: number;
  /** How agents choose among what is assigned to them; `fussy` leaves some for no reason at all. */
  readonly pick: 'first-come' | 'smallest' | 'fussy';
  /** Are clusters asked for bids, and do jobs move to better ones? */
  readonly bids: boolean;
  /** Do ended jobs go, but for the newest? */
  readonly prunes: boolean;
}

export interface Plan {
  readonly climate: Climate;
  /** When the last is done everything is mended. */
  readonly actions: readonly Action[];
}

/** Mostly at once; at times long enough for a cluster to be silent, or lost. */
const PAUSES = [0, 0, 0, 0, 0, 0, 0, 0, 300, 3_000, 20_000, 80_000];

export function planOf(seed: number): Plan {
  const random = seededRandom(`plan ${seed}`);
  const kinds = Object.entries(WEIGHTS).flatMap(([kind, weight]) =>
    Array.from({ length: weight }, () => kind as ActionKind),
  );
  const climate: Climate = {
    overcommit: random.below(2) === 0 ? 'queue' : 'deny',
    tellsBusy: random.below(2) === 0,
    lossOdds: [0, 30, 6][random.below(3)]!,
    jobMs: [300, 3_000, 20_000][random.below(3)]!,
    pick: (['first-come', 'first-come', 'smallest', 'fussy'] as const)[random.below(4)]!,
    bids: random.below(3) === 0,
    prunes: random.below(3) === 0,
  };
  // Some lives are calm, some are not.
  const pace = [5, 20, 60][random.below(3)]!;
  const actions = Array.from({ length: 20 + random.below(80) }, () => ({
    steps: random.below(pace),
    ms: PAUSES[random.below(PAUSES.length)]!,
    kind: kinds[random.below(kinds.length)]!,
    pick: random.below(2 ** 31),
  }));
  return { climate, actions };
}
