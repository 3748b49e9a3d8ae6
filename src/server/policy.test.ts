/** Who may choose which policy. */
import { expect, test } from 'vitest';
import { choosePolicy } from './policy.ts';

const settings = { policy: 'random', policyOptions: {}, clientMayChoosePolicy: true, allowedPolicies: ['soonest'] };
const ask = (name: string, more: Partial<typeof settings> | { allowedPolicies: null } = {}) => ({
  ours: () => choosePolicy({ ...settings, ...more }, { name, options: {} }, 'ours').name,
  prototype: () => choosePolicy({ ...settings, ...more }, { name, options: {} }, 'prototype').name,
});

test('of a list, only those that stand in it, and always the server’s own', () => {
  expect(ask('soonest').ours()).toBe('soonest');
  expect(ask('random').ours()).toBe('random');
  expect(ask('').ours()).toBe('random');
  expect(ask('first').ours).toThrow(/lets one choose only soonest, or none: then it selects by "random"/);
  expect(ask('first').prototype()).toBe('random');
});

test('without a list, any that there is', () => {
  expect(ask('first', { allowedPolicies: null }).ours()).toBe('first');
  expect(ask('fastest', { allowedPolicies: null }).ours).toThrow(/did not find algorithm named fastest/);
  expect(ask('first', { clientMayChoosePolicy: false }).ours).toThrow(/lets nobody choose otherwise/);
});
