import { expect, test } from 'vitest';
import { askedEnd, whyStop } from './asked-end.ts';
import { JOB_STATES } from './state.ts';

test('a user’s cancel is canceled, from everywhere', () => {
  for (const state of JOB_STATES) {
    expect(askedEnd({ state, cancelCode: 'user' }, 'gone')).toEqual({
      to: 'canceled',
      reason: { code: 'user', message: 'gone' },
    });
  }
  expect(askedEnd({ state: 'pending', cancelCode: null }, '').to).toBe('canceled');
  const said = { state: 'running', cancelCode: 'user', cancelMessage: 'typo' } as const;
  expect(askedEnd(said, 'gone').reason).toEqual({ code: 'user', message: 'typo' });
  expect(whyStop(said)).toEqual({ code: 'user', message: 'typo' });
});

test('a deadline’s is failed wherever the table allows it, and says deadline everywhere', () => {
  const to = (state: (typeof JOB_STATES)[number]): string => {
    const end = askedEnd({ state, cancelCode: 'deadline' }, '');
    expect(end.reason.code).toBe('deadline');
    return end.to;
  };
  expect((['pending', 'accepted', 'running', 'unknown'] as const).map(to)).toEqual(Array(4).fill('failed'));
  expect((['assigned', 'received'] as const).map(to)).toEqual(['canceled', 'canceled']);
});
