/**
 * The lowest price; among equals the earliest start. Offers without a price (no tariff, or in a currency that cannot be
 * compared) come after those with one, by start; then those that made no offer.
 */
import { amountsOf, readRates } from './amounts.ts';
import type { Amounts } from './amounts.ts';
import { ordered, silentNote, withoutOffer } from './order.ts';
import type { Keys } from './order.ts';
import { weighing } from './policy.ts';
import type { Contender, Policy } from './policy.ts';

export const cheapestPolicy: Policy = {
  compile(options) {
    const rates = readRates(options);
    return weighing(({ contenders, seed }) => {
      const amounts = amountsOf(contenders, rates);
      const note = `cheapest: lowest price, then earliest start${amounts.note}${silentNote(contenders)}`;
      return {
        order: ordered(contenders, seed, (each) => byPrice(each, amounts)),
        notes: contenders.length === 0 ? [] : [note],
      };
    });
  },
};

/** Priced offers first, by price and start; then others by start; then those without an offer. */
export function byPrice(contender: Contender, amounts: Amounts): Keys {
  const { offer } = contender;
  if (offer === null) return [2, ...withoutOffer(contender), 0];
  const amount = amounts.of(contender);
  return amount === null ? [1, offer.startP50, offer.startP90, 0] : [0, amount, offer.startP50, offer.startP90];
}
