import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createOutputWindow, type OutputWindow } from './output-window.ts';
import { caseSeed } from '../core/translate/testing/cases.ts';

const CAP = 1000;
const at = (offset: number) => ({ task: 0, stream: 'stdout' as const, offset });
const piece = (offset: number, bytes: number) => ({ ...at(offset), data: new Uint8Array(bytes), at: 0 });

/** A task that writes, read in steps of at most `step` bytes; what was sent, byte by byte. */
class Task {
  readonly window: OutputWindow = createOutputWindow(CAP, Number.MAX_SAFE_INTEGER);
  readonly sent = new Set<number>();
  bytes = 0;
  sentTo = 0;
  length = 0;
  readonly #step: number;

  constructor(step: number) {
    this.#step = step;
  }

  /** One read and send; was there anything? */
  send(isOpen: boolean): boolean {
    const from = this.window.positions(isOpen)[0]?.offset ?? 0;
    const bytes = Math.max(0, Math.min(this.#step, this.length - from));
    for (let offset = from; offset < from + bytes; offset++) this.sent.add(offset);
    this.bytes += bytes;
    if (bytes > 0) this.sentTo = from + bytes;
    this.window.sent(bytes === 0 ? [] : [piece(from, bytes)], [at(this.length)]);
    return bytes > 0;
  }

  drain(isOpen: boolean): void {
    // The server acknowledges what came.
    while (this.send(isOpen)) this.window.acknowledged(at(this.sentTo));
  }
}

test('however a task writes and whoever follows, the server has the head and the whole tail at the end', () => {
  const step = fc.record({
    write: fc.nat(3000),
    do: fc.constantFrom('send', 'follow', 'round', 'break', 'nothing'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 700 }), (steps, size) => {
      const task = new Task(size);
      for (const { write, do: act } of steps) {
        task.length += write;
        if (act === 'send') task.send(false);
        else if (act === 'follow') task.send(true);
        else if (act === 'round') task.window.beginRound();
        else if (act === 'break') task.window.restart();
        if (act === 'round') task.drain(false);
      }
      task.drain(true);
      const missing = (from: number, to: number): number[] =>
        Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i).filter((offset) => !task.sent.has(offset));
      expect(missing(0, Math.min(task.length, CAP / 2))).toEqual([]);
      expect(missing(Math.max(0, task.length - CAP / 2), task.length)).toEqual([]);
    }),
    { seed: caseSeed },
  );
});

test('a task that writes much and that nobody follows sends little: head, rounds, tail', () => {
  const task = new Task(100);
  for (let i = 0; i < 1000; i++) {
    task.length += 10_000;
    task.send(false);
    if (i % 250 === 249) {
      task.window.beginRound();
      task.drain(false);
    }
  }
  expect(task.bytes).toBeLessThan(6 * CAP);
  task.drain(true);
  expect(task.length).toBe(10_000_000);
  expect(task.bytes).toBeLessThan(6 * CAP);
});

test('only bytes that were sent are on the way, and a break sends again what was not acknowledged', () => {
  const window = createOutputWindow(CAP, Number.MAX_SAFE_INTEGER);
  window.sent([piece(0, 500)], [at(500_000)]);
  const { offset } = window.positions(true)[0]!;
  expect(offset).toBe(499_500);
  window.sent([piece(offset, 100)], [at(500_000)]);
  expect(window.onTheWay()).toBe(600);
  window.acknowledged(at(500));
  expect(window.onTheWay()).toBe(100);
  window.restart();
  expect(window.onTheWay()).toBe(0);
  expect(window.positions(true)).toEqual([at(499_500)]);
  window.acknowledged(at(499_600));
});

test('of a stream whose length cannot be seen no more than so much is sent', () => {
  const window = createOutputWindow(CAP, 5000);
  for (let offset = 0; offset < 5000; offset += 500) {
    expect(window.positions(true)[0]?.offset ?? 0).toBe(offset);
    window.sent([piece(offset, 500)], undefined);
  }
  expect(window.positions(true)[0]!.offset).toBe(Number.MAX_SAFE_INTEGER);
});
