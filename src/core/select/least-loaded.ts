/** The fewest jobs outstanding there (`rainbow_queued`); among equals the most cores free. Asks nobody. */
import { ordered, stateNumber } from './order.ts';
import type { Policy } from './policy.ts';

export const leastLoadedPolicy: Policy = {
  compile: () => (input) => ({
    order: ordered(input.contenders, input.seed, (each) => [
      stateNumber(each, 'rainbow_queued', 0),
      -stateNumber(each, 'rainbow_free_core', 0),
    ]),
    notes: input.contenders.length === 0 ? [] : ['least-loaded: fewest jobs outstanding, then most cores free'],
  }),
};
