/** The first contender by name. */
import { heavierFirst } from './heavier.ts';
import type { Policy } from './policy.ts';

export const firstPolicy: Policy = {
  compile: () => (input) => ({
    order: heavierFirst(
      input.contenders.map((contender) => contender.cluster),
      input.contenders,
    ),
    notes: input.contenders.length === 0 ? [] : ['first: by name'],
  }),
};
