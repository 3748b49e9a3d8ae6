/**
 * Real Flux instances for tests, as a user has one: `flux start` with nodes of a configuration, of which each has a
 * broker on this machine. Where tests run as root an instance is nobody's, for root never runs a job. Each is stopped by
 * closing its initial program's standard input; nothing outlives its test.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const NOBODY = 65_534;

/** The folder with `flux`, on the PATH; null: there is none. */
function fluxFolder(): string | null {
  const path = (process.env['PATH'] ?? '').split(':');
  return path.find((folder) => folder !== '' && existsSync(join(folder, 'flux'))) ?? null;
}

/** Why there can be no Flux here; null: there can. */
export function fluxMissing(): string | null {
  return fluxFolder() === null ? 'no flux on the PATH (flux-framework.org)' : null;
}

export interface FluxLab {
  readonly uri: string;
  /** What a client of that instance needs, over this process's own environment. */
  environment(): Record<string, string | undefined>;
  /** Standard output of `flux ARGS`, as the instance's owner. */
  flux(...args: string[]): Promise<string>;
  /** Pid of the broker of that rank. */
  broker(rank: number): Promise<number>;
  /** All brokers are killed with SIGKILL; what they kept is as it was last written. */
  crash(): Promise<void>;
  /** The next start finds nothing of what there was. */
  forget(): Promise<void>;
  /** Stopped, with all its jobs. */
  stop(): Promise<void>;
  start(): Promise<void>;
  wipe(): Promise<void>;
}

export interface LabOptions {
  readonly nodes?: number;
  /** Of each node. */
  readonly cores?: number;
  readonly gpus?: number;
  /** TOML, besides. */
  readonly config?: string;
}

export async function startFlux({ nodes = 1, cores = 4, gpus = 0, config = '' }: LabOptions = {}): Promise<FluxLab> {
  const asRoot = process.getuid?.() === 0;
  const own = asRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const dir = await mkdtemp(join(tmpdir(), 'rb-flux-'));
  const folders = ['run', 'state', 'home'].map((name) => join(dir, name));
  const makeFolders = async (): Promise<void> => {
    for (const folder of folders) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      if (asRoot) await chown(folder, NOBODY, NOBODY);
    }
  };
  if (asRoot) await chown(dir, NOBODY, NOBODY);
  await makeFolders();
  const file = join(dir, 'flux.toml');
  const gpuLine = gpus === 0 ? '' : `gpus = "${upTo(gpus)}"\n`;
  await writeFile(
    file,
    `${config}\n[resource]\nnoverify = true\n[[resource.config]]\nhosts = "node[${upTo(nodes)}]"\ncores = "${upTo(cores)}"\n${gpuLine}`,
  );
  // Nodes are said to have more cores than there may be here: no task is bound to one.
  const shellrc = join(dir, 'shell.lua');
  const usual = (await run('flux', ['config', 'builtin', 'shell_initrc'])).stdout.trim();
  await writeFile(shellrc, `shell.options["cpu-affinity"] = "off"\nsource("${usual}")\n`);
  const uri = `local://${join(dir, 'run', 'local-0')}`;
  const base = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FLUX_')));
  // Folders that only root may enter would make "not found" a "not allowed".
  const path = `${fluxFolder() ?? '/usr/bin'}:/usr/local/bin:/usr/bin:/bin`;
  const env = { ...base, PATH: path, HOME: join(dir, 'home'), FLUX_URI: uri, LC_ALL: 'C.UTF-8' };
  const flux = async (...args: string[]): Promise<string> => {
    const { stdout } = await run('flux', args, { env, cwd: '/', timeout: 60_000, ...own });
    return stdout;
  };
  let child: ChildProcess | null = null;
  let ended: Promise<unknown> = Promise.resolve();

  const start = async (): Promise<void> => {
    const args = [
      'start',
      `--test-size=${nodes}`,
      `--test-rundir=${join(dir, 'run')}`,
      `--test-hosts=node[${upTo(nodes)}]`,
      `-Sstatedir=${join(dir, 'state')}`,
      // An answer of a broker that died is not waited for long.
      ...(nodes > 1 ? ['-Stbon.tcp_user_timeout=2s'] : []),
      `-Sconf.shell_initrc=${shellrc}`,
      `-c${file}`,
      'sh',
      '-c',
      'echo ready; cat >/dev/null',
    ];
    const { FLUX_URI: _, ...without } = env;
    const mine = spawn('flux', args, { env: without, cwd: '/', stdio: ['pipe', 'pipe', 'pipe'], ...own });
    child = mine;
    ended = new Promise((resolve) => mine.once('close', resolve));
    let complaint = '';
    mine.stderr.on('data', (data: Buffer) => (complaint += data.toString()));
    mine.stdin.on('error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      mine.stdout.on('data', () => resolve());
      mine.once('error', reject);
      mine.once('close', () => reject(new Error(`flux start ended: ${complaint}`)));
    });
  };
  const stop = async (): Promise<void> => {
    child?.stdin?.end();
    await ended;
    child = null;
  };

  const broker = async (rank: number): Promise<number> =>
    Number((await flux('exec', '-r', String(rank), 'flux', 'getattr', 'broker.pid')).trim());
  const crash = async (): Promise<void> => {
    const ranks = Array.from({ length: nodes }, (_, rank) => rank);
    const pids = await Promise.all(ranks.map(broker));
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await ended;
    child = null;
  };

  await start();
  return {
    uri,
    environment: () => env,
    flux,
    start,
    stop,
    broker,
    crash,
    async forget() {
      await rm(join(dir, 'state'), { recursive: true, force: true });
      await makeFolders();
    },
    async wipe() {
      await stop();
      await rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
}

/** An idset (RFC 22) of so many from 0 on: a range of one is none. */
function upTo(count: number): string {
  return count === 1 ? '0' : `0-${count - 1}`;
}
