/** Hostlists in a jobspec: checked where they stand (core/hostlist.ts reads them). */
import { problemOf, splitHostlist } from '../hostlist.ts';
import { wrong } from './place.ts';
import type { Place } from './place.ts';

const MOST_EXPRESSIONS = 10_000;

/** The comma-separated expressions of one hostlist string, checked. Throws `invalid_input` at `place`. */
export function readHostlist(text: string, place: Place): readonly string[] {
  const expressions = splitHostlist(text);
  if (expressions === null) throw wrong(place, 'a bracket of the hostlist is not closed (RFC 29)');
  if (expressions.length > MOST_EXPRESSIONS) {
    throw wrong(place, `lists more than ${MOST_EXPRESSIONS} hosts; write them as ranges, host[1-20000]`);
  }
  for (const expression of expressions) {
    const problem = problemOf(expression);
    if (problem !== null) throw wrong(place, problem);
  }
  return expressions;
}
