/**
 * Offers in one currency. Amounts in different currencies cannot be compared by themselves: the operator's (or the
 * submitter's) option `rates` says what one unit of each is worth; without rates only the currency that most offers
 * are in is compared, and the others are noted and come after those that could be.
 *
 * `rates`: "USD=1, EUR=1.08, credits=0.01": each in units of one and the same reference, which need not be named.
 */
import { invalid } from '../errors.ts';
import type { Contender } from './policy.ts';

/** Worth of one unit, by currency; null: none were given. */
export type Rates = ReadonlyMap<string, number> | null;

export interface Amounts {
  /** In the common currency; null where there is no offer, no tariff, or no way to compare it. */
  of(contender: Contender): number | null;
  /** What could not be compared, for people; '' where all could. */
  readonly note: string;
}

/** Throws `invalid_input`. */
export function readRates(options: Readonly<Record<string, string>>): Rates {
  const written = options['rates'];
  if (written === undefined || written.trim() === '') return null;
  const rates = new Map<string, number>();
  for (const part of written.split(',')) {
    const [name = '', value = ''] = part.split('=', 2).map((each) => each.trim());
    const rate = value === '' ? Number.NaN : Number(value);
    if (name === '' || !Number.isFinite(rate) || rate <= 0) {
      throw invalid('rates', `"${part.trim().slice(0, 40)}" is not CURRENCY=WORTH; write it as in "USD=1, EUR=1.08"`);
    }
    if (rates.has(name)) throw invalid('rates', `${name.slice(0, 40)} stands there twice`);
    rates.set(name, rate);
  }
  return rates;
}

export function amountsOf(contenders: readonly Contender[], rates: Rates): Amounts {
  const worth = rates ?? new Map([[commonest(contenders), 1]]);
  const priced = contenders.flatMap(({ offer }) => offer?.cost ?? []);
  const apart = new Set(priced.map(({ currency }) => currency).filter((currency) => !worth.has(currency)));
  const names = [...apart].sort().join(', ');
  return {
    of({ offer }) {
      const cost = offer?.cost ?? null;
      const rate = cost === null ? undefined : worth.get(cost.currency);
      return cost === null || rate === undefined ? null : cost.amount * rate;
    },
    note: names === '' ? '' : `; not comparable (the option \`rates\` would make it so): ${names}`,
  };
}

/** The currency of most offers; of equals the first by name. */
function commonest(contenders: readonly Contender[]): string {
  const times = new Map<string, number>();
  for (const { offer } of contenders) {
    const currency = offer?.cost?.currency;
    if (currency !== undefined) times.set(currency, (times.get(currency) ?? 0) + 1);
  }
  const [first] = [...times].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return first?.[0] ?? '';
}
