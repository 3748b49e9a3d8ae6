import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { realSystem } from '../system/real.ts';
import { writePrivately } from './file.ts';
import { whileLocked } from './lock.ts';

function file(): { readonly folder: string; readonly path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'rainbow-lock-'));
  return { folder, path: join(folder, 'config.yaml') };
}

test('of many that change a file at once, none overwrites what another wrote', async () => {
  const { folder, path } = file();
  writeFileSync(path, '');
  const add = (n: number): Promise<void> =>
    whileLocked(realSystem, path, () => writePrivately(path, `${readFileSync(path, 'utf8')}${n}\n`));
  await Promise.all(Array.from({ length: 20 }, (_, n) => add(n)));
  const numbers = readFileSync(path, 'utf8').trim().split('\n').map(Number);
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  expect(readdirSync(folder)).toEqual(['config.yaml']);
});

test('a lock that a dead process left is taken away', async () => {
  const { folder, path } = file();
  writeFileSync(`${path}.lock`, '1 gone\n');
  expect(await whileLocked(realSystem, path, () => Promise.resolve('done'), { leftOverMs: 50 })).toBe('done');
  expect(readdirSync(folder)).toEqual([]);
});

test('what fails leaves no lock', async () => {
  const { folder, path } = file();
  const failing = whileLocked(realSystem, path, () => Promise.reject(new Error('no room')));
  await expect(failing).rejects.toThrow('no room');
  expect(readdirSync(folder)).toEqual([]);
});
