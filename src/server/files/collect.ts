/** Collect: what an attempt left behind, told by its agent before it reports the end. */
import { RainbowError } from '../../core/errors.ts';
import { bytesIn } from '../../core/staging/manifest.ts';
import { sizeText } from '../../core/staging/size.ts';
import type { FileService } from '../../gen/rainbow/v1/files_pb.js';
import { kept } from '../agents/report.ts';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { heldJob } from './access.ts';
import { digestOf, readEntries } from './entries.ts';

const MOST_NOTES = 50;
const MOST_NOTE = 500;

export function collect(parts: Parts): Handlers<typeof FileService>['collect'] {
  return async (request, call) => {
    if (request.holder === undefined) {
      throw new RainbowError('unauthenticated', 'only the agent that holds a job tells what it left behind');
    }
    const { job, epoch } = await heldJob(parts, call, request.holder);
    const files = readEntries(request.files, parts.settings.files, 'files');
    const all = request.notes.map((note) => kept(note, MOST_NOTE));
    const more = all.length - MOST_NOTES;
    const notes = more > 0 ? [...all.slice(0, MOST_NOTES), `and ${more} more`] : all;
    const now = parts.system.clock.now();
    const stored = await parts.store.files.keepSet(job.owner, digestOf(files), files, now);
    if ('missing' in stored) {
      throw new RainbowError('aborted', `${stored.missing.length} contents are not here (any more): send them again`);
    }
    const what = `${files.length} ${files.length === 1 ? 'file' : 'files'} brought back, ${sizeText(bytesIn(files))}`;
    const message = notes.length === 0 ? what : `${what}; not: ${notes.join('; ')}`.slice(0, 2_000);
    const isKept = await parts.store.files.collected({ id: job.id, epoch, set: stored.set, notes, message }, now);
    if (!isKept) throw new RainbowError('failed_precondition', `job ${job.id} has ended: nothing is added to it`);
    parts.log.debug({ job: job.id, epoch, files: files.length }, 'collected');
    return {};
  };
}
