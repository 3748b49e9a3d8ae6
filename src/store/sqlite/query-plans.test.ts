/**
 * Every statement that the operations send, planned by SQLite: none reads a table from end to end, or sorts one.
 * Plans do not depend on what is stored, since no statistics are gathered.
 */
import { beforeAll, expect, test } from 'vitest';
import { callEveryOperation } from '../conformance/every-operation.ts';
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

/**
 * Lists of what a person registers, by name; constants; runs that a LIMIT has cut already; the tasks of an array that is
 * given; the few counters of AUTOINCREMENT; of a full room for files, what an index has found that no job names (`held`).
 */
const SHORT =
  /^SCAN (clusters|cluster_groups|subsystems|servers) USING (COVERING )?INDEX|^SCAN (CONSTANT ROW|states|run|found|given|held|json_each|sqlite_sequence)\b/;
/** In order from its beginning, until the LIMIT. */
const IN_ORDER =
  /^SCAN (jobs|arrays) USING (COVERING )?INDEX (jobs_pending|jobs_settle|arrays_settle|arrays_cancel)$|^SCAN (jobs|arrays)$/;

const database = new RecordingDatabase(':memory:');
beforeAll(async () => {
  migrate(database, ':memory:', 0);
  await callEveryOperation((name, ...args) => database.call(name, ...args));
});

test('every operation is looked at', () => {
  expect([...database.called].toSorted()).toEqual([...Object.keys(READS), ...Object.keys(WRITES)].toSorted());
});

test('no statement reads a table from end to end', () => {
  const scans = [...database.statements].flatMap(([sql, operation]) =>
    database
      .planOf(sql)
      .filter((step) => step.startsWith('SCAN') && !SHORT.test(step))
      .filter((step) => !IN_ORDER.test(step) || !/ORDER BY .* LIMIT [?1]/s.test(sql))
      .map((step) => `${operation}: ${step}`),
  );
  expect(scans).toEqual([]);
});

test('no statement sorts, but for the merge of short runs in a list, what is asked for by priority, and who fills the room for files', () => {
  const sorts = [...database.statements].flatMap(([sql, operation]) =>
    database
      .planOf(sql)
      .filter((step) => step.includes('TEMP B-TREE'))
      .map((step) => `${operation}: ${step}`),
  );
  expect(new Set(sorts)).toEqual(
    new Set([
      'listJobs: USE TEMP B-TREE FOR ORDER BY',
      'listArrays: USE TEMP B-TREE FOR ORDER BY',
      'keepSmallBlobs: USE TEMP B-TREE FOR GROUP BY',
    ]),
  );
});

test('a place in an index is found, not everything of its owner passed over', () => {
  const plans = [...database.statements.keys()]
    .filter((sql) => /\(\w+, (id|seq)\) [<>] \(\?, \?\) AND/.test(sql))
    .map((sql) => database.planOf(sql).join('; '));
  expect(plans.length).toBeGreaterThan(5);
  for (const plan of plans) expect(plan).toMatch(/\((?=.*(=\? AND (rowid|id|seq)[<>]\?|ended_at[<>]\?))/);
});

test('the planner is not vacuous: without an index, a scan shows', () => {
  expect(database.planOf('SELECT id FROM jobs WHERE native_id = ?').join()).toContain('SCAN jobs');
});
