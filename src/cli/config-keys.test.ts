import { expect, test } from 'vitest';
import { unknownKeys } from './config-keys.ts';

test('keys that say nothing are named by their path', () => {
  expect(unknownKeys('clusters: [{name: a, tokn: b}]\ncluser: {}\nscheduler: {algorithms: {match: {nam: x}}}')).toEqual(
    ['clusters[0].tokn', 'cluser', 'scheduler.algorithms.match.nam'],
  );
});

test('what is known, and what options say, is no matter', () => {
  const text =
    'host: a\ngraphdatabase: {name: memory, options: {host: b, any: c}}\ngroups: [{name: g, token: t}]\ncluster:';
  expect(unknownKeys(text)).toEqual([]);
  expect(unknownKeys('')).toEqual([]);
});
