/** A value that is none: which option, and what it must be. */
import { invalid } from '../../errors.ts';
import { wrong } from '../getopt.ts';
import type { Spot } from '../report.ts';
import type { Chosen } from './choices.ts';

/** Where something without a place of its own is said to be wrong: the script's first line. */
export const START: Spot = { line: 1, column: 1 };

/** `right`: "a whole number". Throws `invalid_input`, with line and column unless the command line said it. */
export function refuse({ at, what }: Chosen, right: string, least?: number): never {
  const must = `must be ${right}${least === undefined ? '' : ` from ${least}`}`;
  if (at === null) throw invalid(what, must);
  throw wrong(at, `${what.slice(0, 80)}: ${must}`);
}
