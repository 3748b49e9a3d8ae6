import { expect, test } from 'vitest';
import { RainbowError } from '../core/errors.ts';
import { checkJobId, checkJobName, checkSequence, checkState, checkText, parseJobspec } from './input.ts';

function refusal(act: () => unknown): RainbowError {
  try {
    act();
  } catch (error) {
    if (error instanceof RainbowError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

test.each(['1', '42', '9223372036854775807'])('%s is a job id', (id) => {
  expect(checkJobId(id, 'id')).toBe(id);
});

test.each(['', '0', '-1', '01', '1.5', '1e3', 'x', '9223372036854775808', '99999999999999999999', "1' OR '1'='1"])(
  '%j is no job id',
  (id) => {
    expect(refusal(() => checkJobId(id, 'id'))).toMatchObject({ code: 'invalid_input', place: 'id' });
  },
);

test('a sequence number is whole, from 0, and empty is 0', () => {
  expect(checkSequence('', 'after_seq')).toBe(0);
  expect(checkSequence('12', 'after_seq')).toBe(12);
  for (const wrong of ['-1', '1.5', '9223372036854775807', 'x']) refusal(() => checkSequence(wrong, 'after_seq'));
});

test("a job's name is one printable line of bounded length", () => {
  expect(checkJobName(`it's "quoted" 100% ✓`, 'name')).toBe(`it's "quoted" 100% ✓`);
  const turned = ['\u202a', '\u202e', '\u2066', '\u2069'].map((mark) => `invoice${mark}exe.txt`);
  const split = ['\u2028', '\u2029'].map((separator) => `two${separator}lines`);
  for (const wrong of ['two\nlines', 'nul\0', 'esc\u001b[31m', 'x'.repeat(257), ...turned, ...split]) {
    expect(refusal(() => checkJobName(wrong, 'name')).code).toBe('invalid_input');
  }
  refusal(() => checkText('x'.repeat(2_000), 'message'));
});

test('a state is flat and finite', () => {
  expect(checkState({ a: 1, b: 'x', c: true, d: null }, 'payload')).toEqual({ a: 1, b: 'x', c: true, d: null });
  const wrong: [object, string][] = [
    [{ nodes: { free: 1 } }, 'payload.nodes'],
    [{ list: [1] }, 'payload.list'],
    [{ n: Number.NaN }, 'payload.n'],
    [{ n: Infinity }, 'payload.n'],
    [{ '': 1 }, 'payload.'],
    [JSON.parse('{"__proto__": 1}') as object, 'payload.__proto__'],
    [{ long: 'x'.repeat(5_000) }, 'payload.long'],
  ];
  for (const [state, place] of wrong) expect(refusal(() => checkState(state, 'payload')).place).toBe(place);
  refusal(() => checkState(Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`k${i}`, i])), 'payload'));
});

test('a jobspec is looked at for size before it is read', () => {
  expect(refusal(() => parseJobspec('  \n', 'jobspec'))).toMatchObject({ code: 'invalid_input', place: 'jobspec' });
  const large = refusal(() => parseJobspec(`# ${'x'.repeat(1 << 20)}`, 'jobspec'));
  expect(large).toMatchObject({ code: 'resource_exhausted', place: 'jobspec' });
  const escaped = refusal(() => parseJobspec('\u0001'.repeat(900_000), 'jobspec'));
  expect(escaped.code).toBe('resource_exhausted');
});
