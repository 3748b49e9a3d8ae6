/** The first contender by name. */
import type { Policy } from './policy.ts';

export const firstPolicy: Policy = {
  compile: () => (input) => ({
    order: input.contenders.map((contender) => contender.cluster),
    notes: input.contenders.length === 0 ? [] : ['first: by name'],
  }),
};
