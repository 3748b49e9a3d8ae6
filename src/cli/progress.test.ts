/** What is said while something moves stands on a line of its own. */
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { realSystem } from '../system/real.ts';
import type { Timers } from '../system/system.ts';
import { invocation } from './invocation.ts';
import { startProgress } from './progress.ts';

test('the spinner is taken away before a line is said, and shown again below it', () => {
  let tick = (): void => {};
  let now = 0;
  const written: string[] = [];
  const timers: Timers = {
    ...realSystem.timers,
    every(_ms, run) {
      tick = run;
      return { cancel() {} };
    },
  };
  const terminal = { write: (text: string | Uint8Array) => void written.push(String(text)), isTTY: true, columns: 80 };
  const io = {
    stdout: terminal,
    stderr: terminal,
    readStdin: async () => '',
    env: {},
    system: { ...realSystem, timers, clock: { ...realSystem.clock, monotonic: () => now } },
    signal: new AbortController().signal,
  };
  const called = invocation(io, new Command());
  const progress = startProgress(called, 'asking');
  called.say('early');
  now = 600;
  tick();
  called.say('one');
  called.say('two');
  tick();
  progress.end();
  const erase = '\r\u001b[2K';
  expect(written).toEqual([
    'rainbow: early\n',
    expect.stringContaining('asking'),
    erase,
    'rainbow: one\n',
    'rainbow: two\n',
    expect.stringContaining('asking'),
    erase,
  ]);
});
