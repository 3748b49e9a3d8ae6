/** A policy that we did not write: whatever it does, the job waits and the note says why. */
import { expect, onTestFinished, test } from 'vitest';
import { guarded } from './guarded.ts';
import type { Policy, SelectInput } from './policy.ts';

const input: SelectInput = {
  contenders: [{ cluster: 'red', startable: true, state: {}, hasState: false, offer: null }],
  parameters: {},
  seed: '1',
  now: 0,
  job: { walltime: 60, priority: 0, submittedAt: 0, deadline: null },
};

const answering = (answer: () => unknown) => guarded('own', { compile: () => answer as never }).compile({});

test.each([
  [
    'throws',
    () => {
      throw new Error('boom');
    },
    'policy own failed: boom',
  ],
  [
    'throws nothing',
    () => {
      throw undefined;
    },
    'policy own failed: undefined',
  ],
  ['answers null', () => null, 'policy own must answer {order, notes}'],
  ['answers what is no name', () => ({ order: [1] }), 'policy own must answer {order, notes}'],
  ['answers later', async () => ({ order: ['red'] }), 'policy own must answer at once, not with a promise'],
  [
    'fails later',
    async () => {
      throw new Error('late');
    },
    'policy own must answer at once, not with a promise',
  ],
])('one that %s chooses nobody', (_, answer, note) => {
  const { order, notes } = answering(answer)(input);
  expect(order).toEqual([]);
  expect(notes).toEqual([expect.stringContaining(note)]);
});

test('what fails later ends nothing, neither at a decision nor where it is compiled', async () => {
  const unheard: unknown[] = [];
  const hear = (error: unknown): void => void unheard.push(error);
  process.on('unhandledRejection', hear);
  onTestFinished(() => void process.off('unhandledRejection', hear));
  const late = async (): Promise<never> => {
    throw new Error('late');
  };
  answering(late)(input);
  const policy = { compile: late } as unknown as Policy;
  expect(() => guarded('own', policy).compile({})).toThrow(/must not be `async`/);
  // Rejections that nobody heard of are told at the end of a turn.
  await new Promise((resolve) => setImmediate(resolve));
  expect(unheard).toEqual([]);
});
