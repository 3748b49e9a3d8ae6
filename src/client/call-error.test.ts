import { expect, test } from 'vitest';
import { callError } from './call-error.ts';

const broken = { code: 14, details: 'Connection dropped', named: null };
const facts = { address: 'localhost:1', secure: false, method: 'rainbow.v1.JobService/Submit' };

test('a call that broke may have been carried out; a stream that one follows carries nothing out', () => {
  expect(callError(broken, { ...facts, timeoutMs: 1000 })).toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('it is not known whether the call was carried out'),
  });
  expect(callError(broken, { ...facts, timeoutMs: null }).message).toBe('the connection to localhost:1 broke');
});
