/**
 * What one server learns of clusters' bids, told to the others that are alive: outcomes gathered for a moment, broken
 * words at once. Letters, so a hint: what a server that dies had not told yet is in the store, and read by the others
 * when they begin, or begin anew.
 */
import type { BidOutcome, ClusterRef } from '../../store/store.ts';
import type { System, Timer } from '../../system/system.ts';
import type { Letters } from './letters.ts';

const TELL_AFTER = 1_000;
/** Outcomes in one letter. */
const MOST = 200;

export interface Breach {
  readonly cluster: ClusterRef;
  readonly shape: string;
  readonly message: string;
}

export interface Learned {
  outcome(outcome: BidOutcome): void;
  breach(breach: Breach): void;
  /** Tells what is not told yet. */
  stop(): void;
}

export function createLearned(deps: {
  readonly letters: Pick<Letters, 'send' | 'on'>;
  readonly system: Pick<System, 'timers'>;
  /** Ids of the other servers that are alive. */
  readonly others: () => readonly string[];
  /** Another server has learned it. */
  readonly heardOutcome: (outcome: BidOutcome) => void;
  readonly heardBreach: (breach: Breach) => void;
}): Learned {
  const { letters } = deps;
  let untold: BidOutcome[] = [];
  let timer: Timer | null = null;

  const tell = (): void => {
    timer?.cancel();
    timer = null;
    const all = untold;
    untold = [];
    for (let from = 0; from < all.length; from += MOST) {
      const outcomes = all.slice(from, from + MOST);
      for (const other of deps.others()) letters.send(other, { kind: 'outcomes', outcomes });
    }
  };

  letters.on('outcomes', ({ outcomes }) => {
    for (const outcome of outcomes) deps.heardOutcome(outcome);
  });
  letters.on('breach', ({ breach }) => deps.heardBreach(breach));

  return {
    outcome(outcome) {
      if (deps.others().length === 0) return;
      untold.push(outcome);
      timer ??= deps.system.timers.after(TELL_AFTER, tell);
    },
    breach(breach) {
      for (const other of deps.others()) letters.send(other, { kind: 'breach', breach });
    },
    stop: tell,
  };
}
