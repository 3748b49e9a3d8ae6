import { expect, test } from 'vitest';
import type { ReasonCode } from '../core/job/state.ts';
import type { AttemptRecord } from '../store/store.ts';
import { readRefusals } from './refusals.ts';

const attempt = (cluster: string | null, code: ReasonCode, endedAt: number | null): AttemptRecord => ({
  epoch: 1,
  cluster,
  nativeId: null,
  state: 'received',
  reason: { code, message: `${code}!` },
  assignedAt: 0,
  receivedAt: 0,
  acceptedAt: null,
  startedAt: null,
  endedAt,
  exitCode: null,
  signal: null,
});

test('a cluster that refused is left alone for a time that doubles', () => {
  const once = [attempt('red', 'refused', 1_000)];
  expect([...readRefusals(once, 30_999, 30).excluded.keys()]).toEqual(['red']);
  expect([...readRefusals(once, 31_000, 30).excluded.keys()]).toEqual([]);
  // What is wrong with it, the refusal says.
  expect(readRefusals(once, 2_000, 30).excluded.get('red')).toBe(
    'it gave this job back (refused: refused!) and is not asked again yet',
  );
  const twice = [...once, attempt('red', 'refused', 40_000)];
  expect([...readRefusals(twice, 99_999, 30).excluded.keys()]).toEqual(['red']);
  expect([...readRefusals(twice, 100_000, 30).excluded.keys()]).toEqual([]);
  expect(readRefusals(twice, 100_000, 30).refused.get('red')).toEqual({ times: 2, message: 'refused!' });
});

test('not holding a job is forgiven once and is no refusal; other ways back are neither', () => {
  const once = [
    attempt('red', 'not_held', 1_000),
    attempt('blue', 'lease_expired', 1_000),
    attempt(null, 'refused', null),
  ];
  expect(readRefusals(once, 2_000, 30)).toEqual({ excluded: new Map(), refused: new Map() });
  const twice = readRefusals([...once, attempt('red', 'not_held', 1_000)], 2_000, 30);
  expect([...twice.excluded.keys()]).toEqual(['red']);
  expect(twice.refused.size).toBe(0);
});
