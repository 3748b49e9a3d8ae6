/**
 * For tests: waiting on a condition. It waits as long as the test itself may take, less what it needs to say what it
 * waited for: on a slow machine nothing fails that would have come. Outside of a test (in a hook, in a program that a
 * test starts) it waits for a minute and a half.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { TestRunner } from 'vitest';

/** What counts as found: anything but nothing and no. */
export type Found<T> = Exclude<T, null | undefined | false | 0 | ''>;

const BETWEEN_MS = 20;
const OUTSIDE_MS = 90_000;

/**
 * Looks again and again until there is something, and answers it. An error of `look` goes through at once.
 * `seen`: what is said besides, when it never comes.
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  seen: () => string | Promise<string> = () => '',
): Promise<Found<T>> {
  for (const isLate = patience(); ;) {
    const found = await look();
    if (found) return found as Found<T>;
    if (isLate()) throw new Error(`never: ${what}\n${await seen()}`);
    await pause(BETWEEN_MS);
  }
}

/** Does it again and again until it throws nothing, and answers what it then does; the last error, when it never does. */
export async function untilHolds<T>(act: () => T | Promise<T>): Promise<T> {
  for (const isLate = patience(); ;) {
    try {
      return await act();
    } catch (error) {
      if (isLate()) throw error;
    }
    await pause(BETWEEN_MS);
  }
}

function patience(): () => boolean {
  const now = (): number => performance.now();
  const test = TestRunner.getCurrentTest();
  const mine = test === undefined ? OUTSIDE_MS : test.timeout - 3_000;
  const end = now() + mine;
  const begun = test?.result?.startTime;
  const spent = begun === undefined ? 0 : Date.now() - begun;
  return () => now() + spent > end;
}
