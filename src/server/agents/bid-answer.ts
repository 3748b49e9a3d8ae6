/**
 * An agent's answer to a question, as a bid: seconds from now become times by our clock, and nothing is believed before
 * core/bid/answer.ts has seen that it can be. Bounded: an agent that says more than `MOST_STRAY` answers in a second to
 * nothing that it was asked is read no faster than that.
 */
import type { Bid, BidQuestion } from '../../core/bid/bid.ts';
import { judgeAnswer } from '../../core/bid/answer.ts';
import { REASON_CODES, type ReasonCode } from '../../core/job/state.ts';
import type { BidAnswer } from '../../gen/rainbow/v1/bid_pb.js';
import type { System } from '../../system/system.ts';

const MOST_MESSAGE = 500;

export function bidOf(answer: BidAnswer, question: BidQuestion, now: number): Bid {
  const { id } = answer;
  const asked = { now, walltime: question.isOpen === true ? null : question.walltime };
  if (answer.answer.case === 'no') {
    const { code, message } = answer.answer.value;
    const known = REASON_CODES.find((each): each is ReasonCode => each === code) ?? 'never_fits';
    const told = known === code ? message : `${code.slice(0, 64)}: ${message}`;
    return judgeAnswer({ kind: 'no', id, reason: { code: known, message: told.slice(0, MOST_MESSAGE) } }, asked);
  }
  if (answer.answer.case === undefined) {
    return { kind: 'invalid', reason: { code: 'invalid_bid', message: 'the bid is neither yes nor no' } };
  }
  const { startP50, startP90, end, cost, expiresIn } = answer.answer.value;
  const at = (seconds: number): number => now + seconds * 1000;
  const offer = {
    startP50: at(startP50),
    startP90: at(startP90),
    end: at(end),
    cost:
      cost === undefined
        ? null
        : {
            amount: cost.amount,
            currency: cost.currency,
            parts: cost.parts.map(({ what, amount }) => ({ what, amount })),
          },
  };
  return judgeAnswer({ kind: 'yes', id, offer, expiresAt: at(expiresIn) }, asked);
}

export interface Strays {
  /** One more answer to nothing. */
  add(): void;
  /** Resolves when more may be read. */
  room(): Promise<void>;
  close(): void;
}

const MOST_STRAY = 100;
const SECOND_MS = 1_000;

export function createStrays({ clock, timers }: Pick<System, 'clock' | 'timers'>): Strays {
  let since = clock.monotonic();
  let count = 0;
  let release: (() => void) | null = null;
  return {
    add() {
      if (clock.monotonic() - since >= SECOND_MS) {
        since = clock.monotonic();
        count = 0;
      }
      count += 1;
    },
    async room() {
      if (count < MOST_STRAY || clock.monotonic() - since >= SECOND_MS) return;
      await new Promise<void>((resolve) => {
        const timer = timers.after(SECOND_MS - (clock.monotonic() - since), resolve);
        release = () => {
          timer.cancel();
          resolve();
        };
      });
      release = null;
    },
    close: () => release?.(),
  };
}
