/**
 * RegisterInPieces: for graphs beyond the limit on one message. The first message says who and what, and is checked
 * before any piece is kept; the pieces of text are joined as they come, however they were cut.
 */
import { invalid, RainbowError } from '../../core/errors.ts';
import type { ClusterService } from '../../gen/rainbow/v1/clusters_pb.js';
import type { Handlers } from '../call.ts';
import { LIMITS } from '../limits.ts';
import type { Parts } from '../parts.ts';
import { admitEnrollment, enroll, type Enrollment } from './enroll.ts';

export function registerInPieces(parts: Parts): Handlers<typeof ClusterService>['registerInPieces'] {
  return async (requests, call) => {
    let first: Enrollment | null = null;
    const pieces: string[] = [];
    let length = 0;
    for await (const request of requests) {
      if (first === null) {
        first = { name: request.name, secret: request.secret, replace: request.replace };
        admitEnrollment(parts, call, first);
      } else if (request.name !== '' && request.name !== first.name) {
        throw invalid('name', 'differs from the first message; a stream registers one cluster');
      }
      length += request.graph.length;
      if (length > LIMITS.graphText) {
        throw new RainbowError(
          'resource_exhausted',
          `is over ${LIMITS.graphText >> 20} MiB; leave out metadata that no job asks for`,
          { place: 'graph' },
        );
      }
      pieces.push(request.graph);
    }
    if (first === null) throw invalid('name', 'no message came; send the name and the secret first, then the graph');
    return enroll(parts, first, pieces.join(''));
  };
}
