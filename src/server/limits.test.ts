import { expect, test } from 'vitest';
import { addressOf, FailureLimit, SubmitLimit } from './limits.ts';

function limit() {
  const time = { ms: 0 };
  return { time, failures: new FailureLimit({ now: () => 0, monotonic: () => time.ms }) };
}

test('a hundred failures at once, then two a second', () => {
  const { time, failures } = limit();
  for (let i = 0; i < 100; i++) {
    failures.check('10.0.0.1:4000', 'red');
    failures.failed('10.0.0.1:4000', 'red');
  }
  expect(() => failures.check('10.0.0.1:4000', 'red')).toThrow(/too many failed attempts/);
  time.ms = 400;
  expect(() => failures.check('10.0.0.1:4000', 'red')).toThrow(/too many/);
  time.ms = 500;
  failures.check('10.0.0.1:4000', 'red');
  failures.failed('10.0.0.1:4000', 'red');
  expect(() => failures.check('10.0.0.1:4000', 'red')).toThrow(/too many/);
});

test('a new port is the same caller; another name or another address is not held up', () => {
  const { failures } = limit();
  for (let i = 0; i < 100; i++) failures.failed(`10.0.0.1:${4000 + i}`, 'red');
  expect(() => failures.check('10.0.0.1:9', 'red')).toThrow(/too many/);
  expect(() => failures.check('10.0.0.1:9', 'blue')).not.toThrow();
  expect(() => failures.check('10.0.0.2:9', 'red')).not.toThrow();
});

test('checking costs nothing', () => {
  const { failures } = limit();
  for (let i = 0; i < 1_000; i++) expect(() => failures.check('10.0.0.1:1', 'red')).not.toThrow();
});

test('the memory is bounded: the longest unused goes first', () => {
  const { failures } = limit();
  for (let i = 0; i < 100; i++) failures.failed('10.0.0.1:1', 'red');
  for (let i = 0; i < 10_000; i++) failures.failed('10.0.0.1:1', `other-${i}`);
  expect(() => failures.check('10.0.0.1:1', 'red')).not.toThrow();
});

test.each([
  ['127.0.0.1:50122', '127.0.0.1'],
  ['127.0.0.1', '127.0.0.1'],
  ['[::1]:50122', '::1'],
  ['ipv6:[2001:db8::2]:443', '2001:db8::2'],
  ['ipv4:10.1.2.3:443', '10.1.2.3'],
  ['::1', '::1'],
  ['unknown', 'unknown'],
])('the address in %s is %s', (peer, address) => {
  expect(addressOf(peer)).toBe(address);
});

test('submits: two seconds’ worth at once, then the rate; per owner; no limit where none is set', () => {
  const time = { ms: 0 };
  const clock = { now: () => 0, monotonic: () => time.ms };
  const submits = new SubmitLimit(clock, 5);
  for (let i = 0; i < 10; i++) submits.take('user:a');
  expect(() => submits.take('user:a')).toThrow(/you may submit 5 jobs a second/);
  expect(() => submits.take('user:b')).not.toThrow();
  time.ms = 200;
  submits.take('user:a');
  expect(() => submits.take('user:a')).toThrow(/wait a moment/);
  const free = new SubmitLimit(clock, null);
  for (let i = 0; i < 1_000; i++) free.take('user:a');
});
