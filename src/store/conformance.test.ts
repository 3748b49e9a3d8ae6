import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { realSystem } from '../system/real.ts';
import { durableStoreConformance, storeConformance } from './conformance.ts';
import { openStore } from './open.ts';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rainbow-store-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function newFile(): string {
  files += 1;
  return join(folder, `${files}`, 'rainbow.db');
}

storeConformance('memory', () => openStore(':memory:', realSystem), 100);
storeConformance('sqlite', () => openStore(newFile(), realSystem));
durableStoreConformance('sqlite', async () => {
  const url = newFile();
  return { url, remove: () => rm(join(url, '..'), { recursive: true, force: true }) };
});
