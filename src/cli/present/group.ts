/** A cluster group of the wire, for programs and for people. */
import type { Group } from '../../gen/rainbow/v1/groups_pb.js';
import { clean } from '../paint.ts';
import { isoTime } from './time.ts';

export function groupJson(group: Group | undefined) {
  return {
    name: group?.name ?? null,
    clusters: group?.clusters ?? [],
    createdAt: isoTime(group?.createdAt),
  };
}

export function groupLine(group: Group): string {
  return `${clean(group.name)}: ${group.clusters.length === 0 ? '(empty)' : group.clusters.map(clean).join(', ')}`;
}
