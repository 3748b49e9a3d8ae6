/**
 * Each test file has a process of its own; the longest begin first: begun last, they would be waited for by all.
 */
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Seconds that each takes, as measured. Only their order matters; a file that is not here begins later. */
const LONGEST: Readonly<Record<string, number>> = {
  'src/agent/runners/slurm/agent.test.ts': 65,
  'src/store/conformance.test.ts': 64,
  'src/agent/runners/slurm/runner.test.ts': 45,
  'test/servers/fleet.test.ts': 53,
  'test/server/kills.test.ts': 52,
  'src/store/postgres/conformance.test.ts': 43,
  'src/agent/agent.test.ts': 19,
  'test/match/brute-force.test.ts': 33,
  'test/simulation/planted.test.ts': 20,
  'test/simulation/simulation.test.ts': 20,
  'src/core/translate/bad-input.fuzz.test.ts': 20,
  'src/agent/staging/agent.test.ts': 20,
  'src/agent/runners/process/shim.test.ts': 20,
  'test/db/restored.test.ts': 9,
  'test/servers/away.test.ts': 16,
  'test/servers/clocks.test.ts': 15,
  'test/servers/across.test.ts': 15,
  'test/slurm/follow.test.ts': 15,
  'test/python/client.test.ts': 15,
  'test/cli/demo.test.ts': 14,
  'test/package/package.test.ts': 13,
  'src/scheduler/following/standing.test.ts': 13,
  'test/db/full-disk.test.ts': 12,
};

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const first = (file: TestSpecification): number =>
      LONGEST[file.moduleId.slice(file.project.config.root.length + 1)] ?? 0;
    return [...files].sort((a, b) => first(b) - first(a) || a.moduleId.localeCompare(b.moduleId, 'en'));
  }
}

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    setupFiles: ['test/seed.ts'],
    pool: 'forks',
    // Of two cores: many tests wait, for a cluster's own scheduler or a lease.
    maxWorkers: 3,
    // Only what hangs takes so long; what is slow on a busy machine is to pass.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 100_000, interval: 20 } },
    reporters: ['default'],
    // Programs that tests start find compiled what those before them have loaded: half of an agent's start.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules', '.cache', 'tests') },
    sequence: { sequencer: LongestFirst },
  },
});
