/** Environment variables of a job or a task: name to value by source text, or null to unset. */
import { entries, isNull, kindOf, text, wrong } from './place.ts';
import type { Place } from './place.ts';

const MOST_VARIABLES = 5000;

export interface Environment {
  readonly environment: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
}

export const NO_ENVIRONMENT: Environment = { environment: {}, unset: [] };

export function readEnvironment(place: Place | null): Environment {
  if (place === null) return NO_ENVIRONMENT;
  const environment: Record<string, string> = Object.create(null);
  const unset: string[] = [];
  const variables = entries(place);
  if (variables.length > MOST_VARIABLES)
    throw wrong(place, `has more than ${MOST_VARIABLES} variables, which is the limit`);
  for (const [name, value] of variables) {
    if (name === '' || /[=\0]/.test(name)) {
      throw wrong(value, `${JSON.stringify(name.slice(0, 40))} cannot be the name of an environment variable`);
    }
    if (isNull(value)) unset.push(name);
    else if (text(value).includes('\0')) throw wrong(value, `must not hold a NUL character, as in ${kindOf(value)}`);
    else environment[name] = text(value);
  }
  return { environment, unset };
}
