/** Measuring: CPU time, system and floor in turns, medians of rounds. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Microseconds of CPU that it takes. */
export function cpu(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

/** Runs all of them in turns; the medians of each, and the spread of the first over the second. */
export function inTurns(rounds: number, works: readonly ((round: number) => number)[]): number[][] {
  const times: number[][] = works.map(() => []);
  for (let round = 0; round < rounds; round++) works.forEach((work, i) => times[i]?.push(work(round)));
  return times;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes in use once everything that can go is gone. */
export function heldBytes(): number {
  for (let i = 0; i < 4; i++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
