/**
 * For tests: a Rainbow that is newer by one migration, as it may be made by the next version: a copy of the sources, whose
 * schema has tables, columns and an index more. Its servers are started with the program that this resolves to.
 */
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIGRATIONS } from '../../src/store/migrations/index.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const NUMBER = MIGRATIONS.length + 1;

export interface NextVersion {
  readonly program: string;
  readonly schema: number;
  remove(): Promise<void>;
}

export async function nextVersion(): Promise<NextVersion> {
  const folder = await mkdtemp(join(tmpdir(), 'rainbow-next-'));
  await cp(join(ROOT, 'src'), join(folder, 'src'), { recursive: true });
  await cp(join(ROOT, 'test', 'servers'), join(folder, 'test', 'servers'), { recursive: true });
  await cp(join(ROOT, 'package.json'), join(folder, 'package.json'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const migrations = join(folder, 'src', 'store', 'migrations');
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
  return {
    program: join(folder, 'test', 'servers', 'server-process.ts'),
    schema: NUMBER,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
