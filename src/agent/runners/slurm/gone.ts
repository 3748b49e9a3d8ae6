/**
 * Submissions that are over for us while Slurm may still show their records: those are overlooked, or a job that was
 * forgotten would be adopted again. One empty file for each in the spool's `.gone/`.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { System } from '../../../system/system.ts';
import { syncDirectory } from '../process/files.ts';

/** At least so long: a look that is under way may not have seen the record yet. */
const OVERLOOKED_MS = 60_000;

export interface Gone {
  has(nonce: string): boolean;
  /** Durable when it resolves. */
  add(nonces: readonly string[]): Promise<void>;
  /** Slurm does not show others than these any more. */
  prune(shown: ReadonlySet<string>): Promise<void>;
}

export async function openGone(spool: string, { clock }: System): Promise<Gone> {
  const dir = join(spool, '.gone');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  /** When it was put there, in this agent's time. */
  const gone = new Map((await readdir(dir)).map((nonce) => [nonce, 0]));
  return {
    has: (nonce) => gone.has(nonce),
    async add(nonces) {
      for (const nonce of nonces) {
        await writeFile(join(dir, nonce), '');
        gone.set(nonce, clock.now());
      }
      await syncDirectory(dir);
    },
    async prune(shown) {
      for (const [nonce, at] of gone) {
        if (shown.has(nonce) || clock.now() < at + OVERLOOKED_MS) continue;
        gone.delete(nonce);
        await rm(join(dir, nonce), { force: true });
      }
    },
  };
}
