/** The flux runner with a real Flux: what every runner must do, and what only a batch system does. */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fluxMissing, startFlux, type FluxLab } from '../../../../test/lab/flux.ts';
import { skipWithout } from '../../../../test/needs.ts';
import { realSystem } from '../../../system/real.ts';
import { silentLog } from '../../log.ts';
import { jobspecOf, runnerConformance } from '../conformance.ts';
import { resolveJobUser } from '../process/user.ts';
import type { NativeJob, Order, Runner } from '../runner.ts';
import { createFluxRunner } from './runner.ts';

const away = skipWithout('flux', fluxMissing());
let lab: FluxLab;
let realms = 0;

async function open(spool: string, realm: string): Promise<Runner> {
  return createFluxRunner(
    {
      spool,
      cluster: 'blue',
      realm,
      user: await resolveJobUser(null),
      keepFiles: false,
      environment: { ...lab.environment(), RAINBOW_SECRET: 'hidden' },
      log: silentLog,
      pace: { least: 50, most: 400 },
    },
    realSystem,
  );
}

async function room(): Promise<{ dir: string; scratch: string; spool: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'rainbow-flux-'));
  await chmod(dir, 0o755);
  const scratch = join(dir, 'scratch');
  await mkdir(scratch);
  await chmod(scratch, 0o777);
  return { dir, scratch, spool: join(dir, 'spool') };
}

async function until<T>(what: string, look: () => T | Promise<T>): Promise<Exclude<T, null | undefined | false>> {
  for (let tries = 0; tries < 1500; tries++) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found as Exclude<T, null | undefined | false>;
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  throw new Error(`never: ${what}`);
}

describe.skipIf(away)('with a real Flux', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    lab = await startFlux({ cores: 4 });
  }, 60_000);
  afterAll(async () => lab?.wipe());

  runnerConformance({
    name: 'flux',
    async create() {
      const { dir, scratch, spool } = await room();
      const realm = (++realms).toString(16).padStart(8, '0');
      return {
        scratch,
        open: () => open(spool, realm),
        dispose: () => rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }),
      };
    },
  });
});
