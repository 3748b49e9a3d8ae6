/**
 * Real Slurm clusters for tests: slurm-lab beside this file makes them on loopback, with ports and a folder of their
 * own, and stops exactly what it started. Needs root (slurmd becomes each job's user) and Slurm's daemons.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startOf } from '../../src/agent/process-identity.ts';
import { until } from '../../src/system/testing/until.ts';
import { isFreePort } from '../../src/system/testing/stable-port.ts';

const run = promisify(execFile);

/** Why there can be no Slurm here; null: there can. */
export function slurmMissing(): string | null {
  if (process.platform !== 'linux') return 'Slurm runs on Linux';
  const path = (process.env['PATH'] ?? '').split(':');
  const programs = ['slurmctld', 'slurmd', 'sbatch', 'munged', 'setpriv', 'flock'];
  const has = (program: string): boolean =>
    [...path, '/usr/sbin', '/usr/bin', '/sbin'].some((folder) => folder !== '' && existsSync(join(folder, program)));
  const missing = programs.filter((program) => !has(program));
  if (missing.length > 0) return `no ${missing.join(', ')}: as root, "test/lab/slurm-lab install" brings them (Debian)`;
  if (process.getuid?.() !== 0) return 'its daemons have to be started by root';
  return null;
}

export interface Lab {
  /** For SLURM_CONF. */
  conf(cluster: string): string;
  /** Where its files are. */
  readonly dir: string;
  /** What a client of that cluster needs, over this process's own environment. */
  environment(cluster: string): Record<string, string | undefined>;
  /** Standard output of a command of Slurm. */
  slurm(cluster: string, program: string, ...args: string[]): Promise<string>;
  /** Starts again what has died; with other nodes, where others are given: a controller reads them at its start. */
  revive(...changed: readonly string[]): Promise<void>;
  /** Ends `slurmctld` or `slurmd.NODE`; resolves when it is gone: until then `revive` takes it for alive. */
  end(cluster: string, daemon: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Its controller, started again, knows of no job that there was; their ids do not come again. */
  forget(cluster: string): Promise<void>;
  wipe(): Promise<void>;
}

/** `clusters`: `red:3:1:a100`, as slurm-lab has it. `settings`: its SLURM_LAB_… */
export async function startLab(clusters: readonly string[], settings: Record<string, string> = {}): Promise<Lab> {
  const room = await mkdtemp(join(tmpdir(), 'rb-slurm-'));
  await chmod(room, 0o755);
  const dir = join(room, 'lab');
  const port = await freePorts(clusters.length);
  const env = {
    ...process.env,
    PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/bin:/sbin`,
    SLURM_LAB_DIR: dir,
    SLURM_LAB_PORT: String(port),
    ...settings,
  };
  const lab = async (...args: string[]): Promise<void> => {
    await run(join(import.meta.dirname, 'slurm-lab'), args, { env, timeout: 120_000 });
  };
  const conf = (cluster: string): string => join(dir, cluster, 'etc', 'slurm.conf');
  const environment = (cluster: string): Record<string, string | undefined> => ({
    ...process.env,
    SLURM_CONF: conf(cluster),
  });
  const started: Lab = {
    dir,
    conf,
    environment,
    async slurm(cluster, program, ...args) {
      const { stdout } = await run(program, args, { env: environment(cluster) });
      return stdout;
    },
    revive: (...changed) => lab('up', ...(changed.length === 0 ? clusters : changed)),
    async end(cluster, daemon, signal) {
      const pid = Number(await readFile(join(dir, cluster, 'run', `${daemon}.pid`), 'utf8'));
      // 0 would be everybody in the group of whoever kills it.
      if (!(pid > 1)) throw new Error(`the pid of ${daemon} of ${cluster} is not written yet`);
      process.kill(pid, signal);
      await until(`${daemon} of ${cluster} is gone`, () => startOf(pid) === null);
    },
    async forget(cluster) {
      const at = join(dir, cluster);
      const { stdout } = await run('scontrol', ['show', 'config'], { env: environment(cluster) });
      const next = Number(/^NEXT_JOB_ID\s*=\s*(\d+)/m.exec(stdout)?.[1]);
      await writeFile(join(at, 'first-id'), `${next + 1000}\n`);
      await started.end(cluster, 'slurmctld', 'SIGTERM');
      for (const file of ['job_state', 'job_state.old']) await rm(join(at, 'state', file), { force: true });
      await started.revive();
    },
    async wipe() {
      await lab('wipe');
      await rm(room, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
  try {
    await lab('up', ...clusters);
  } catch (error) {
    await started.wipe().catch(() => undefined);
    throw error;
  }
  return started;
}

/** Each cluster counts its daemons up from a hundred of its own; the first of these, none of which is taken now. */
async function freePorts(clusters: number): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const first = 20_000 + Math.floor(Math.random() * 120) * 100;
    const ports = Array.from({ length: clusters * 12 }, (_, i) => first + 100 * Math.floor(i / 12) + (i % 12));
    if ((await Promise.all(ports.map(isFreePort))).every(Boolean)) return first;
  }
  throw new Error('no free ports for Slurm between 20000 and 32000');
}
