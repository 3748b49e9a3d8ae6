/** Cluster groups: a name, a token's hash, clusters in the order given. */
import { RainbowError } from '../../core/errors.ts';
import type { GroupRecord } from '../store.ts';
import { noCluster } from './read-clusters.ts';
import { all, one, run, type Operation } from './statement.ts';
import { takeName } from './write-clusters.ts';
import { writeEvent } from './write-event.ts';

interface GroupRow {
  readonly name: string;
  readonly token_hash: Uint8Array;
  readonly created_at: number;
}

const SELECT_GROUP = 'SELECT name, token_hash, created_at FROM cluster_groups';

export function* createGroup(group: {
  name: string;
  tokenHash: Uint8Array;
  clusters: readonly string[];
  at: number;
}): Operation<GroupRecord> {
  yield* takeName(group.name, 'group');
  yield* run(
    'INSERT INTO cluster_groups (name, token_hash, created_at) VALUES (?, ?, ?)',
    group.name,
    group.tokenHash,
    group.at,
  );
  yield* setMembers(group.name, group.clusters);
  yield* writeGroupEvent(group.name, 'created', group.at, group.clusters);
  return yield* groupNow(group.name);
}

export function* updateGroup(name: string, clusters: readonly string[], at: number): Operation<GroupRecord> {
  yield* groupNow(name);
  yield* run('DELETE FROM group_members WHERE group_name = ?', name);
  yield* setMembers(name, clusters);
  yield* writeGroupEvent(name, 'updated', at, clusters);
  return yield* groupNow(name);
}

/** False where there is none. */
export function* deleteGroup(name: string, at: number): Operation<boolean> {
  const gone = yield* one('DELETE FROM cluster_groups WHERE name = ? RETURNING name', name);
  if (gone === undefined) return false;
  yield* run('DELETE FROM names WHERE name = ?', name);
  yield* writeGroupEvent(name, 'deleted', at, null);
  return true;
}

function* setMembers(group: string, clusters: readonly string[]): Operation<void> {
  let position = 0;
  for (const cluster of new Set(clusters)) {
    const row = yield* one<{ id: number }>('SELECT id FROM clusters WHERE name = ?', cluster);
    if (row === undefined) throw noCluster(cluster);
    position += 1;
    yield* run(
      'INSERT INTO group_members (group_name, position, cluster_id) VALUES (?, ?, ?)',
      group,
      position,
      row.id,
    );
  }
}

export function* getGroup(name: string): Operation<GroupRecord | null> {
  const row = yield* one<GroupRow>(`${SELECT_GROUP} WHERE name = ?`, name);
  if (row === undefined) return null;
  const members = yield* all<{ name: string }>(
    `SELECT clusters.name FROM group_members JOIN clusters ON clusters.id = group_members.cluster_id
     WHERE group_members.group_name = ? ORDER BY group_members.position`,
    name,
  );
  return {
    name: row.name,
    tokenHash: row.token_hash,
    createdAt: row.created_at,
    clusters: members.map(({ name }) => name),
  };
}

function* groupNow(name: string): Operation<GroupRecord> {
  const group = yield* getGroup(name);
  if (group === null) throw new RainbowError('not_found', `there is no cluster group ${name}`);
  return group;
}

export function* listGroups(): Operation<readonly GroupRecord[]> {
  const names = yield* all<{ name: string }>('SELECT name FROM cluster_groups ORDER BY name');
  const groups: GroupRecord[] = [];
  for (const { name } of names) groups.push(yield* groupNow(name));
  return groups;
}

function writeGroupEvent(name: string, kind: string, at: number, clusters: readonly string[] | null): Operation<void> {
  return writeEvent({
    at,
    subject: 'group',
    jobId: null,
    arrayId: null,
    owner: null,
    cluster: null,
    kind,
    epoch: null,
    reason: null,
    detail: clusters === null ? { group: name } : { group: name, clusters: [...clusters] },
  });
}
