/**
 * Which clusters a job may use that were not there when it was submitted: later members of the groups whose token its
 * submitter sent, by the group's own identity (a namesake made later has another token); for an operator who named no
 * credentials, all. A cluster that is registered under the name of an old one is another cluster, and comes in only so.
 */
import type { ClusterRef, GroupRecord, LaterClusters } from '../store/store.ts';

export function laterClusters(
  later: LaterClusters,
  groups: readonly GroupRecord[],
  registered: readonly ClusterRef[],
): readonly ClusterRef[] {
  const named = new Set(
    later.groups.flatMap(({ name, createdAt }) => {
      const group = groups.find((each) => each.name === name && each.createdAt === createdAt);
      return group?.clusters ?? [];
    }),
  );
  return registered.filter(
    ({ name }) => (later.any || named.has(name)) && (later.only.length === 0 || later.only.includes(name)),
  );
}
