/** The earliest start, by the median of the corrected offer; among equals by its P90. */
import { ordered, silentNote, withoutOffer } from './order.ts';
import { weighing } from './policy.ts';
import type { Contender, Policy } from './policy.ts';

export const soonestPolicy: Policy = {
  compile: () =>
    weighing(({ contenders, seed }) => ({
      order: ordered(contenders, seed, keys),
      notes: contenders.length === 0 ? [] : [`soonest: earliest start by the median${silentNote(contenders)}`],
    })),
};

function keys(contender: Contender): readonly number[] {
  const { offer } = contender;
  return offer === null ? [1, ...withoutOffer(contender)] : [0, offer.startP50, offer.startP90];
}
