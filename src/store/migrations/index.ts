/** Every migration, in order: the n-th has number n, and the last is the schema that this program knows. */
import { first } from './0001-first.ts';
import { bids } from './0004-bids.ts';
import type { Migration } from './migration.ts';

export const MIGRATIONS: readonly Migration[] = [first, bids];
