/** Trees of modulefiles on a real disk. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { generateGraph } from '../core/graph/generate.ts';
import { simulatedSystem } from '../system/simulated.ts';
import { findModules, modulePaths, withModules } from './software-modules.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rainbow-modules-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

const names = async (...paths: string[]): Promise<string[]> =>
  (await findModules(paths)).map(({ name, version, isDefault }) => `${name}/${version}${isDefault ? '*' : ''}`);

test('modulefiles in Tcl and Lua; what is no modulefile, hidden, or leads in a circle is none', async () => {
  put('tree/gcc/12', '#%Module1.0\nexec rm -rf /\n');
  put('tree/gcc/13', '#%Module1.0\n');
  put('tree/gcc/.version', '#%Module1.0\nset ModulesVersion "12"\n');
  put('tree/gcc/README', 'read me');
  put('tree/openmpi/4.1.lua', 'help([[x]])');
  put('tree/openmpi/5.0.lua', 'help([[x]])');
  symlinkSync('5.0.lua', join(folder, 'tree/openmpi/default'));
  put('tree/git', '#%Module');
  put('tree/.hidden/1', '#%Module');
  symlinkSync('..', join(folder, 'tree/gcc/back'));
  put('list', 'python/3.11(default)\n');
  const found = await names(join(folder, 'tree'), join(folder, 'list'), join(folder, 'nowhere'));
  expect(found.filter((name) => !name.includes('back'))).toEqual([
    'gcc/12*',
    'gcc/13',
    'git/',
    'openmpi/4.1',
    'openmpi/5.0*',
    'python/3.11*',
  ]);
  expect(found.length).toBeLessThan(40);
});

test('MODULEPATH', () => {
  expect(modulePaths('/a::/b')).toEqual(['/a', '/b']);
  expect(modulePaths(undefined)).toEqual([]);
});

test('beside what is discovered: looked at again after a while, and trouble is said once', async () => {
  put('tree/gcc/12', '#%Module');
  const system = simulatedSystem();
  const said: string[] = [];
  const log = { info: () => undefined, warn: (message: string) => void said.push(message) };
  const graph = generateGraph({ name: 'c', nodes: 1, coresPerNode: 1 });
  const inner = { discover: async () => ({ graph, subsystems: { partition: '{}' }, state: {} }) };
  const discovery = withModules(inner, [join(folder, 'tree'), join(folder, 'list')], { system, log });
  const modules = async (): Promise<string | undefined> => (await discovery.discover()).subsystems['modules'];
  expect(await modules()).toContain('module/gcc/12');
  put('tree/gcc/13', '#%Module');
  expect(await modules()).not.toContain('module/gcc/13');
  await system.advance(300_000);
  expect(await modules()).toContain('module/gcc/13');
  put('list', '??');
  await system.advance(300_000);
  expect(await modules()).toContain('module/gcc/13');
  await system.advance(300_000);
  expect(await modules()).toContain('module/gcc/13');
  expect(said).toEqual([expect.stringContaining('no module in it')]);
  expect(withModules(inner, [], { system, log })).toBe(inner);
});
