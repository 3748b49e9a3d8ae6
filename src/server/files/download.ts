/** Download: contents of a job's files, a piece in memory at a time; nothing that its list does not name. */
import { RainbowError } from '../../core/errors.ts';
import type { FileService } from '../../gen/rainbow/v1/files_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { filesOfJob } from './access.ts';

export function download(parts: Parts): Handlers<typeof FileService>['download'] {
  return async function* (request, call) {
    const stageIn = request.epoch === '0';
    const { files, owner } = await filesOfJob(parts, call, { ...request, stageIn });
    const sizes = new Map(files.map(({ sha256, size }) => [sha256, size]));
    for (const sha256 of request.sha256) {
      const size = sizes.get(sha256);
      if (size === undefined) {
        throw new RainbowError('not_found', `no file of job ${request.jobId} has the digest ${sha256.slice(0, 64)}`);
      }
      let sent = 0;
      for (let number = 0; sent < size; number++) {
        const data = await parts.store.files.piece(owner, sha256, number);
        if (call.signal.aborted) return;
        if (data === null)
          throw new RainbowError('internal', `the content ${sha256} ends after ${sent} of ${size} bytes`);
        sent += data.byteLength;
        yield { sha256, data };
      }
      if (size === 0) yield { sha256, data: new Uint8Array() };
    }
  };
}
