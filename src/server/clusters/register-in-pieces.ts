/**
 * RegisterInPieces: for graphs beyond the limit on one message. The first message says who and what, and is checked
 * before any piece is taken; the pieces of text are read as they come, however they were cut. A cluster's graph is
 * replaced by one stream at a time, so that no cluster takes all the threads that read.
 */
import { invalid, RainbowError } from '../../core/errors.ts';
import type { ClusterService } from '../../gen/rainbow/v1/clusters_pb.js';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { admitEnrollment, enroll } from './enroll.ts';
import { firstOf, graphPieces } from './graph-pieces.ts';

export function registerInPieces(parts: Parts): Handlers<typeof ClusterService>['registerInPieces'] {
  const replaced = new Set<string>();
  return async (requests, call) => {
    const { first, rest } = await firstOf(requests);
    await parts.scheduler.registry.find(first.name);
    admitEnrollment(parts, call, first);
    const pieces = graphPieces(first, rest, ({ name }) => {
      if (name === '' || name === first.name) return;
      throw invalid('name', 'differs from the first message; a stream registers one cluster');
    });
    if (!first.replace) return enroll(parts, first, pieces);
    if (replaced.has(first.name)) {
      throw new RainbowError(
        'aborted',
        `another stream replaces the graph of cluster ${first.name} now; send it again once that has ended`,
      );
    }
    replaced.add(first.name);
    try {
      return await enroll(parts, first, pieces);
    } finally {
      replaced.delete(first.name);
    }
  };
}
