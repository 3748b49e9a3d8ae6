/**
 * Each in turn: the cluster that was not chosen for the longest. The policy itself remembers nothing: the scheduler
 * puts `rainbow_last_chosen` into the state, the ordinal of the decision that last chose the cluster (absent: never).
 * Every server counts for itself, so that with several of them each goes round by itself.
 */
import { ordered, stateNumber } from './order.ts';
import { ranking } from './policy.ts';
import type { Policy, Ranking } from './policy.ts';

const longestAgo: Ranking & { by: 'state' } = {
  by: 'state',
  keys: (state) => [stateNumber(state, 'rainbow_last_chosen', -1)],
  ties: 'seed',
  note: () => 'round-robin: not chosen for the longest first',
};

const select = ranking(longestAgo, ({ contenders, seed }) =>
  ordered(contenders, seed, ({ state }) => longestAgo.keys(state)),
);

export const roundRobinPolicy: Policy = { compile: () => select };
