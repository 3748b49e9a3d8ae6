/** The state table under any sequence of moves that anybody might try. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { DEBITED_STATES, HELD_STATES, isAllowed, isFinal, JOB_STATES, REASON_CODES, TRANSITIONS } from './state.ts';
import type { JobState } from './state.ts';

const state = fc.constantFrom(...JOB_STATES);
const FINAL: readonly JobState[] = ['completed', 'failed', 'canceled', 'rejected'];

/** Moves that are not allowed lose the race and change nothing. */
function after(from: JobState, tries: readonly JobState[]): readonly JobState[] {
  const states = [from];
  for (const to of tries) if (isAllowed(states.at(-1)!, to)) states.push(to);
  return states;
}

test('the table is closed: every state has a row, every target is a state, once', () => {
  expect(Object.keys(TRANSITIONS).sort()).toEqual([...JOB_STATES].sort());
  for (const targets of Object.values(TRANSITIONS)) {
    expect(targets.filter((to) => !JOB_STATES.includes(to))).toEqual([]);
    expect(new Set(targets).size).toBe(targets.length);
  }
});

test('a final state stays, whatever is tried', () => {
  fc.assert(
    fc.property(state, fc.array(state, { maxLength: 40 }), (from, tries) => {
      const states = after(from, tries);
      const left = states.filter((each, index) => isFinal(each) && index < states.length - 1);
      expect(left).toEqual([]);
    }),
  );
  expect(JOB_STATES.filter(isFinal)).toEqual(FINAL);
});

test('no job skips the decision: it is held only after it was assigned', () => {
  fc.assert(
    fc.property(fc.array(state, { maxLength: 60 }), (tries) => {
      const states = after('pending', tries);
      const before = (to: JobState): readonly JobState[] => states.filter((_, index) => states[index + 1] === to);
      expect(before('received').filter((each) => each !== 'assigned')).toEqual([]);
      expect(before('rejected').filter((each) => each !== 'pending')).toEqual([]);
      const held = states.filter((each) => (HELD_STATES as readonly JobState[]).includes(each));
      expect(held[0] ?? 'received').toBe('received');
    }),
    { numRuns: 500 },
  );
});

test('every state that is not final can be canceled, and those after pending can go back to it', () => {
  for (const from of JOB_STATES.filter((each) => !isFinal(each))) {
    expect(TRANSITIONS[from]).toContain('canceled');
    expect(TRANSITIONS[from]).not.toContain(from);
    expect([...TRANSITIONS[from], from]).toContain('pending');
  }
});

test('every state is reached from pending', () => {
  const reached = new Set<JobState>(['pending']);
  for (const each of reached) for (const to of TRANSITIONS[each]) reached.add(to);
  expect([...reached].sort()).toEqual([...JOB_STATES].sort());
});

test('what a cluster holds is debited, and nothing that is final or pending is', () => {
  expect(HELD_STATES.filter((each) => !(DEBITED_STATES as readonly JobState[]).includes(each))).toEqual([]);
  expect(DEBITED_STATES.filter((each) => isFinal(each) || (each as JobState) === 'pending')).toEqual([]);
});

test('reason codes are distinct', () => {
  expect(new Set(REASON_CODES).size).toBe(REASON_CODES.length);
});
