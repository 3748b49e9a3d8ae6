/**
 * For tests: a disk that can be full, of a few megabytes, in memory. It is mounted in a mount namespace of its own, so
 * nobody has to be asked and nothing is left of it; what is to see it is started with `enter` before its command. It is
 * there as long as the process that holds the namespace.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  /** Where it is, for those who entered. */
  readonly folder: string;
  /** A command and its first arguments: what follows runs where the disk is seen. */
  readonly enter: readonly [string, ...string[]];
  /** To its last byte. */
  fill(): void;
  /** What `fill` took. */
  free(): void;
  remove(): Promise<void>;
}

/** `user`: whose it is. Rejects with why it cannot be had here. */
export async function smallDisk(
  megabytes: number,
  user: { readonly uid?: number | undefined; readonly gid?: number | undefined } = {},
): Promise<SmallDisk> {
  const folder = mkdtempSync(join(tmpdir(), 'rainbow-disk-'));
  const isRoot = process.getuid?.() === 0;
  const owner = user.uid === undefined ? '' : `,uid=${user.uid},gid=${user.gid ?? user.uid}`;
  const script = `mount -t tmpfs -o size=${megabytes}m,mode=0711${owner} tmpfs "$0" && echo mounted && exec sleep 100000`;
  // Others than root become so in a user namespace, for the mount alone, and stay who they are.
  const apart = isRoot ? ['--mount'] : ['--mount', '--user', '--map-current-user', '--keep-caps'];
  const holder = spawn('unshare', [...apart, 'sh', '-c', script, folder], { stdio: ['ignore', 'pipe', 'pipe'] });
  const killWithUs = (): void => void holder.kill('SIGKILL');
  process.on('exit', killWithUs);
  const remove = async (): Promise<void> => {
    await ended(holder);
    process.off('exit', killWithUs);
    rmSync(folder, { recursive: true, force: true });
  };
  const said = await mounted(holder);
  if (said !== null) {
    await remove();
    throw new Error(`a small disk cannot be mounted: ${said}`);
  }
  const joined = isRoot ? ['--mount'] : ['--mount', '--user', '--preserve-credentials'];
  const enter = ['nsenter', '--target', String(holder.pid), ...joined, '--'] as const;
  const inside = (command: string): void => {
    const [program, ...rest] = enter;
    const { error } = spawnSync(program, [...rest, 'sh', '-c', command, folder], { stdio: 'ignore' });
    if (error !== undefined) throw error;
  };
  return {
    folder,
    enter: enter as unknown as SmallDisk['enter'],
    // Larger steps first; the last ones byte by byte.
    fill: () => inside('for n in 65536 4096 1; do dd if=/dev/zero bs=$n >> "$0/ballast" 2>/dev/null; done; true'),
    free: () => inside('rm -f "$0/ballast"'),
    remove,
  };
}

/** Null when it is; else what was said instead. */
function mounted(holder: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => {
    let said = '';
    holder.stdout?.on('data', (data) => {
      if (String(data).includes('mounted')) resolve(null);
    });
    holder.stderr?.on('data', (data) => (said += String(data)));
    holder.once('error', (error) => resolve(error.message));
    holder.once('close', () => resolve(said.trim() || 'unshare ended'));
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** The same for a test file: why there can be none, or null. */
export async function whyNoSmallDisk(): Promise<string | null> {
  try {
    await (await smallDisk(1)).remove();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
