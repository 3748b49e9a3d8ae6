/**
 * `npm run simulate-faults -- --seed N --steps M`: server, store, agents and network under faults, on one thread, under a
 * simulated clock (test/simulation/). The same seed gives the same trace. Without --seed a new one is drawn and said.
 * Ends with 1 where something did not hold, and says what, where and how to see it again.
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { describeFailure, simulate } from '../test/simulation/simulate.ts';

const { values } = parseArgs({
  options: { seed: { type: 'string' }, steps: { type: 'string' }, verbose: { type: 'boolean', default: false } },
});
const seed = whole('--seed', values.seed ?? String(randomInt(2 ** 31)));
const steps = whole('--steps', values.steps ?? '200000');
console.log(`simulate-faults: --seed ${seed} --steps ${steps}`);
const began = performance.now();
const result = await simulate({
  seed,
  steps,
  lived(at, outcome) {
    if (values.verbose)
      console.log(`${at}: ${outcome.steps} steps, ${outcome.violation ?? 'all holds'}, ${outcome.digest}`);
  },
});
const seconds = (performance.now() - began) / 1000;
console.log(
  `${result.steps} steps in ${result.lives} lives, ${seconds.toFixed(1)} s; jobs: ${Object.entries(result.seen)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ')}`,
);
if (result.failure === null) {
  console.log('all holds');
} else {
  console.error(describeFailure(result.failure));
  process.exitCode = 1;
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    console.error(`${name} must be a whole number, not ${JSON.stringify(text)}`);
    process.exit(2);
  }
  return value;
}
