/**
 * Is a store sound? What its engine says of itself, what Rainbow's own writing keeps true (rules.ts), numbers that have
 * not been overtaken, and documents that can be read. One snapshot, beside whoever serves; nothing is changed.
 */
import { zstdDecompressSync } from 'node:zlib';
import { RainbowError } from '../../core/errors.ts';
import { MIGRATIONS } from '../migrations/index.ts';
import type { Row } from '../operations/statement.ts';
import type { Finding } from './finding.ts';
import { damaged, engineFindings, isCorrupt } from './integrity.ts';
import { inWords, openToRead } from './open-side.ts';
import { RULES } from './rules.ts';
import { batchesOf, contentOf, type Pace, type Side, type Table } from './side.ts';

export interface Check {
  /** As it may be shown. */
  readonly store: string;
  readonly schema: number;
  readonly findings: readonly Finding[];
}

/** Findings of one rule that are listed; the last says that there are more. */
const MOST = 20;

/** Errors: as `openToRead`. What is found is no error. */
export async function checkStore(address: string, pace: Pace): Promise<Check> {
  const { side, version, close } = await openToRead(address);
  try {
    const findings = await inWords(side.address, () => seen(side, version, pace));
    return { store: side.address, schema: version, findings };
  } finally {
    await close();
  }
}

/** Damage that only shows when a row is read is a finding too. */
async function seen(side: Side, version: number, pace: Pace): Promise<readonly Finding[]> {
  try {
    return await allFindings(side, version, pace);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    return [damaged(side.address, (error as Error).message)];
  }
}

async function allFindings(side: Side, version: number, pace: Pace): Promise<readonly Finding[]> {
  // 1. The engine. Where the file itself is damaged, nothing else can be believed.
  pace.tell('the engine’s own check');
  await pace.breathe();
  const engine = await engineFindings(side);
  if (engine.length > 0) return engine;
  if (version < MIGRATIONS.length) return [olderSchema(version)];

  // 2. The rules. Whole tables are joined: what keeps single calls from walking through them is not for here.
  if (side.kind === 'postgres') await side.ask({ sql: WALKS, values: [] });
  const findings: Finding[] = [];
  for (const rule of RULES) {
    pace.tell(`checking ${rule.name}`);
    await pace.breathe();
    const rows = await side.ask({ sql: `${rule.sql} LIMIT ${MOST + 1}`, values: [] });
    findings.push(
      ...rows
        .slice(0, MOST)
        .map((row) => found(rule.name, `${rule.subject} ${String(row['place'])}`, row, rule.remedy)),
    );
    if (rows.length > MOST) findings.push(more(rule.name, rule.subject, rule.remedy));
  }

  // 3. Numbers, then documents.
  findings.push(...(await overtaken(side)), ...(await unreadable(side, pace)));
  return findings;
}

const WALKS = `SELECT set_config(name, 'on', true) FROM unnest(ARRAY['enable_seqscan', 'enable_bitmapscan', 'enable_sort',
  'enable_hashjoin', 'enable_mergejoin']) AS name
  UNION ALL SELECT set_config(name, reset_val, true) FROM pg_settings WHERE name = 'max_parallel_workers_per_gather'`;

function found(rule: string, where: string, row: Row, remedy: string): Finding {
  return { rule, where, what: String(row['what']), remedy };
}

function more(rule: string, subject: string, remedy: string): Finding {
  return { rule, where: `more of ${subject}`, what: `only the first ${MOST} are listed`, remedy };
}

function olderSchema(version: number): Finding {
  return {
    rule: 'schema',
    where: 'the schema',
    what: `it is ${version}, and this Rainbow knows ${MIGRATIONS.length}: only the engine was checked`,
    remedy:
      'start this Rainbow’s server on it once, which brings it forward; or check it with the Rainbow that wrote it',
  };
}

async function overtaken(side: Side): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [table, newest] of await side.numbers()) {
    const key = table === 'events' ? 'seq' : 'id';
    const [row] = await side.ask({ sql: `SELECT COALESCE(MAX(${key}), 0) AS most FROM ${table}`, values: [] });
    const most = Number(row?.['most'] ?? 0);
    if (most <= newest) continue;
    findings.push({
      rule: 'numbers',
      where: `table ${table}`,
      what: `it has number ${most}, and goes on after ${newest}: numbers would be given twice`,
      remedy:
        'stop the servers; rows were put in by something else than Rainbow: restore a backup, or copy the store (rainbow db copy)',
    });
  }
  return findings;
}

// ── documents ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Columns that hold JSON, by table. */
const JSON_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  clusters: ['counts', 'state', 'service', 'instance'],
  job_documents: ['candidates', 'policy_options', 'later', 'handling', 'bidding'],
  arrays: ['candidates'],
  decisions: ['decision'],
  events: ['detail'],
  free_reports: ['report'],
};

/** Texts that the server reads back, and pieces of graphs, which are packed with a checksum (scheduler/reading/pack.ts). */
async function unreadable(side: Side, pace: Pace): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const tables = await contentOf(side);
  for (const [name, columns] of [...Object.entries(JSON_COLUMNS), ['document_pieces', ['data']] as const]) {
    const table = tables.find((each) => each.name === name);
    if (table === undefined) throw new RainbowError('internal', `there is no table ${name}`);
    const wanted = {
      ...table,
      columns: table.columns.filter((each) => [...table.key, ...columns].includes(each.name)),
    };
    let count = 0;
    for await (const batch of batchesOf(side, wanted, pace)) {
      pace.tell(`reading ${name}`);
      for (const row of batch) {
        for (const column of columns.filter((each) => !isReadable(row[each]))) {
          if (++count <= MOST) findings.push(unreadableAt(table, column, row));
        }
      }
    }
    if (count > MOST) findings.push(more('document', `table ${name}`, ''));
  }
  return findings;
}

function isReadable(value: Row[string] | undefined): boolean {
  if (value === null || value === undefined) return true;
  try {
    if (value instanceof Uint8Array) zstdDecompressSync(value);
    else JSON.parse(String(value));
    return true;
  } catch {
    return false;
  }
}

function unreadableAt(table: Table, column: string, row: Row): Finding {
  const key = table.key.map((name) => `${name} ${String(row[name])}`).join(', ');
  return {
    rule: 'document',
    where: `table ${table.name}, ${key}`,
    what: `${column} cannot be read`,
    remedy:
      table.name === 'document_pieces'
        ? 'register that cluster’s graph, or that subsystem, again'
        : 'the disk has lost a write, or something else has written here: restore a backup',
  };
}
