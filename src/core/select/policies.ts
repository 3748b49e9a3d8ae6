/**
 * The selection policies there are. A new one is one line here and is admitted by `policies.test.ts`; one of the
 * operator's own is registered at start (`registerPolicy`), by whoever loaded it.
 */
import { invalid, RainbowError } from '../errors.ts';
import { celPolicy } from './cel/cel.ts';
import { cheapestPolicy } from './cheapest.ts';
import { constraintPolicy } from './constraint.ts';
import { deadlinePolicy } from './deadline.ts';
import { firstPolicy } from './first.ts';
import { guarded } from './guarded.ts';
import { leastLoadedPolicy } from './least-loaded.ts';
import type { Policy } from './policy.ts';
import { randomPolicy } from './random.ts';
import { roundRobinPolicy } from './round-robin.ts';
import { soonestPolicy } from './soonest.ts';
import { valuePolicy } from './value.ts';

const builtIn: Readonly<Record<string, Policy>> = {
  cel: celPolicy,
  cheapest: cheapestPolicy,
  constraint: constraintPolicy,
  deadline: deadlinePolicy,
  first: firstPolicy,
  'least-loaded': leastLoadedPolicy,
  random: randomPolicy,
  'round-robin': roundRobinPolicy,
  soonest: soonestPolicy,
  value: valuePolicy,
};

/** Without a prototype: a name such as `constructor` is not found. */
const known: Record<string, Policy> = Object.assign(Object.create(null) as Record<string, Policy>, builtIn);

export const policies: Readonly<Record<string, Policy>> = known;

/**
 * A policy of the operator's own, called at start. What it throws or makes up at a decision is held against it
 * (guarded.ts). The same name again replaces it; throws `invalid_input` for a name that is built in, or is none.
 */
export function registerPolicy(name: string, policy: Policy): void {
  if (!/^[A-Za-z][\w.-]{0,63}$/.test(name)) {
    throw invalid('policies', `"${name.slice(0, 80)}" is no name; take letters, digits, "-", "_" and "."`);
  }
  if (Object.hasOwn(builtIn, name)) throw invalid('policies', `${name} is built in; choose another name`);
  known[name] = guarded(name, policy);
}

/** Throws `invalid_input`. The beginning of the message is the prototype's, which its clients may look for. */
export function policyNamed(name: string): Policy {
  const policy = policies[name];
  if (policy === undefined) {
    const names = Object.keys(policies).sort().join(', ');
    throw new RainbowError('invalid_input', `did not find algorithm named ${name.slice(0, 80)}; there is ${names}`);
  }
  return policy;
}
