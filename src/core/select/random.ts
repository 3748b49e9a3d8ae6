/** Uniform over the contenders; the seed decides, so the same seed and contenders give the same choice. */
import { seededRandom } from '../random.ts';
import { heavierFirst } from './heavier.ts';
import { shuffled } from './order.ts';
import { ranking } from './policy.ts';
import type { Policy } from './policy.ts';

const select = ranking({ by: 'draw', note: (of) => `random: any of ${of}, by the seed` }, ({ contenders, seed }) => {
  const names = contenders.map((contender) => contender.cluster);
  return heavierFirst(shuffled(names, seededRandom(seed)), contenders);
});

export const randomPolicy: Policy = { compile: () => select };
