/** The slurm runner with a real Slurm: what every runner must do, and what only a batch system does. */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { skipWithout } from '../../../../test/needs.ts';
import { slurmMissing, startLab, type Lab } from '../../../../test/lab/slurm.ts';
import { realSystem } from '../../../system/real.ts';
import { silentLog } from '../../log.ts';
import { runnerConformance } from '../conformance.ts';
import type { Runner } from '../runner.ts';
import { createSlurmRunner } from './runner.ts';
import { slurmUsers } from './users.ts';

const away = skipWithout('slurm', slurmMissing());
let lab: Lab;
let realms = 0;

async function open(cluster: string, spool: string, realm: string): Promise<Runner> {
  return createSlurmRunner(
    {
      spool,
      cluster,
      realm,
      users: await slurmUsers(null, null),
      keepFiles: false,
      environment: { ...lab.environment(cluster), RAINBOW_SECRET: 'hidden' },
      log: silentLog,
      pace: { least: 100, most: 400 },
    },
    realSystem,
  );
}

async function room(): Promise<{ dir: string; scratch: string; spool: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'rainbow-slurm-'));
  await chmod(dir, 0o755);
  const scratch = join(dir, 'scratch');
  await mkdir(scratch);
  await chmod(scratch, 0o777);
  return { dir, scratch, spool: join(dir, 'spool') };
}

describe.skipIf(away)('with a real Slurm', () => {
  beforeAll(async () => {
    lab = await startLab(['red:1'], { SLURM_LAB_CORES: '4' });
  });
  afterAll(async () => lab?.wipe());

  runnerConformance({
    name: 'slurm',
    async create() {
      const { dir, scratch, spool } = await room();
      const realm = (++realms).toString(16).padStart(8, '0');
      return {
        scratch,
        open: () => open('red', spool, realm),
        dispose: () => rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }),
      };
    },
  });
});
