/**
 * Ends what is left of a job whose shim was killed: its processes are found by the RAINBOW_JOB_DIR in their
 * environment, so none is taken for another's. Needs /proc; elsewhere the shim's process group is ended.
 */
import { readdir, readFile } from 'node:fs/promises';
import type { System } from '../../../system/system.ts';
import { startOf } from '../../process-identity.ts';
import { wait } from '../../wait.ts';

const ROUNDS = 50;

/** Resolves when none is left, or after five seconds of trying. */
export async function endRemains(runDir: string, shimPid: number, system: System): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const left = await remainsOf(runDir);
    if (left === null) {
      // No leader of that number lives, so the group's number is still the dead shim's.
      if (startOf(shimPid) === null) signalQuietly(-shimPid, 'SIGKILL');
      return;
    }
    if (left.length === 0) return;
    for (const pid of left) signalQuietly(pid, 'SIGKILL');
    await wait(system, 100);
  }
}

/** Pids of living processes of that job; null where there is no /proc. */
export async function remainsOf(runDir: string): Promise<readonly number[] | null> {
  let entries: readonly string[];
  try {
    entries = await readdir('/proc');
  } catch {
    return null;
  }
  if (!entries.includes('self')) return null;
  const mark = `\0RAINBOW_JOB_DIR=${runDir}\0`;
  const found: number[] = [];
  for (const entry of entries) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const environment = await readFile(`/proc/${entry}/environ`, 'utf8');
      if (`\0${environment}\0`.includes(mark) && startOf(Number(entry)) !== null) found.push(Number(entry));
    } catch {
      // Gone meanwhile, or not ours to look at.
    }
  }
  return found;
}

/** A process that is gone, or not ours, is no error. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone.
  }
}
