/** Uniform over the contenders; the seed decides, so the same seed and contenders give the same choice. */
import { seededRandom } from '../random.ts';
import { heavierFirst } from './heavier.ts';
import { shuffled } from './order.ts';
import type { Policy } from './policy.ts';

export const randomPolicy: Policy = {
  compile: () => (input) => {
    const names = input.contenders.map((contender) => contender.cluster);
    return {
      order: heavierFirst(shuffled(names, seededRandom(input.seed)), input.contenders),
      notes: names.length === 0 ? [] : [`random: any of ${names.length}, by the seed`],
    };
  },
};
