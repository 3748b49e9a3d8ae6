/** Names as Environment Modules 5 and Lmod 8 print them (their manuals). */
import { expect, test } from 'vitest';
import { generateGraph } from '../graph/generate.ts';
import { readGraph, readSubsystem } from '../graph/read.ts';
import { defaultVersion, moduleNamed, moduleSubsystem, readModuleListing } from './modules.ts';

test.each([
  ['gcc/12.2.0', { name: 'gcc', version: '12.2.0', isDefault: false }],
  ['compiler/gcc/12.lua', { name: 'compiler/gcc', version: '12', isDefault: false }],
  ['git', { name: 'git', version: '', isDefault: false }],
  ['gcc/.hidden', null],
  ['gcc//12', null],
  ['', null],
])('module %s', (path, module) => {
  expect(moduleNamed(path)).toEqual(module);
});

test('module -t avail', () => {
  const listing = `/apps/modules/core:
gcc/
gcc/12.2.0(default)
gcc/13.1.0
git
openmpi/4.1.6 <L>
@(#)nothing of it
`;
  expect(readModuleListing(listing, 'x').map(({ name, version, isDefault }) => [name, version, isDefault])).toEqual([
    ['gcc', '12.2.0', true],
    ['gcc', '13.1.0', false],
    ['git', '', false],
    ['openmpi', '4.1.6', false],
  ]);
});

test('the spider cache of Lmod as JSON; what is none is refused with the file', () => {
  const page = [
    {
      package: 'gcc',
      versions: [
        { full: 'gcc/12.2.0', versionName: '12.2.0', markedDefault: true },
        { full: 'gcc/11', hidden: true },
      ],
    },
    { package: 'broken', versions: 7 },
    null,
  ];
  expect(readModuleListing(JSON.stringify(page), 'x')).toEqual([{ name: 'gcc', version: '12.2.0', isDefault: true }]);
  for (const text of ['', '[', '[]', '???']) {
    expect(() => readModuleListing(text, 'list')).toThrow(
      expect.objectContaining({ code: 'invalid_input', message: expect.stringContaining('list') as string }),
    );
  }
});

test('a .version names the default', () => {
  expect(defaultVersion('#%Module1.0\nset ModulesVersion "12.2.0"\n')).toBe('12.2.0');
  expect(defaultVersion('#%Module1.0\n')).toBeNull();
});

test('every node has them; one that is in two trees is there once', () => {
  const graph = readGraph(generateGraph({ name: 'c', nodes: 3, coresPerNode: 2 }));
  const gcc = { name: 'gcc', version: '12', isDefault: true };
  const text = moduleSubsystem(graph, [
    gcc,
    { ...gcc, isDefault: false },
    { name: 'git', version: '', isDefault: false },
  ]);
  const subsystem = readSubsystem('modules', text!, graph);
  expect(subsystem.size).toBe(3);
  expect(subsystem.links).toHaveLength(6);
  const vertex = subsystem.ids.indexOf('module/gcc/12');
  expect(subsystem.metadata(vertex)).toEqual({ type: 'module', name: 'gcc', version: '12', default: true });
  expect(moduleSubsystem(graph, [])).toBeNull();
});

test('too many for so many nodes is said', () => {
  const graph = readGraph(generateGraph({ name: 'c', nodes: 2001, coresPerNode: 1 }));
  const many = Array.from({ length: 1000 }, (_, i) => ({ name: `m${i}`, version: '', isDefault: false }));
  expect(() => moduleSubsystem(graph, many)).toThrow(/2000000 links/);
});
