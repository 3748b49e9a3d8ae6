/**
 * For tests: versions of Rainbow, as copies of the sources whose servers are started with the program that each resolves
 * to. This one as it is now, whatever happens to the sources while a long test runs; and the next one, newer by one
 * migration that adds tables, columns and an index.
 */
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIGRATIONS } from '../../src/store/migrations/index.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const NUMBER = MIGRATIONS.length + 1;

export interface Version {
  readonly program: string;
  readonly folder: string;
  remove(): Promise<void>;
}

export async function thisVersion(): Promise<Version> {
  const folder = await mkdtemp(join(tmpdir(), 'rainbow-version-'));
  await cp(join(ROOT, 'src'), join(folder, 'src'), { recursive: true });
  await cp(join(ROOT, 'test', 'servers'), join(folder, 'test', 'servers'), { recursive: true });
  await cp(join(ROOT, 'package.json'), join(folder, 'package.json'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return {
    program: join(folder, 'test', 'servers', 'server-process.ts'),
    folder,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export async function nextVersion(): Promise<Version & { readonly schema: number }> {
  const copy = await thisVersion();
  const migrations = join(copy.folder, 'src', 'store', 'migrations');
  await cp(join(migrations, 'index.ts'), join(migrations, 'index-before.ts'));
  await writeFile(
    join(migrations, 'index.ts'),
    `import { MIGRATIONS as BEFORE } from './index-before.ts';
import type { Migration } from './migration.ts';

const next: Migration = {
  number: ${NUMBER},
  name: 'next',
  statements: ({ serial, integer, text, strict }) => [
    \`ALTER TABLE jobs ADD COLUMN next_wish \${text}\`,
    \`ALTER TABLE clusters ADD COLUMN next_count \${integer} NOT NULL DEFAULT 7\`,
    \`ALTER TABLE events ADD COLUMN next_note \${text}\`,
    'CREATE INDEX jobs_next_wish ON jobs (next_wish)',
    \`CREATE TABLE next_things (id \${serial}, cluster_id \${integer} NOT NULL REFERENCES clusters (id) ON DELETE CASCADE) \${strict}\`,
  ],
};

export const MIGRATIONS: readonly Migration[] = [...BEFORE, next];
`,
  );
  return { ...copy, schema: NUMBER };
}
