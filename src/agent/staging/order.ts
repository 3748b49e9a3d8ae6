/** What a Start says of a job's files, and where they are here. */
import { chmod } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { FileLimits } from '../../core/staging/manifest.ts';
import { keyText, type JobKey, type Runner } from '../runners/runner.ts';

export interface StagingOrder {
  /** Of what is sent along. */
  readonly files: number;
  readonly bytes: number;
  /** What comes back: core/staging/pattern.ts. */
  readonly out: readonly string[];
  /** Of what comes back. */
  readonly limits: FileLimits;
}

/**
 * Where an agent keeps sandboxes: no other has that folder, whatever they share above it. In the state directory other
 * users' jobs find the way to their files, and read nothing else.
 */
export async function sandboxesOf(
  options: {
    readonly stateDir: string;
    readonly spool?: string | undefined;
    readonly sandboxes?: string | undefined;
  },
  runner: Pick<Runner, 'ownerOf'>,
  own: string,
): Promise<string> {
  const { stateDir, spool, sandboxes } = options;
  if (sandboxes === undefined && spool === undefined && runner.ownerOf !== undefined && process.getuid?.() === 0) {
    await chmod(stateDir, 0o711);
  }
  return join(resolve(sandboxes ?? join(spool ?? stateDir, 'files')), own);
}

export interface Place {
  /** The agent's own. */
  readonly dir: string;
  /** The job's: it begins there. */
  readonly sandbox: string;
  /** There once everything is. */
  readonly mark: string;
}

export function placeOf(folder: string, key: JobKey): Place {
  const dir = join(folder, keyText(key));
  return { dir, sandbox: join(dir, 'files'), mark: join(dir, 'staged') };
}

/** Whom the sandbox is given to; null: the jobs' user is the agent's. */
export interface SandboxOwner {
  readonly uid: number;
  readonly gid: number;
}
