/** Files that a submit sends along, and what it wants back: checked, and kept as a list. */
import { RainbowError } from '../../core/errors.ts';
import { bytesIn } from '../../core/staging/manifest.ts';
import { readPatterns } from '../../core/staging/pattern.ts';
import type { Staging } from '../../core/staging/staging.ts';
import type { SubmitRequest } from '../../gen/rainbow/v1/jobs_pb.js';
import { digestOf, readEntries } from '../files/entries.ts';
import type { Parts } from '../parts.ts';

/**
 * Null where no files travel. Throws `invalid_input`, `resource_exhausted`, or `aborted` where contents are to be sent first, or
 * again: they are nobody's until here, and others may have needed their room (store/operations/make-room.ts).
 */
export async function readStaging(
  parts: Parts,
  owner: string,
  request: Pick<SubmitRequest, 'stageIn' | 'stageOut'>,
): Promise<Staging | null> {
  if (request.stageIn.length === 0 && request.stageOut.length === 0) return null;
  const files = readEntries(request.stageIn, parts.settings.files, 'stage_in');
  const out = [...new Set(readPatterns(request.stageOut, 'stage_out').map(({ text }) => text))];
  if (files.length === 0) return { set: null, files: 0, bytes: 0, out };
  const kept = await parts.store.files.keepSet(owner, digestOf(files), files, parts.system.clock.now());
  if ('missing' in kept) {
    throw new RainbowError(
      'aborted',
      `stage_in: the contents of ${kept.missing.length} files are not here, or not any more: send them (FileService.Missing and Upload), and submit again`,
    );
  }
  return { set: kept.set, files: files.length, bytes: bytesIn(files), out };
}
