/**
 * Letters from server to server, through the store: a question for an agent whose stream another holds, its answer,
 * who follows output, what was learned of bids. Hints all of them: what is lost is not waited for longer than what they ask allows.
 */
import type { Bid, BidQuestion } from '../../core/bid/bid.ts';
import type { BidOutcome, ClusterRef, JobId, Store } from '../../store/store.ts';
import type { Log } from '../log.ts';
import type { Breach } from './learned.ts';

export type Letter =
  | {
      readonly kind: 'ask';
      readonly from: string;
      readonly id: string;
      readonly cluster: ClusterRef;
      readonly question: BidQuestion;
      readonly withinMs: number;
    }
  | { readonly kind: 'bid'; readonly id: string; readonly cluster: ClusterRef; readonly bid: Bid }
  | { readonly kind: 'outcomes'; readonly outcomes: readonly BidOutcome[] }
  | { readonly kind: 'breach'; readonly breach: Breach }
  | {
      readonly kind: 'output';
      readonly from: string;
      readonly cluster: string;
      readonly jobId: JobId;
      readonly epoch: number;
      readonly follow: boolean;
    };

export interface Letters {
  send(receiver: string, letter: Letter): void;
  /** Takes what has come. One at a time. */
  look(): void;
  on<K extends Letter['kind']>(kind: K, read: (letter: Extract<Letter, { kind: K }>) => void): void;
  stop(): Promise<void>;
}

export function createLetters(deps: {
  readonly store: Pick<Store, 'servers'>;
  readonly now: () => number;
  readonly self: () => string;
  readonly log: Log;
}): Letters {
  const { servers } = deps.store;
  const readers = new Map<Letter['kind'], (letter: never) => void>();
  const sending = new Set<Promise<void>>();
  let taking: Promise<void> | null = null;
  let asked = false;
  let stopped = false;

  const mustTake = (): boolean => asked && !stopped;
  const take = async (): Promise<void> => {
    while (mustTake()) {
      asked = false;
      const letters = await servers.take(deps.self());
      if (letters.length > 0) asked = true;
      for (const { body } of letters) {
        const letter = JSON.parse(body) as Letter;
        // One that a later version writes.
        readers.get(letter.kind)?.(letter as never);
      }
    }
  };

  return {
    send(receiver, letter) {
      const sent: Promise<void> = servers
        .send(receiver, JSON.stringify(letter), Math.trunc(deps.now()))
        .catch((error: unknown) => deps.log.warn({ error: String(error) }, 'a letter to another server was not sent'))
        .finally(() => sending.delete(sent));
      sending.add(sent);
    },
    look() {
      asked = true;
      taking ??= take()
        .catch((error: unknown) => deps.log.warn({ error: String(error) }, 'letters could not be taken now'))
        .finally(() => (taking = null));
    },
    on: (kind, read) => void readers.set(kind, read),
    async stop() {
      stopped = true;
      await taking;
      await Promise.all(sending);
    },
  };
}
