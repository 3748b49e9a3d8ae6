/** What Rainbow writes is found sound; and every rule finds what it is for. */
import { mkdtempSync, rmSync, truncateSync, statSync, openSync, writeSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { skipWithout } from '../../../test/needs.ts';
import { realSystem } from '../../system/real.ts';
import { openStore } from '../open.ts';
import { localPostgres } from '../testing/postgres.ts';
import { copyStore } from './copy.ts';
import { checkStore } from './check.ts';
import { RULES } from './rules.ts';
import { fillStore } from './testing/fill-store.ts';
import { patient } from './testing/patient.ts';

let folder: string;
let filled: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rainbow-check-'));
  filled = join(folder, 'filled.db');
  const store = await openStore(filled, realSystem);
  await fillStore(store);
  await store.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the filled store that a test may damage. */
async function copied(): Promise<string> {
  const path = join(mkdtempSync(join(folder, 'copy-')), 'rainbow.db');
  await copyStore(filled, path, realSystem, patient);
  return path;
}

/** What breaks each rule, in the words of both engines. */
const DAMAGE: Readonly<Record<string, string>> = {
  'job-state': `UPDATE jobs SET state = 'queued' WHERE id = 1`,
  'job-ended': `UPDATE jobs SET ended_at = NULL WHERE state = 'completed' AND id < 20`,
  'job-document': `DELETE FROM job_documents WHERE job_id = 2`,
  'job-cluster': `UPDATE jobs SET cluster_id = 99 WHERE id = 5`,
  'job-waits': `UPDATE jobs SET waits = 1 WHERE id = 5`,
  'job-attempts': `DELETE FROM attempts WHERE epoch = 2`,
  'job-event': `UPDATE jobs SET state = 'accepted' WHERE id = 5`,
  'job-unheard': `DELETE FROM events WHERE job_id = 10`,
  'job-dependency': `DELETE FROM dependencies`,
  'array-tasks': `DELETE FROM jobs WHERE array_id IS NOT NULL AND array_index = 3`,
  'array-counts': `UPDATE arrays SET failed = 1 WHERE ended = 1`,
  'array-ended': `UPDATE arrays SET ended_at = NULL WHERE ended_at IS NOT NULL`,
  'array-missing': `DELETE FROM arrays WHERE ended = 1`,
  'array-number': `UPDATE arrays SET id = 5 WHERE ended = 1`,
  name: `UPDATE names SET kind = 'group' WHERE name = 'red'`,
  'cluster-graph': `DELETE FROM cluster_graphs WHERE cluster_id = 1`,
  'document-pieces': `DELETE FROM document_pieces WHERE subsystem = '' AND number = 0`,
  'document-owner': `DELETE FROM subsystems`,
  'event-owner': `UPDATE events SET job_id = 999 WHERE job_id = 1`,
  'dependency-owner': `UPDATE dependencies SET job_id = 999 WHERE job_id = (SELECT MIN(job_id) FROM dependencies)`,
  'output-bytes': `UPDATE output_streams SET kept_bytes = kept_bytes + 1`,
  'output-owner': `DELETE FROM output_streams`,
  'decisions-epoch': `UPDATE decisions SET epoch = 9`,
  'output-streams-epoch': `UPDATE output_streams SET epoch = 9`,
  'bid-outcomes-epoch': `UPDATE bid_outcomes SET epoch = 9`,
  'file-bytes': `DELETE FROM blob_pieces`,
  'file-quota': `UPDATE file_owners SET bytes = bytes + 1`,
  'file-job': `UPDATE job_files SET job_id = 999`,
};

/** In pieces: one bit of the packed bytes is another. */
function spoilPiece(path: string): void {
  const database = new DatabaseSync(path);
  const row = database.prepare('SELECT rowid AS row, data FROM document_pieces LIMIT 1').get() as {
    row: number;
    data: Uint8Array;
  };
  row.data[row.data.length >> 1]! ^= 1;
  database.prepare('UPDATE document_pieces SET data = ? WHERE rowid = ?').run(row.data, row.row);
  database.close();
}

describe('on SQLite', () => {
  test('what Rainbow has written is sound, while it is open as well', async () => {
    expect(await checkStore(filled, patient)).toMatchObject({
      store: filled,
      schema: expect.any(Number),
      findings: [],
    });
    const store = await openStore(filled, realSystem, { alone: true });
    onTestFinished(() => store.close());
    expect((await checkStore(filled, patient)).findings).toEqual([]);
  });

  test('a finding says where, what, and what to do; those of one rule are limited', async () => {
    const path = await copied();
    const database = new DatabaseSync(path);
    database.exec(DAMAGE['job-unheard']!);
    database.exec(`UPDATE sqlite_sequence SET seq = 3 WHERE name = 'jobs'`);
    database.close();
    const { findings } = await checkStore(path, patient);
    expect(findings).toEqual([
      { rule: 'job-unheard', where: 'job 10', what: 'no event tells of it', remedy: expect.stringContaining('backup') },
      {
        rule: 'numbers',
        where: 'table jobs',
        what: expect.stringContaining('goes on after 3'),
        remedy: expect.any(String),
      },
    ]);
    const other = new DatabaseSync(path);
    for (let n = 0; n < 30; n++) other.exec(`INSERT INTO names (name, kind) VALUES ('n${n}', 'group')`);
    other.close();
    const many = (await checkStore(path, patient)).findings.filter(({ rule }) => rule === 'name');
    expect(many).toHaveLength(21);
    expect(many.at(-1)?.what).toContain('only the first 20');
  });

  test('a piece of a graph whose bytes have changed is found, and a text that is no JSON', async () => {
    const path = await copied();
    spoilPiece(path);
    const database = new DatabaseSync(path);
    database.exec(`UPDATE job_documents SET candidates = '[{' WHERE job_id = 1`);
    database.close();
    expect((await checkStore(path, patient)).findings).toMatchObject([
      { rule: 'document', where: 'table job_documents, job_id 1', what: 'candidates cannot be read' },
      { rule: 'document', where: expect.stringMatching(/^table document_pieces, cluster_id 2/) },
    ]);
  });

  test('a file with a page overwritten, cut short, or of something else is told', async () => {
    const path = await copied();
    const descriptor = openSync(path, 'r+');
    writeSync(descriptor, Buffer.alloc(4096, 0x5a), 0, 4096, 4096 * 5);
    closeSync(descriptor);
    const { findings } = await checkStore(path, patient);
    expect(findings[0]).toMatchObject({ rule: 'integrity', remedy: expect.stringContaining('rainbow db restore') });

    const short = await copied();
    truncateSync(short, statSync(short).size - 4096 * 4);
    const told = await checkStore(short, patient).then(
      (check) => check.findings.map(({ rule }) => rule),
      (error: Error) => [error.message],
    );
    expect(told[0]).toMatch(/integrity|malformed/);
    const stump = await copied();
    truncateSync(stump, 4096 * 2);
    // Whoever reads it has just called the check.
    await expect(checkStore(stump, patient)).rejects.toThrow(/is damaged .*takes its place \(rainbow db restore\)$/);

    const other = join(folder, 'text.db');
    const text = openSync(other, 'w');
    writeSync(text, 'x'.repeat(9000));
    closeSync(text);
    await expect(checkStore(other, patient)).rejects.toThrow(/not a SQLite database/);
    await expect(checkStore(join(folder, 'none.db'), patient)).rejects.toMatchObject({ code: 'not_found' });
  });
});

const { postgres, missing } = await localPostgres();
afterAll(() => postgres?.remove());

describe.skipIf(skipWithout('postgres', missing))('on PostgreSQL', () => {
  test('there is damage for every rule', () => {
    expect(Object.keys(DAMAGE).toSorted()).toEqual(RULES.map(({ name }) => name).toSorted());
  });

  test('what Rainbow has written is sound, and every rule finds what it is for', async () => {
    const url = await postgres!.newDatabase('empty');
    await copyStore(filled, url, realSystem, patient);
    expect((await checkStore(url, patient)).findings).toEqual([]);
    const store = await openStore(url, realSystem);
    expect((await checkStore(url, patient)).findings).toEqual([]);
    await store.close();

    const database = await postgres!.connect(url);
    onTestFinished(() => database.close());
    // As a disk or another program would: past constraints and references.
    await database.command(`SET session_replication_role = replica; SET enable_seqscan = on;
      DO $$ DECLARE c record; BEGIN FOR c IN SELECT conname, conrelid::regclass AS t FROM pg_constraint
        WHERE contype = 'c' AND connamespace = to_regnamespace(current_schema())
        LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname); END LOOP; END $$`);
    const blind: string[] = [];
    for (const { name, sql } of RULES) {
      await database.command('BEGIN');
      expect(await database.query({ sql, values: [] })).toEqual([]);
      await database.command(DAMAGE[name] ?? '');
      const rows = await database.query({ sql, values: [] });
      if (rows.length === 0 || rows.some(({ place, what }) => place === null || what === null)) blind.push(name);
      await database.command('ROLLBACK');
    }
    expect(blind).toEqual([]);
  });

  test('where there is no store, that is said', async () => {
    await expect(checkStore(await postgres!.newDatabase('empty'), patient)).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('there is no store'),
    });
  });
});
