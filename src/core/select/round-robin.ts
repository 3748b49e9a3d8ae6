/**
 * Each in turn: the cluster that was not chosen for the longest. The policy itself remembers nothing: the scheduler
 * puts `rainbow_last_chosen` into the state, the ordinal of the decision that last chose the cluster (absent: never).
 * Every server counts for itself, so that with several of them each goes round by itself.
 */
import { ordered, stateNumber } from './order.ts';
import type { Policy } from './policy.ts';

export const roundRobinPolicy: Policy = {
  compile: () => (input) => ({
    order: ordered(input.contenders, input.seed, (each) => [stateNumber(each, 'rainbow_last_chosen', -1)]),
    notes: input.contenders.length === 0 ? [] : ['round-robin: not chosen for the longest first'],
  }),
};
