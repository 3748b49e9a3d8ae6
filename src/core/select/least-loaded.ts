/** The fewest jobs outstanding there (`rainbow_queued`); among equals the most cores free. Asks nobody. */
import { ordered, stateNumber } from './order.ts';
import { ranking } from './policy.ts';
import type { Policy, Ranking } from './policy.ts';

const fewest: Ranking & { by: 'state' } = {
  by: 'state',
  keys: (state) => [stateNumber(state, 'rainbow_queued', 0), -stateNumber(state, 'rainbow_free_core', 0)],
  ties: 'seed',
  note: () => 'least-loaded: fewest jobs outstanding, then most cores free',
};

const select = ranking(fewest, ({ contenders, seed }) => ordered(contenders, seed, ({ state }) => fewest.keys(state)));

export const leastLoadedPolicy: Policy = { compile: () => select };
