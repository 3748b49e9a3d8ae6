/**
 * Which process is meant: a pid alone is not enough, the system uses it again. A process is its pid, its start time
 * as the system tells it, and the boot that it lived in; the host's name tells a reboot from another machine that
 * sees the same files. Synchronous: /proc is memory. Where there is no /proc, `ps` and `sysctl` are asked.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  readonly pid: number;
  /** Linux: clock ticks after boot; elsewhere `ps -o lstart=` in UTC. Compared, never read. */
  readonly start: string;
  /** '' where the system has no such thing. */
  readonly boot: string;
  readonly host: string;
}

/** How a process that was written down stands now. */
export type Standing =
  | 'alive'
  | 'dead'
  /** It lived before this machine was started anew. */
  | 'rebooted'
  /** It lives, or lived, on another machine: nobody here can tell. */
  | 'elsewhere';

let boot: string | null = null;

/** New with every start of the machine. */
export function bootId(): string {
  boot ??= readText('/proc/sys/kernel/random/boot_id') ?? ask('sysctl', ['-n', 'kern.bootsessionuuid']) ?? '';
  return boot;
}

export function selfIdentity(): ProcessIdentity {
  return { pid: process.pid, start: startOf(process.pid) ?? '', boot: bootId(), host: hostname() };
}

/** Start time of a process; null where there is none, or where it has ended and only waits to be collected. */
export function startOf(pid: number): string | null {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat !== null) {
    const { state, start } = statFields(stat);
    return state === 'Z' || state === 'X' ? null : start;
  }
  if (process.platform === 'linux') return null;
  const line = ask('ps', ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)]);
  if (line === null || line === '') return null;
  const [state = '', ...start] = line.split(/\s+/);
  return state.startsWith('Z') ? null : start.join(' ');
}

/** Whose process that is; null where there is none, or no /proc to ask. */
export function uidOf(pid: number): number | null {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return null;
  }
}

/** The fields behind the name, which is in brackets and may hold anything. */
export function statFields(stat: string): { state: string; session: number; start: string } {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', session: Number(fields[3]), start: (fields[19] ?? '').trim() };
}

export function standingOf(identity: ProcessIdentity, here: ProcessIdentity = selfIdentity()): Standing {
  if (identity.boot !== here.boot) return identity.host === here.host ? 'rebooted' : 'elsewhere';
  // The same running kernel; in a container the host's name may have changed meanwhile.
  return startOf(identity.pid) === identity.start ? 'alive' : 'dead';
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

function ask(program: string, args: readonly string[]): string | null {
  try {
    return execFileSync(program, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    }).trim();
  } catch {
    return null;
  }
}
