/**
 * Time against money: the lowest of price + `money_per_hour` × hours until its end, by the median of the corrected
 * offer. `money_per_hour` is what an hour of waiting is worth, in the currency that is compared (amounts.ts).
 * Offers without a comparable price come after those with one, by end; then those that made no offer.
 */
import { invalid } from '../errors.ts';
import { amountsOf, readRates } from './amounts.ts';
import { ordered, silentNote, withoutOffer } from './order.ts';
import { weighing } from './policy.ts';
import type { Policy } from './policy.ts';

const HOUR = 3_600_000;

export const valuePolicy: Policy = {
  compile(options) {
    const rates = readRates(options);
    const perHour = readMoneyPerHour(options['money_per_hour']);
    return weighing(({ contenders, seed, now }) => {
      const amounts = amountsOf(contenders, rates);
      const order = ordered(contenders, seed, (each) => {
        const { offer } = each;
        if (offer === null) return [2, ...withoutOffer(each)];
        const amount = amounts.of(each);
        if (amount === null) return [1, offer.end, offer.startP90];
        return [0, amount + (perHour * (offer.end - now)) / HOUR, offer.startP90];
      });
      const note = `value: price + ${perHour} for each hour until its end${amounts.note}${silentNote(contenders)}`;
      return { order, notes: contenders.length === 0 ? [] : [note] };
    });
  },
};

function readMoneyPerHour(written: string | undefined): number {
  const value = written === undefined || written.trim() === '' ? Number.NaN : Number(written);
  if (Number.isFinite(value) && value >= 0) return value;
  throw invalid(
    'money_per_hour',
    `the value policy needs the option \`money_per_hour\`, a number of at least 0: what an hour of waiting is worth${
      written === undefined ? '' : `; not "${written.slice(0, 40)}"`
    }`,
  );
}
