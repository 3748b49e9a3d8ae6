/** Every migration, in order: the n-th has number n, and the last is the schema that this program knows. */
import { first } from './0001-first.ts';
import { service } from './0005-service.ts';
import type { Migration } from './migration.ts';

export const MIGRATIONS: readonly Migration[] = [first, service];
