/**
 * Ends that a real Slurm takes long over, or needs settings of its own for, each brought about for real: in the soak
 * alone. TIMEOUT is in conformance.ts; preempted, failed with its node and canceled by somebody else in runner.test.ts.
 * BOOT_FAIL cannot be brought about on one machine: what is known of it is recorded (parts.test.ts).
 */
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { slurmMissing, startLab, type Lab } from '../../../../test/lab/slurm.ts';
import { skipWithout } from '../../../../test/needs.ts';
import { realSystem } from '../../../system/real.ts';
import { silentLog } from '../../log.ts';
import { jobspecOf } from '../../testing/jobspec.ts';
import type { NativeEnd, Order, Runner } from '../runner.ts';
import { createSlurmRunner } from './runner.ts';
import { slurmUsers } from './users.ts';

const IS_SOAK = process.env['RAINBOW_SOAK'] !== undefined;
const away = !IS_SOAK || skipWithout('slurm', slurmMissing());
const CGROUPS = '/sys/fs/cgroup/memory/memory.limit_in_bytes';
const withoutCgroups =
  !away && skipWithout('cgroups', existsSync(CGROUPS) ? null : 'no memory controller of cgroup v1');

let root: string;
let lab: Lab | null = null;
let runner: Runner | null = null;

async function until<T>(what: string, look: () => T | Promise<T>): Promise<Exclude<T, null | undefined | false>> {
  for (let tries = 0; tries < 5_000; tries++) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found as Exclude<T, null | undefined | false>;
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  throw new Error(`never: ${what}`);
}

describe.skipIf(away)('ends of a real Slurm', { timeout: 300_000 }, () => {
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'rainbow-ends-'));
    await chmod(root, 0o755);
  });
  afterEach(async () => {
    await runner?.close();
    await lab?.wipe();
    [runner, lab] = [null, null];
  });
  afterAll(async () => rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));

  const start = async (settings: Record<string, string>): Promise<Lab> => {
    lab = await startLab(['red:1'], { SLURM_LAB_CORES: '4', ...settings });
    const where = { spool: await mkdtemp(join(root, 'spool-')), cluster: 'red', realm: '0000eeee', keepFiles: false };
    runner = await createSlurmRunner(
      { ...where, users: await slurmUsers(null, null), environment: lab.environment('red'), log: silentLog },
      realSystem,
    );
    return lab;
  };
  const order = (jobId: string, script: string, cores: number, attributes: object): Order => {
    const spec = JSON.parse(jobspecOf(script, cores, undefined, 60)) as { attributes: object };
    const jobspec = JSON.stringify({ ...spec, attributes: { ...spec.attributes, ...attributes } });
    return { jobId, epoch: 1, name: '', owner: '', jobspec, walltime: 60, priority: 0 };
  };
  const endOf = async (given: Order): Promise<NativeEnd> => {
    await runner!.submit(given);
    const { status } = await until(`${given.jobId} ended`, async () =>
      (await runner!.find()).find(({ jobId, status: { state } }) => jobId === given.jobId && state === 'ended'),
    );
    return status.end!;
  };
  /** Takes 300 MB for as long as it lives. */
  const HUNGRY = 'x=$(head -c 300000000 /dev/zero | tr "\\0" x); sleep 300; echo ${#x}';
  const little = { rainbow: { slurm: { mem: '50M' } } };

  test.skipIf(withoutCgroups)('OUT_OF_MEMORY, by the kernel', async () => {
    await start({ SLURM_LAB_MEMORY: 'cgroup' });
    expect(await endOf(order('1', HUNGRY, 1, little))).toMatchObject({
      outcome: 'failed',
      reason: { code: 'out_of_memory' },
      signal: 9,
    });
  });

  test('killed by Slurm for its memory', async () => {
    await start({ SLURM_LAB_MEMORY: 'poll' });
    expect(await endOf(order('1', HUNGRY, 1, little))).toMatchObject({
      outcome: 'failed',
      reason: { code: 'signal', message: expect.stringContaining('more memory than it had asked for') as string },
      signal: 9,
    });
  });

  test('DEADLINE: what waits too long to end in time', async () => {
    const red = await start({});
    await red.slurm('red', 'sbatch', '--uid=nobody', '--chdir=/', '-n1', '-c4', '-o/dev/null', '--wrap=sleep 300');
    await until('it runs', async () => (await red.slurm('red', 'squeue', '-h', '-t', 'R')) !== '');
    // It asks for a minute.
    const deadline = { rainbow: { slurm: { deadline: 'now+70' } } };
    expect(await endOf(order('1', 'true', 1, deadline))).toMatchObject({
      outcome: 'failed',
      reason: { code: 'deadline' },
      exitCode: null,
    });
  });
});
