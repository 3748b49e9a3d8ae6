/**
 * Every statement that the operations send, planned by SQLite: none reads a table from end to end, or sorts one.
 * Plans do not depend on what is stored, since no statistics are gathered.
 */
import { beforeAll, expect, test } from 'vitest';
import type { JobFilter } from '../store.ts';
import type { Statement } from '../operations/statement.ts';
import { operationNamed, READS, WRITES, type Arguments, type OperationName } from '../operations/operations.ts';
import { Database } from './database.ts';
import { migrate } from './migrate.ts';

class RecordingDatabase extends Database {
  readonly statements = new Map<string, OperationName>();
  readonly called = new Set<OperationName>();
  #operation: OperationName | null = null;

  call<N extends OperationName>(name: N, ...args: Arguments<N>): void {
    this.called.add(name);
    this.#operation = name;
    this.run(operationNamed(name)(...args));
    this.#operation = null;
  }

  override query(statement: Statement): ReturnType<Database['query']> {
    if (this.#operation !== null && !this.statements.has(statement.sql)) {
      this.statements.set(statement.sql, this.#operation);
    }
    return super.query(statement);
  }

  planOf(sql: string): string[] {
    return super.query({ sql: `EXPLAIN QUERY PLAN ${sql}`, values: [] }).map(({ detail }) => String(detail));
  }
}

/** Lists of what a person registers, by name; constants; and runs that a LIMIT has cut already. */
const SHORT =
  /^SCAN (clusters|cluster_groups|subsystems) USING (COVERING )?INDEX|^SCAN (CONSTANT ROW|states|run|found)\b/;
/** In order from its beginning, until the LIMIT. */
const IN_ORDER = /^SCAN jobs USING INDEX jobs_pending$|^SCAN jobs$/;

const database = new RecordingDatabase(':memory:');
beforeAll(() => {
  migrate(database, ':memory:', 0);
  const hash = new Uint8Array(32);
  const reason = { code: 'selected', message: '' } as const;
  const red = { name: 'red', id: 1 };
  const outcome = { state: 'assigned', reason, cluster: red, allocation: '[]' } as const;
  database.call('registerCluster', { name: 'red', secretHash: hash, tokenHash: hash, graph: '', counts: [], at: 1 });
  database.call('replaceGraph', 'red', '', [], 1);
  database.call('putSubsystem', 'red', 'io', '', true, 1);
  database.call('mergeState', 'red', {}, 1);
  const instance = { id: 'a', startedAt: 1, runner: 'process', version: '1', runAs: 'mapped' } as const;
  database.call('claimInstance', red, instance, 1);
  database.call('clustersSeen', ['red'], 5);
  database.call('createGroup', { name: 'g', tokenHash: hash, clusters: ['red'], at: 1 });
  database.call('updateGroup', 'g', ['red'], 1);
  database.call('getGroup', 'g');
  database.call('listGroups');
  for (let n = 1; n <= 4; n++) {
    database.call('submitJob', {
      name: 'train',
      owner: 'ada',
      jobspec: '',
      candidates: [],
      policy: 'random',
      policyOptions: {},
      priority: 0,
      walltime: 1,
      onClusterLoss: 'wait',
      idempotencyKey: `${n}`,
      at: 1,
      outcome,
      decision: '{}',
    });
  }
  database.call('receiveJobs', red, 2, 5, 2);
  database.call('returnExpired', 9, 9);
  database.call('requestCancel', '3', reason, 1);
  const again = {
    id: '2',
    from: ['pending'],
    epoch: 2,
    to: 'assigned',
    cluster: red,
    allocation: 'x',
    decision: '{}',
  } as const;
  database.call('transitionJob', { ...again, at: 1, reason });
  database.call('numberAt', red, '1');
  database.call('jobsByNumbers', red, [1]);
  database.call('getJob', '1');
  database.call('getAttempts', '1');
  const filters: Omit<JobFilter, 'limit'>[] = [
    {},
    { owner: 'ada' },
    { cluster: 'red' },
    { states: ['running', 'pending'] },
    { owner: 'ada', cluster: 'red', name: 'train', states: ['pending'] },
  ];
  for (const filter of filters) {
    for (const page of [{}, { after: '9' }, { after: '1', oldestFirst: true }]) {
      database.call('listJobs', { ...filter, ...page, limit: 5 });
    }
  }
  database.call('countJobsByCluster');
  database.call('pendingJobs', 5);
  database.call('jobsAtCluster', red, ['running']);
  database.call('getDecisions', '1');
  for (const filter of [{}, { jobId: '1' }, { owner: 'ada' }, { owner: 'ada', jobId: '1' }]) {
    database.call('eventsAfter', 0, 5, filter);
  }
  database.call('lastEvent');
  database.call('appendOutput', '1', 1, [{ task: 0, stream: 'stdout', offset: 0, data: hash, at: 1 }], 9);
  database.call('readOutput', '1', 1, 0, 9);
  database.call('cutOutput', '1', 1);
  database.call('setSettingOnce', 'a', 'b');
  database.call('getSetting', 'a');
  database.call('getCluster', 'red');
  database.call('listClusters');
  database.call('getGraph', 'red');
  database.call('deleteSubsystem', 'red', 'io', 1);
  database.call('deleteGroup', 'g', 1);
  database.call('deleteCluster', 'red', 9, true);
});

test('every operation is looked at', () => {
  expect([...database.called].toSorted()).toEqual([...Object.keys(READS), ...Object.keys(WRITES)].toSorted());
});

test('no statement reads a table from end to end', () => {
  const scans = [...database.statements].flatMap(([sql, operation]) =>
    database
      .planOf(sql)
      .filter((step) => step.startsWith('SCAN') && !SHORT.test(step))
      .filter((step) => !IN_ORDER.test(step) || !/ORDER BY .* LIMIT \?/s.test(sql))
      .map((step) => `${operation}: ${step}`),
  );
  expect(scans).toEqual([]);
});

test('no statement sorts, but for the merge of short runs in a list', () => {
  const sorts = [...database.statements].flatMap(([sql, operation]) =>
    database
      .planOf(sql)
      .filter((step) => step.includes('TEMP B-TREE'))
      .map((step) => `${operation}: ${step}`),
  );
  expect(new Set(sorts)).toEqual(new Set(['listJobs: USE TEMP B-TREE FOR ORDER BY']));
});

test('the planner is not vacuous: without an index, a scan shows', () => {
  expect(database.planOf('SELECT id FROM jobs WHERE native_id = ?').join()).toContain('SCAN jobs');
});
