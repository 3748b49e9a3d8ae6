/** List: a job's files, so many in a message. */
import type { FileService } from '../../gen/rainbow/v1/files_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { filesOfJob } from './access.ts';
import { entryToWire } from './entries.ts';

const PAGE = 500;

export function list(parts: Parts): Handlers<typeof FileService>['list'] {
  return async function* (request, call) {
    const { files, epoch, notes } = await filesOfJob(parts, call, request);
    yield { epoch: String(epoch), notes: [...notes], files: files.slice(0, PAGE).map(entryToWire) };
    for (let from = PAGE; from < files.length; from += PAGE) {
      yield { files: files.slice(from, from + PAGE).map(entryToWire) };
    }
  };
}
