/**
 * `npm run soak`: the long forms of the tests. Property tests run many more cases (RAINBOW_CASES) from a seed that is
 * printed and new each time (RAINBOW_SEED repeats one); tests with a long form look for RAINBOW_SOAK.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';

const cases = process.env['RAINBOW_CASES'] ?? '200000';
const seed = process.env['RAINBOW_SEED'] ?? String(randomInt(2 ** 31));
console.log(`soak: RAINBOW_CASES=${cases} RAINBOW_SEED=${seed}`);
const { status } = spawnSync(
  process.execPath,
  [join(import.meta.dirname, 'test.ts'), '--testTimeout=1800000', ...process.argv.slice(2)],
  { stdio: 'inherit', env: { ...process.env, RAINBOW_CASES: cases, RAINBOW_SEED: seed, RAINBOW_SOAK: '1' } },
);
console.log(`soak: RAINBOW_CASES=${cases} RAINBOW_SEED=${seed}`);
process.exitCode = status ?? 1;
