/**
 * Answers what the server asks. One question after the other, so that many at once cost the jobs' own work little; a
 * question that comes again before it was answered is answered once. A bidder that fails says nothing: the server
 * does without.
 */
import type { BidQuestion } from '../../core/bid/bid.ts';
import { describe, type Log } from '../log.ts';
import type { Send } from '../report.ts';
import type { Bidder } from './bidder.ts';

export interface Answers {
  /** Does this agent answer at all? */
  readonly bids: boolean;
  asked(id: string, question: BidQuestion): void;
  connected(send: Send): void;
  disconnected(): void;
  close(): void;
}

/** Of one server; it asks no more than 64 at once. */
const MOST_WAITING = 1_000;

export function createAnswers({ bidder, log }: { readonly bidder: Bidder | null; readonly log: Log }): Answers {
  const waiting = new Map<string, BidQuestion>();
  let send: Send | null = null;
  let answering = false;
  let made = 0;

  const answer = async (): Promise<void> => {
    for (const [id, question] of waiting) {
      waiting.delete(id);
      if (bidder === null || send === null) continue;
      const to = send;
      try {
        const bid = await bidder.bid(question);
        made += 1;
        if (send === to) to({ kind: 'bid', requestId: id, id: `bid-${made}`, bid });
      } catch (error) {
        log.warn(`a bid: ${describe(error)}`);
      }
    }
  };

  const start = (): void => {
    if (answering || waiting.size === 0) return;
    answering = true;
    void answer().finally(() => {
      answering = false;
      start();
    });
  };

  return {
    bids: bidder !== null,
    asked(id, question) {
      if (waiting.size >= MOST_WAITING) return;
      waiting.set(id, question);
      start();
    },
    connected: (to) => void (send = to),
    disconnected() {
      send = null;
      waiting.clear();
    },
    close() {
      send = null;
      waiting.clear();
      bidder?.close();
    },
  };
}
