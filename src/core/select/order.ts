/** Orders by chance, from a seed. */
import type { SeededRandom } from '../random.ts';

/** Every order is equally likely (Fisher and Yates), so every item is equally likely to come first. */
export function shuffled<T>(items: readonly T[], random: SeededRandom): readonly T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
