/** Missing: which contents are still to be sent; refuses what could not be kept before any of it is. */
import { readPatterns } from '../../core/staging/pattern.ts';
import type { FileService } from '../../gen/rainbow/v1/files_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { ownerOf } from './access.ts';
import { readEntries } from './entries.ts';

export function missing(parts: Parts): Handlers<typeof FileService>['missing'] {
  return async (request, call) => {
    const owner = await ownerOf(parts, call, request);
    const files = readEntries(request.files, parts.settings.files, 'files');
    readPatterns(request.stageOut, 'stage_out');
    const digests = files.map((file) => file.sha256);
    const missed = await parts.store.files.missing(owner, digests, parts.system.clock.now());
    const { files: mostFiles, bytes, fileBytes } = parts.settings.files;
    return { sha256: [...missed], mostFiles, mostBytes: String(bytes), mostFileBytes: String(fileBytes) };
  };
}
