/** A file that is written under another name and gets its own when it is complete and on the disk: never half there. */
import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { RainbowError } from '../../core/errors.ts';
import type { System } from '../../system/system.ts';

/** Beside the file, so that a rename is enough; of this process alone. */
export function nameOfDraft(file: string, system: System): string {
  return `${file}.${Buffer.from(system.entropy.bytes(4)).toString('hex')}.part`;
}

/** Empty, and for its owner alone: jobs may carry secrets. */
export function makeDraft(draft: string): void {
  try {
    closeSync(openSync(draft, 'wx', 0o600));
  } catch (error) {
    throw new RainbowError('failed_precondition', `${draft} cannot be made: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

export function putInPlace(draft: string, file: string): void {
  sync(draft);
  renameSync(draft, file);
  sync(dirname(file));
}

/** On the disk; of a folder: the names in it. */
export function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
