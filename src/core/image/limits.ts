/** How much one compatibility document may ask for: it is evaluated for every kind of node, on the server's own time. */
import { wrong, type Place } from '../jobspec/place.ts';
import type { DocumentLimits } from '../jobspec/document.ts';

/** Of the document as text. */
export const COMPATIBILITY_LIMITS: DocumentLimits = { bytes: 256 * 1024, tokens: 40_000, depth: 32, values: 20_000 };

const MOST_SETS = 100;
const MOST_RULES = 500;
const MOST_EXPRESSIONS = 2_000;
const MOST_VALUES = 10_000;

export class Budget {
  #sets = 0;
  #rules = 0;
  #expressions = 0;
  #values = 0;

  set(place: Place): void {
    if (++this.#sets > MOST_SETS) throw tooMany(place, 'sets', MOST_SETS);
  }

  rule(place: Place): void {
    if (++this.#rules > MOST_RULES) throw tooMany(place, 'rules', MOST_RULES);
  }

  expression(place: Place): void {
    if (++this.#expressions > MOST_EXPRESSIONS) throw tooMany(place, 'expressions', MOST_EXPRESSIONS);
  }

  values(place: Place, count: number): void {
    this.#values += count;
    if (this.#values > MOST_VALUES) throw tooMany(place, 'values', MOST_VALUES);
  }
}

function tooMany(place: Place, what: string, most: number): Error {
  return wrong(place, `more than ${most} ${what} in one document, which is the limit`);
}
