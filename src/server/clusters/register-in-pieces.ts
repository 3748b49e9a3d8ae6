/**
 * RegisterInPieces: for graphs beyond the limit on one message. The first message says who and what, and is checked
 * before any piece is taken; the pieces of text are read as they come, however they were cut.
 */
import { invalid } from '../../core/errors.ts';
import type { ClusterService } from '../../gen/rainbow/v1/clusters_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { admitEnrollment, enroll } from './enroll.ts';
import { firstOf, graphPieces } from './graph-pieces.ts';

export function registerInPieces(parts: Parts): Handlers<typeof ClusterService>['registerInPieces'] {
  return async (requests, call) => {
    const { first, rest } = await firstOf(requests);
    await parts.scheduler.registry.find(first.name);
    admitEnrollment(parts, call, first);
    const pieces = graphPieces(first, rest, ({ name }) => {
      if (name === '' || name === first.name) return;
      throw invalid('name', 'differs from the first message; a stream registers one cluster');
    });
    return enroll(parts, first, pieces);
  };
}
