/** Nothing of another user's is removed with root's rights, and what can be removed is. */
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeTree } from './remove-as.ts';

const OTHER = 65_534;
const asRoot = process.getuid?.() === 0;
let dir: string;
let tree: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rainbow-remove-'));
  tree = join(dir, 'tree');
  await mkdir(tree);
  await writeFile(join(dir, 'kept'), 'kept');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('all of its own goes, directories that may not be written to as well; what links lead to stays', async () => {
  await mkdir(join(tree, 'a/b'), { recursive: true });
  await writeFile(join(tree, 'a/b/c'), '');
  await symlink(dir, join(tree, 'a/link'));
  await chmod(join(tree, 'a/b'), 0o500);
  await chmod(join(tree, 'a'), 0);
  await removeTree(tree);
  expect(await readdir(dir)).toEqual(['kept']);
  await removeTree(tree);
  await removeTree(join(dir, 'kept'));
  expect(await readdir(dir)).toEqual([]);
});

test.runIf(asRoot)('what is another user’s goes, as he: what only root could remove stays, and is said', async () => {
  await mkdir(join(tree, 'his/deep'), { recursive: true });
  await symlink(dir, join(tree, 'his/link'));
  await chown(join(tree, 'his/deep'), OTHER, OTHER);
  await chmod(join(tree, 'his/deep'), 0o000);
  await chmod(join(tree, 'his'), 0o000);
  await chown(join(tree, 'his'), OTHER, 0);
  await removeTree(tree);
  expect(await readdir(dir)).toEqual(['kept']);

  await mkdir(join(tree, 'his/roots'), { recursive: true });
  await writeFile(join(tree, 'his/roots/file'), 'roots');
  await writeFile(join(tree, 'own'), '');
  await chown(join(tree, 'his'), OTHER, OTHER);
  await expect(removeTree(tree)).rejects.toThrow(/ENOTEMPTY.*his/);
  expect(await readFile(join(tree, 'his/roots/file'), 'utf8')).toBe('roots');
});
