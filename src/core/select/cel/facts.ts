/**
 * What a CEL expression sees of one contender. Times are seconds from now, so that expressions need no clock; a field
 * that has no value is absent: `has(bid.wait)` asks, and an expression that uses it then has no value for this cluster.
 */
import type { Contender, SelectInput } from '../policy.ts';

const LONGEST_TEXT = 1_000;
const LONGEST_LIST = 1_000;
const DEEPEST = 3;

export function factsOf(
  contender: Contender,
  { now, job, parameters }: SelectInput,
): Readonly<Record<string, unknown>> {
  const { cluster, startable, state } = contender;
  return {
    cluster: { name: cluster },
    match: { startable },
    state: visible(state, 0),
    bid: bidOf(contender, now),
    job: {
      walltime: job.walltime,
      priority: job.priority,
      waited: (now - job.submittedAt) / 1000,
      ...(job.deadline === null ? {} : { deadline: (job.deadline - now) / 1000 }),
      parameters: visible(parameters, 0),
    },
  };
}

function bidOf({ offer }: Contender, now: number): Readonly<Record<string, unknown>> {
  if (offer === null) return { offered: false };
  const { startP50, startP90, end, cost, correction } = offer;
  return {
    offered: true,
    wait: (startP50 - now) / 1000,
    wait_p90: (startP90 - now) / 1000,
    end: (end - now) / 1000,
    end_p90: (startP90 + (end - startP50) - now) / 1000,
    corrected: correction !== '',
    ...(cost === null ? {} : { cost: cost.amount, currency: cost.currency }),
  };
}

/** Values of bounded size; what is larger, or of another kind, is left out. */
function visible(raw: unknown, depth: number): unknown {
  if (typeof raw === 'number' || typeof raw === 'boolean') return raw;
  if (typeof raw === 'string') return raw.length <= LONGEST_TEXT ? raw : undefined;
  if (typeof raw !== 'object' || raw === null || depth >= DEEPEST) return undefined;
  if (Array.isArray(raw)) {
    if (raw.length > LONGEST_LIST) return undefined;
    const items = raw.map((item) => visible(item, depth + 1));
    return items.includes(undefined) ? undefined : items;
  }
  const kept = Object.entries(raw).map(([key, value]) => [key, visible(value, depth + 1)] as const);
  return Object.fromEntries(kept.filter(([, value]) => value !== undefined));
}
