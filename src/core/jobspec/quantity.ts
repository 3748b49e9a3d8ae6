/** Amounts of memory on the command line: `64GB`, `4GiB`, `1.5 TB`. G is GB (10^9), Gi is GiB (2^30). */
import { invalid } from '../errors.ts';
import { LARGEST } from './place.ts';

const PREFIXES = ['', 'K', 'M', 'G', 'T', 'P'];

/** A whole number of a unit; a fraction goes to the next smaller unit (1.5GB is 1500 MB). */
export function readQuantity(written: string, place: string): { readonly amount: number; readonly unit: string } {
  const found = /^(\d{1,15}(?:\.\d{1,9})?)\s*(?:([KMGTP])(I)?B?|B)$/i.exec(written.trim());
  if (found === null) {
    const bare = /^\d+(\.\d+)?$/.test(written.trim());
    const remedy = bare ? `say ${written.trim()}GB or ${written.trim()}MiB` : 'write it as 64GB, 4GiB or 512MB';
    throw invalid(place, `${JSON.stringify(written.slice(0, 40))} is no amount of memory; ${remedy}`);
  }
  const binary = found[3] !== undefined;
  let amount = Number(found[1]);
  let prefix = PREFIXES.indexOf((found[2] ?? '').toUpperCase());
  while (!Number.isInteger(amount) && prefix > 0) {
    amount = Math.round(amount * (binary ? 1024 : 1000) * 1e6) / 1e6;
    prefix -= 1;
  }
  amount = Math.ceil(amount);
  if (amount < 1 || amount > LARGEST) {
    throw invalid(
      place,
      `${JSON.stringify(written.slice(0, 40))} is out of range; use a larger unit or a whole number`,
    );
  }
  return { amount, unit: `${PREFIXES[prefix]}${binary && prefix > 0 ? 'i' : ''}B` };
}
