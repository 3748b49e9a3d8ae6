/** What a Start says of a job's files, and where they are here. */
import { join } from 'node:path';
import type { FileLimits } from '../../core/staging/manifest.ts';
import { keyText, type JobKey } from '../runners/runner.ts';

export interface StagingOrder {
  /** Of what is sent along. */
  readonly files: number;
  readonly bytes: number;
  /** What comes back: core/staging/pattern.ts. */
  readonly out: readonly string[];
  /** Of what comes back. */
  readonly limits: FileLimits;
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
