import { describe, expect, it } from 'vitest';
import { Interruption } from './interruption.ts';

const never = new Promise<never>(() => {});

describe('Interruption', () => {
  it('lets work end by itself', async () => {
    const interruption = new Interruption<string>();
    expect(await interruption.orInterrupted(Promise.resolve(7))).toBe(7);
    await expect(interruption.orInterrupted(Promise.reject(new Error('own')))).rejects.toThrow('own');
  });

  it('cuts all that waits, and all that comes later, with the first reason', async () => {
    const interruption = new Interruption<string>();
    const waiting = [interruption.orInterrupted(never), interruption.orInterrupted(never)];
    interruption.interrupt('first');
    interruption.interrupt('second');
    for (const each of [...waiting, interruption.orInterrupted(Promise.resolve(7))]) {
      await expect(each).rejects.toBe('first');
    }
    expect(interruption.reason).toBe('first');
  });

  it('leaves no unhandled rejection of work that it gave up', async () => {
    const interruption = new Interruption<string>();
    interruption.interrupt('over');
    await expect(interruption.orInterrupted(Promise.reject(new Error('late')))).rejects.toBe('over');
    // An unhandled rejection would fail the test run.
    await new Promise((resolve) => setImmediate(resolve));
  });
});
