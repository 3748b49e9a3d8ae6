import { expect, test } from 'vitest';
import type { OutputChunk } from '../../gen/rainbow/v1/jobs_pb.js';
import type { Invocation } from '../invocation.ts';
import { OutputPrinter } from './output.ts';

function printer(options: { task?: number; json?: boolean } = {}) {
  const shown = { out: '', said: [] as string[] };
  const sink = { write: (text: string | Uint8Array) => void (shown.out += Buffer.from(text as string).toString()) };
  const invocation = {
    io: { stdout: sink, stderr: sink },
    json: options.json === true,
    print: (text: string) => void (shown.out += `${text}\n`),
    say: (text: string) => void shown.said.push(text),
  } as unknown as Invocation;
  const made = new OutputPrinter(invocation, { task: options.task, label: false });
  const show = (task: number, offset: number, text: string): void =>
    made.show({
      task,
      stream: 1,
      offset: String(offset),
      data: Buffer.from(text),
      notKept: '0',
    } as unknown as OutputChunk);
  const miss = (task: number, offset: number, bytes: number): void =>
    made.show({
      task,
      stream: 1,
      offset: String(offset),
      data: Buffer.alloc(0),
      notKept: String(bytes),
    } as unknown as OutputChunk);
  return { shown, show, miss, made };
}

test('what a new connection brings again is shown once, to the byte', () => {
  const { shown, show } = printer();
  show(0, 0, 'one ');
  show(1, 0, 'other ');
  show(0, 0, 'one ');
  show(0, 0, 'one two ');
  show(0, 8, 'three');
  expect(shown).toEqual({ out: 'one other two three', said: [] });
});

test('what was not kept is told: within a stream, at its end, and once', () => {
  const { shown, show, miss } = printer();
  show(0, 0, 'abc');
  show(0, 5, 'd');
  miss(0, 6, 4);
  miss(0, 6, 4);
  miss(0, 3, 7);
  miss(1, 0, 1);
  miss(2, 0, 12_900_000);
  expect(shown.out).toBe('abcd');
  expect(shown.said).toEqual([
    'task 0 stdout: … 2 bytes not kept …',
    'task 0 stdout: … 4 bytes not kept …',
    'task 1 stdout: … 1 byte not kept …',
    'task 2 stdout: … 12.3 MiB not kept …',
  ]);
});

test('a stream that was not cut ends without a word; another task’s gap is nobody’s business', () => {
  const { shown, show, made } = printer({ task: 0 });
  show(0, 0, 'abc');
  show(0, 3, '');
  show(4, 9, '');
  expect(shown).toEqual({ out: 'abc', said: [] });
  expect(made.highestTask).toBe(4);
});

test('a new attempt begins anew', () => {
  const { shown, show, made } = printer();
  show(0, 0, 'abc');
  made.beginAttempt();
  show(0, 0, 'xy');
  expect(shown.out).toBe('abcxy');
});

test('for programs a gap is a line of its own', () => {
  const { shown, show, miss } = printer({ json: true });
  show(0, 0, 'abc');
  miss(0, 3, 7);
  expect(
    shown.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toMatchObject([
    { offset: 0, data: 'abc' },
    { offset: 3, data: '', notKept: 7 },
  ]);
});
