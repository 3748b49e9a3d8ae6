/**
 * A bid in the name of a cluster that nobody can ask: one that only a prototype client polls, or whose agent does not
 * bid. From what the server knows: is it free now, what did it place there, what does the cluster say that it costs
 * (`cost_per_node_hour`, `cost_per_core_hour`, `cost_per_gpu_hour`, and `currency`, in its reported state).
 */
import type { Bid, BidQuestion, Cost } from '../../core/bid/bid.ts';

export interface ProxyFacts {
  readonly now: number;
  readonly startable: boolean;
  /** Seconds of work that was placed there. */
  readonly backlog: number;
  readonly wants: ReadonlyMap<string, number>;
  readonly state: Readonly<Record<string, unknown>>;
}

/** A poller calls in now and then: half of its jobs start within this, nine in ten within the other. */
const POLL_P50_MS = 5_000;
const POLL_P90_MS = 30_000;
/** What is said of a backlog by walltimes is what nobody exceeds; half are through it in about this part. */
const P50_OF_BACKLOG = 0.6;
const VALID_MS = 30_000;

export function proxyBid(question: BidQuestion, facts: ProxyFacts): Bid {
  const { now } = facts;
  const wait = facts.startable ? 0 : facts.backlog * 1000;
  const startP50 = now + POLL_P50_MS + wait * P50_OF_BACKLOG;
  return {
    kind: 'yes',
    id: 'proxy',
    offer: {
      startP50,
      startP90: now + POLL_P90_MS + wait,
      end: startP50 + question.walltime * 1000,
      cost: costOf(question, facts),
    },
    expiresAt: now + VALID_MS,
    byProxy: true,
  };
}

function costOf({ walltime }: BidQuestion, { wants, state }: ProxyFacts): Cost | null {
  const hours = walltime / 3600;
  const parts = ['node', 'core', 'gpu'].flatMap((type) => {
    const rate = state[`cost_per_${type}_hour`];
    const count = wants.get(type) ?? 0;
    if (typeof rate !== 'number' || !Number.isFinite(rate) || rate < 0 || count === 0) return [];
    return [{ what: `${count} ${type} × ${Number(hours.toFixed(3))} h × ${rate}`, amount: count * hours * rate }];
  });
  if (parts.length === 0) return null;
  const { currency } = state;
  return {
    amount: parts.reduce((sum, { amount }) => sum + amount, 0),
    currency: typeof currency === 'string' && currency !== '' ? currency.slice(0, 16) : 'credits',
    parts,
  };
}
