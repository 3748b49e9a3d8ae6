/**
 * Which selection policy a submit gets: the server's, or the caller's own where the operator allows it. The caller's
 * options count for its one request only.
 */
import { invalid, RainbowError } from '../core/errors.ts';
import type { Policy } from '../core/select/policy.ts';
import { policies, policyNamed } from '../core/select/policies.ts';
import { LIMITS } from './limits.ts';
import type { Settings } from './parts.ts';

export interface ChosenPolicy {
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
  /** Compiled with those options: they are right. */
  readonly select: ReturnType<Policy['compile']>;
}

/**
 * `asked.name` '' is the server's own. Naming the server's own policy without options means that policy as the server
 * has it. Throws `invalid_input` for an unknown policy or wrong options.
 * A caller that may not choose is refused; the prototype's gets the server's policy instead, since its Python client
 * always names one, and hears of an unknown one in the prototype's words.
 */
export function choosePolicy(
  settings: Pick<Settings, 'policy' | 'policyOptions' | 'clientMayChoosePolicy' | 'allowedPolicies'>,
  asked: { readonly name: string; readonly options: Readonly<Record<string, string>> },
  caller: 'ours' | 'prototype',
): ChosenPolicy {
  const options = Object.entries(asked.options);
  const own = asked.name === '' || (asked.name === settings.policy && options.length === 0);
  if (own) {
    if (options.length > 0) {
      throw invalid('policy_options', 'there are options, but no policy; name the policy that they are for');
    }
    return ownPolicy(settings);
  }
  if (!settings.clientMayChoosePolicy) {
    if (caller === 'prototype') return compiled(settings.policy, settings.policyOptions);
    throw new RainbowError(
      'permission_denied',
      `this server selects by "${settings.policy}" and lets nobody choose otherwise: submit without a policy`,
    );
  }
  const { allowedPolicies } = settings;
  if (allowedPolicies !== null && !allowedPolicies.includes(asked.name)) {
    if (caller === 'prototype') return compiled(settings.policy, settings.policyOptions);
    throw new RainbowError(
      'permission_denied',
      `this server lets one choose only ${allowedPolicies.join(', ')}, or none: then it selects by "${settings.policy}"`,
    );
  }
  const length = options.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  if (options.length > LIMITS.policyOptions || length > LIMITS.policyText) {
    throw new RainbowError(
      'resource_exhausted',
      `policy options: at most ${LIMITS.policyOptions}, of ${LIMITS.policyText} characters in all`,
    );
  }
  if (caller === 'prototype' && policies[asked.name] === undefined) {
    throw new RainbowError('invalid_input', `did not find algorithm named ${asked.name.slice(0, 80)}`);
  }
  return compiled(asked.name, { ...asked.options });
}

type Own = Pick<Settings, 'policy' | 'policyOptions'>;
/** Settings do not change while the server runs. */
const owns = new WeakMap<Own, ChosenPolicy>();

function ownPolicy(settings: Own): ChosenPolicy {
  let own = owns.get(settings);
  if (own === undefined) owns.set(settings, (own = compiled(settings.policy, settings.policyOptions)));
  return own;
}

/** Throws `invalid_input` for an unknown policy or wrong options. */
export function compiled(name: string, options: Readonly<Record<string, string>>): ChosenPolicy {
  return { name, options, select: policyNamed(name).compile(options) };
}
