/** Clusters on the wire. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { JobState } from '../../core/job/state.ts';
import type { ClusterSchema } from '../../gen/rainbow/v1/clusters_pb.js';
import type { ClusterRecord } from '../../store/store.ts';
import { structOf, times } from '../jobs/convert.ts';
import type { Parts } from '../parts.ts';

export type JobCounts = Readonly<Partial<Record<JobState, number>>>;

/** A record with what memory adds: what is free and whether its agent is connected. */
export function clusterToWire(
  parts: Pick<Parts, 'scheduler'>,
  cluster: ClusterRecord,
  jobs: JobCounts = {},
): MessageInitShape<typeof ClusterSchema> {
  const { registry } = parts.scheduler;
  const counted = Object.entries(jobs).filter(([, count]) => count > 0);
  return {
    name: cluster.name,
    registeredAt: timestampFromMs(cluster.registeredAt),
    graphVersion: String(cluster.graphVersion),
    resources: registry.counts(cluster.name).map((count) => ({ ...count })),
    subsystems: [...cluster.subsystems],
    ...(cluster.state === null ? {} : { state: structOf(cluster.state) }),
    connected: registry.isConnected(cluster.name),
    ...times({ lastSeenAt: cluster.lastSeenAt }),
    runner: cluster.instance?.runner ?? '',
    containers: cluster.instance?.containers ?? '',
    jobs: Object.fromEntries(counted),
    ...times({ drainedAt: cluster.service.drained?.at ?? null }),
    drainReason: cluster.service.drained?.reason ?? '',
    maintenance: cluster.service.windows.map(({ from, until, reason }) => ({
      from: timestampFromMs(from),
      until: timestampFromMs(until),
      reason,
    })),
  };
}
