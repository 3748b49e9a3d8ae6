/**
 * Every statement that the operations send, planned by PostgreSQL as a session of ours plans it: none reads a table
 * from end to end, or sorts one. Sessions turn off what would make plans depend on statistics (database.ts), so the
 * plans are looked at twice: on empty tables, and on tables with many rows, analyzed.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../../../test/needs.ts';
import { callEveryOperation } from '../conformance/every-operation.ts';
import { newJob } from '../conformance/fixtures.ts';
import { READS, WRITES, type OperationName } from '../operations/operations.ts';
import type { Row, SqlValue } from '../operations/statement.ts';
import { INSERT_EVENT } from '../operations/write-event.ts';
import { localPostgres } from '../testing/postgres.ts';
import type { Database, PostgresOperation, PostgresStatement } from './database.ts';
import { lockRows } from './lock-rows.ts';
import { postgresOperation } from './own-operations.ts';
import { textOf } from './statement-text.ts';
import { submitJobs } from './submit-jobs.ts';
import { newestEvent, writeEvents } from './write-events.ts';

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Index Name'?: string;
  readonly Filter?: string;
  readonly Plans?: readonly Plan[];
  /** Below a LIMIT. */
  readonly limited?: boolean;
}

/** Runs operations one statement at a time, and keeps the text of each with who sent it. */
class Recorder {
  readonly statements = new Map<string, OperationName>();
  readonly called = new Set<OperationName>();
  readonly #database: Database;
  #operation: OperationName | null = null;

  constructor(database: Database) {
    this.#database = database;
  }

  async call(name: OperationName, ...args: readonly unknown[]): Promise<void> {
    this.called.add(name);
    await this.run(name, postgresOperation(name)(...args));
  }

  /** Events go the way that a transaction sends them. */
  async run(name: OperationName, operation: PostgresOperation<unknown>): Promise<void> {
    this.#operation = name;
    const events: (readonly SqlValue[])[] = [];
    let step = operation.next();
    while (step.done !== true) {
      let rows: readonly Row[] = [];
      if (step.value.sql === INSERT_EVENT) events.push(step.value.values as readonly SqlValue[]);
      else rows = await this.query(step.value);
      step = operation.next(rows);
    }
    if (events.length > 0) await this.query(writeEvents(events, 'nobody'));
    this.#operation = null;
  }

  query(statement: PostgresStatement): Promise<readonly Row[]> {
    if (this.#operation !== null && !this.statements.has(statement.sql)) {
      this.statements.set(statement.sql, this.#operation);
    }
    return this.#database.query(statement);
  }

  as(name: OperationName): void {
    this.#operation = name;
  }
}

const { postgres, missing } = await localPostgres();
afterAll(() => postgres?.remove());

let plans = 0;
async function planOf(database: Database, sql: string): Promise<Plan[]> {
  const { text } = textOf(sql);
  const values = new Set(text.match(/\$\d+/g)).size;
  const nulls = values === 0 ? '' : `(${Array.from({ length: values }, () => 'NULL').join(', ')})`;
  plans += 1;
  await database.command(`PREPARE planned_${plans} AS ${text}`);
  const [row] = await database.query({ sql: `EXPLAIN (FORMAT JSON) EXECUTE planned_${plans} ${nulls}`, values: [] });
  const [explained] = JSON.parse(String(row?.['QUERY PLAN'])) as [{ readonly Plan: Plan }];
  const all: Plan[] = [];
  const add = (plan: Plan, limited: boolean): void => {
    all.push({ ...plan, limited });
    plan.Plans?.forEach((below) => add(below, limited || plan['Node Type'] === 'Limit'));
  };
  add(explained.Plan, false);
  return all;
}

/** Lists of what a person registers, and what there is once of each of these; all of it is asked for. */
const LISTS = ['clusters', 'cluster_groups', 'subsystems', 'servers', 'cluster_streams', 'free_reports'];
/** Read in order from an end, until the LIMIT above it (or the MAX, which is one). */
const IN_ORDER = [
  'jobs_pending',
  'jobs_pkey',
  'events_pkey',
  'arrays_pkey',
  'jobs_settle',
  'arrays_settle',
  'arrays_cancel',
  'jobs_ended',
  'arrays_ended',
];
/** Partial indexes, read in order; their filter is their own condition again, or leaves out little of a page. */
const FILTERED = ['jobs_pending', 'jobs_settle', 'arrays_settle', 'jobs_ended', 'arrays_ended'];

function isScan(plan: Plan): boolean {
  const { 'Node Type': type, 'Relation Name': relation, 'Index Cond': condition, 'Index Name': index } = plan;
  if (relation === undefined || LISTS.includes(relation)) return false;
  if (type === 'Seq Scan' || type.startsWith('Bitmap')) return true;
  if (!/^Index (Only )?Scan$/.test(type)) return false;
  // A walk along the ids that looks at every row on its way.
  if (
    IN_ORDER.includes(index ?? '') &&
    !FILTERED.includes(index ?? '') &&
    plan.Filter !== undefined &&
    !condition?.includes(' = ')
  )
    return true;
  return condition === undefined && !(plan.limited === true && IN_ORDER.includes(index ?? ''));
}

describe.skipIf(skipWithout('postgres', missing))('statements', () => {
  async function recorded(): Promise<{ database: Database; recorder: Recorder }> {
    const database = await postgres!.connect(await postgres!.newDatabase());
    const recorder = new Recorder(database);
    await callEveryOperation((name, ...args) => recorder.call(name, ...args));
    // The driver's own.
    await recorder.run('submitJob', submitJobs([newJob({ idempotencyKey: 'k', decision: '{}' })], new Map()));
    await recorder.run('lastEvent', newestEvent());
    recorder.as('transitionJob');
    await lockRows({ query: (statement) => recorder.query(statement), know: () => undefined }, [
      { name: 'transitionJob', args: [{ id: '1', to: 'assigned', cluster: { name: 'red', id: 1 } }] },
      { name: 'clustersSeen', args: [['red', 'blue']] },
      { name: 'submitJob', args: [newJob({ idempotencyKey: 'k' })] },
    ]);
    return { database, recorder };
  }

  async function faults({ database, recorder }: Awaited<ReturnType<typeof recorded>>): Promise<string[]> {
    const found: string[] = [];
    for (const [sql, operation] of recorder.statements) {
      for (const step of await planOf(database, sql)) {
        const what = `${operation}: ${step['Node Type']} ${step['Relation Name'] ?? ''} ${step['Index Name'] ?? ''}`;
        if (isScan(step)) found.push(what.trim());
        if (step['Node Type'].includes('Sort')) found.push(what.trim());
        if (step['Node Type'].startsWith('Gather')) found.push(what.trim());
      }
    }
    return [...new Set(found)];
  }

  /** Sorts of a page, of a batch, or of the few rows of one job or cluster; no table. */
  const SHORT_SORTS = ['listJobs: Sort', 'listArrays: Sort', 'submitJob: Sort', 'getAttempts: Sort'];

  test('none reads a table from end to end or sorts one, whether it is empty or full', async () => {
    const all = await recorded();
    expect([...all.recorder.called].toSorted()).toEqual([...Object.keys(READS), ...Object.keys(WRITES)].toSorted());
    expect((await faults(all)).filter((fault) => !SHORT_SORTS.includes(fault))).toEqual([]);

    await all.database.command(FILL);
    await all.database.command('ANALYZE');
    await all.database.command(AS_OF_MILLIONS);
    expect((await faults(all)).filter((fault) => !SHORT_SORTS.includes(fault))).toEqual([]);
    await all.database.close();
  });

  test('the planner is not vacuous: without an index, a scan shows', async () => {
    const database = await postgres!.connect(await postgres!.newDatabase());
    const plan = await planOf(database, 'SELECT id FROM jobs WHERE native_id = ?');
    expect(plan.some(isScan)).toBe(true);
    await database.close();
  });
});

/** What makes the planner take several processes for as little as this. */
const AS_OF_MILLIONS = `SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0;
  SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0`;

/** 20,000 jobs of 50 owners at 20 clusters, most of them ended, with what hangs on them. */
const FILL = `
  INSERT INTO names (name, kind) SELECT 'c' || n, 'cluster' FROM generate_series(1, 20) AS n;
  INSERT INTO clusters (name, secret_hash, token_hash, registered_at, graph_version, counts)
    SELECT 'c' || n, '', '', 0, 1, '[]' FROM generate_series(1, 20) AS n;
  INSERT INTO jobs (name, owner, idempotency_key, priority, walltime, on_cluster_loss, submitted_at, state, reason_code,
      reason_message, epoch, cluster, cluster_id, ended_at, lease_expires_at)
    SELECT 'n', 'owner' || n % 50, 'key' || n, n % 5, 1, 'wait', n, s.state, 'x', '', 1,
      CASE WHEN s.state <> 'pending' THEN 'c' || n % 20 + 1 END, CASE WHEN s.state <> 'pending' THEN n % 20 + 1 END,
      CASE WHEN s.state = 'completed' THEN n END, CASE WHEN s.state = 'received' THEN n END
    FROM generate_series(1, 20000) AS n
    CROSS JOIN LATERAL (SELECT (ARRAY['pending','assigned','received','running','completed','completed','completed',
      'completed','completed','completed'])[n % 10 + 1] AS state) AS s;
  INSERT INTO job_documents (job_id, jobspec, candidates, policy, policy_options)
    SELECT id, '', '[]', 'random', '{}' FROM jobs ON CONFLICT DO NOTHING;
  INSERT INTO events (seq, at, subject, job_id, owner, kind)
    SELECT 1000 + n, n, 'job', n % 20000 + 1, 'owner' || n % 50, 'pending' FROM generate_series(1, 40000) AS n;
  INSERT INTO attempts (job_id, epoch, state, reason_code, reason_message)
    SELECT id, 1, 'received', 'x', '' FROM jobs ON CONFLICT DO NOTHING;
  INSERT INTO decisions (job_id, epoch, at, decision) SELECT id, 1, 1, '{}' FROM jobs;
  INSERT INTO output_chunks (job_id, epoch, number, task, stream, start_offset, at, data)
    SELECT id, 1, 1, 0, 'stdout', 0, 0, '' FROM jobs ON CONFLICT DO NOTHING;
  INSERT INTO letters (receiver, sent_at, body) SELECT 'server' || n % 20, n, '' FROM generate_series(1, 20000) AS n`;
