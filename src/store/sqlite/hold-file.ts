/**
 * One server per file. Beside the store lies an empty file on which the server holds SQLite's exclusive lock while it
 * runs: the kernel lets go of it with the process, however that ends, so there is nothing stale to judge.
 */
import { DatabaseSync } from 'node:sqlite';
import { RainbowError } from '../../core/errors.ts';
import { isSqliteError, primaryCode } from './failure.ts';

const BUSY = 5;

/**
 * Throws `failed_precondition` where another process has it. Answers how to let go, once or more often.
 * `by`: who wants it, a server or a command over the store as a whole.
 */
export function holdFile(path: string, by: 'server' | 'command' = 'server'): () => void {
  const lock = new DatabaseSync(`${path}.lock`, { timeout: 0 });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!isSqliteError(error) || primaryCode(error) !== BUSY) throw error;
    throw new RainbowError(
      'failed_precondition',
      by === 'server'
        ? `another server has the store ${path} open: stop it first, or choose another file`
        : `a server (or another "rainbow db" command) has the store ${path} open: stop it first`,
    );
  }
  return () => {
    if (lock.isOpen) lock.close();
  };
}
