/** The selection policies there are. A new one is one line here and is admitted by `policies.test.ts`. */
import { RainbowError } from '../errors.ts';
import { constraintPolicy } from './constraint.ts';
import { firstPolicy } from './first.ts';
import type { Policy } from './policy.ts';
import { randomPolicy } from './random.ts';

/** Without a prototype: a name such as `constructor` is not found. */
export const policies: Readonly<Record<string, Policy>> = Object.freeze(
  Object.assign(Object.create(null) as Record<string, Policy>, {
    constraint: constraintPolicy,
    first: firstPolicy,
    random: randomPolicy,
  }),
);

/** Throws `invalid_input`. The beginning of the message is the prototype's, which its clients may look for. */
export function policyNamed(name: string): Policy {
  const policy = policies[name];
  if (policy === undefined) {
    const known = Object.keys(policies).sort().join(', ');
    throw new RainbowError('invalid_input', `did not find algorithm named ${name.slice(0, 80)}; there is ${known}`);
  }
  return policy;
}
