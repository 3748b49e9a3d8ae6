import { afterAll, describe } from 'vitest';
import { skipWithout } from '../../../test/needs.ts';
import { realSystem } from '../../system/real.ts';
import { durableStoreConformance, storeConformance } from '../conformance.ts';
import { openStore } from '../open.ts';
import { localPostgres } from '../testing/postgres.ts';

const { postgres, missing } = await localPostgres();
afterAll(() => postgres?.remove());

describe.skipIf(skipWithout('postgres', missing))('on PostgreSQL', () => {
  const newDatabase = (): Promise<string> => postgres!.newDatabase();

  storeConformance('postgres', async () => openStore(await newDatabase(), realSystem));
  durableStoreConformance('postgres', async () => ({
    url: await postgres!.newDatabase('empty'),
    remove: () => Promise.resolve(),
  }));
});
