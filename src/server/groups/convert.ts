/** Groups on the wire, and the names in a request. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { invalid } from '../../core/errors.ts';
import { checkName } from '../../core/names.ts';
import type { GroupSchema } from '../../gen/rainbow/v1/groups_pb.js';
import type { GroupRecord } from '../../store/store.ts';
import { LIMITS } from '../limits.ts';

export function groupToWire(group: GroupRecord): MessageInitShape<typeof GroupSchema> {
  return { name: group.name, clusters: [...group.clusters], createdAt: timestampFromMs(group.createdAt) };
}

/** Checked, each once, sorted. */
export function clustersFromWire(clusters: readonly string[]): readonly string[] {
  if (clusters.length > LIMITS.clusters)
    throw invalid('clusters', `names ${clusters.length}; at most ${LIMITS.clusters}`);
  return [...new Set(clusters.map((name, i) => checkName(name, `clusters[${i}]`)))].sort();
}
