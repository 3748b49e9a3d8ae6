/**
 * An offer for a cluster that nobody can be asked about (a prototype client polls): made from the state that it
 * reported and from what the server sent there. Crude on purpose; its record corrects it like any other.
 */
import type { Cost, Offer } from './bid.ts';

export interface ProxyInput {
  readonly now: number;
  /** Seconds. */
  readonly walltime: number;
  readonly nodes: number;
  /** By the matcher, on what is free by our own books. */
  readonly startable: boolean;
  /** As the cluster reported it, with `rainbow_queued`. Read are nodes_free, cost_per_node_hour and currency. */
  readonly state: Readonly<Record<string, unknown>>;
  /** Walltimes of the jobs that wait there before this one, in seconds; they are expected to take half of it. */
  readonly before: readonly number[];
}

/** A polling client looks now and then. Seconds. */
const POLL = 10;
const UNCERTAIN = 600;

export function proxyOffer(input: ProxyInput): Offer {
  const { now, walltime, nodes, state, before } = input;
  const free = amountIn(state, 'nodes_free');
  const isFree = input.startable && (free === null || free >= nodes);
  const ahead = before.reduce((sum, seconds) => sum + seconds / 2, 0);
  // Something of unknown length runs: half of one such walltime is left of it.
  const wait = isFree ? POLL : POLL + walltime / 2 + ahead;
  const startP50 = now + wait * 1000;
  const startP90 = now + (wait * 2 + (isFree ? UNCERTAIN : 0)) * 1000;
  return { startP50, startP90, end: startP50 + walltime * 1000, cost: costBy(state, nodes, walltime) };
}

function costBy(state: ProxyInput['state'], nodes: number, walltime: number): Cost | null {
  const rate = amountIn(state, 'cost_per_node_hour');
  if (rate === null || rate < 0) return null;
  const hours = walltime / 3600;
  const amount = Math.round(nodes * hours * rate * 1e6) / 1e6;
  const named = state['currency'];
  const currency = typeof named === 'string' && /^[^\s\p{C}]{1,16}$/u.test(named) ? named : 'units';
  return { amount, currency, parts: [{ what: `${nodes} nodes × ${Number(hours.toFixed(3))} h × ${rate}`, amount }] };
}

function amountIn(state: ProxyInput['state'], key: string): number | null {
  const value = state[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
