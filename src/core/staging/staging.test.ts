/** What may travel, and what a pattern means; patterns against an oracle that tries everything. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkManifest, whyNoPath, type FileEntry } from './manifest.ts';
import { matches, mayLead, readPattern } from './pattern.ts';
import { sizeText } from './size.ts';
import { cpuTime } from '../../system/testing/cpu-time.ts';

const LIMITS = { files: 3, bytes: 100, fileBytes: 60 };
const file = (path: string, size = 1, digit = 'a'): FileEntry => ({
  path,
  size,
  executable: false,
  sha256: digit.repeat(64),
});

describe('a manifest', () => {
  test.each([
    ['', 'is empty'],
    ['/etc/passwd', 'is absolute'],
    ['..', '".."'],
    ['a/../b', '".."'],
    ['./a', '"."'],
    ['a//b', 'an empty part'],
    ['a/', 'an empty part'],
    ['a\0b', 'a control character'],
    ['a\nb', 'a control character'],
    ['\ud800', 'not UTF-8'],
    ['x'.repeat(256), '255 bytes'],
    [`${'abcd/'.repeat(900)}x`, '4096 bytes'],
  ])('the path %j is refused: %s', (path, why) => {
    expect(whyNoPath(path)).toContain(why);
    expect(() => checkManifest([file(path)], LIMITS, 'files')).toThrow(/files\[0\]\.path: /);
  });

  test('is put in order, and may hold odd names', () => {
    const paths = checkManifest([file('b'), file('...'), file('a b/*')], LIMITS, 'files').map(({ path }) => path);
    expect(paths).toEqual(['...', 'a b/*', 'b']);
  });

  test('no path twice, no file under a file, no digest with two sizes', () => {
    expect(() => checkManifest([file('a'), file('a')], LIMITS, 'files')).toThrow('"a" is there twice');
    expect(() => checkManifest([file('a/b'), file('a-b'), file('a')], LIMITS, 'files')).toThrow(
      'both a file and a folder',
    );
    expect(() => checkManifest([file('a', 1), file('b', 2)], LIMITS, 'files')).toThrow('two sizes');
  });

  test('limits are said with the size', () => {
    const many = ['a', 'b', 'c', 'd'].map((path) => file(path));
    expect(() => checkManifest(many, LIMITS, 'files')).toThrow('4 files are more than a job may have; at most 3');
    expect(() => checkManifest([file('a', 61)], LIMITS, 'files')).toThrow('"a" has 61 B; a file may have at most 60 B');
    const heavy = [file('a', 60), file('b', 41, 'b')];
    expect(() => checkManifest(heavy, LIMITS, 'files')).toThrow(
      "101 B are more than a job's files may have; at most 100 B",
    );
    expect(checkManifest([file('a', 60), file('b', 40, 'b')], LIMITS, 'files')).toHaveLength(2);
  });

  test('a size just over a limit does not look like the limit', () => {
    expect(sizeText(2 ** 30)).toBe('1 GiB');
    expect(sizeText(2 ** 30 + 1)).toBe('1 GiB (1073741825 bytes)');
    expect(sizeText(1536)).toBe('1.5 KiB');
  });
});

describe('a pattern', () => {
  test.each([
    ['out.txt', ['out.txt'], ['a/out.txt', 'out.txt2']],
    ['*.txt', ['a.txt', '.txt'], ['a/b.txt', 'txt']],
    ['results', ['results', 'results/a', 'results/a/b'], ['result', 'x/results']],
    ['results/', ['results/a'], ['resultsx/a']],
    ['**/*.log', ['a.log', 'x/a.log', 'x/y/a.log'], ['a.logx']],
    ['**', ['a', 'a/b'], []],
    ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z', 'a/z/more'], ['z', 'b/a/z']],
    ['run-?[0-9]', ['run-a1'], ['run-ab', 'run-1']],
    ['[!a]x', ['bx'], ['ax', 'x']],
    ['[]x]', [']', 'x'], ['y']],
    ['\\*', ['*'], ['a']],
    ['ü?', ['ü🌈'], ['ü']],
  ])('%s', (text, yes, no) => {
    const pattern = readPattern(text, 'out');
    for (const path of yes) expect([path, matches(pattern, path)]).toEqual([path, true]);
    for (const path of no) expect([path, matches(pattern, path)]).toEqual([path, false]);
  });

  test.each(['/abs', '../up', 'a/../b', '', '[a', 'a\\'])('%j is refused', (text) => {
    expect(() => readPattern(text, 'stage_out[0]')).toThrow(/^stage_out\[0\]: /);
  });

  test('as one that tries everything', () => {
    const slow = (pattern: readonly string[], path: readonly string[]): boolean => {
      if (pattern.length === 0) return true; // a folder above it
      const [first = '', ...rest] = pattern;
      if (first === '**') return slow(rest, path) || (path.length > 0 && slow(pattern, path.slice(1)));
      return path.length > 0 && name(first, path[0]!) && slow(rest, path.slice(1));
    };
    const name = (pattern: string, text: string): boolean => {
      if (pattern === '') return text === '';
      if (pattern[0] === '*') return name(pattern.slice(1), text) || (text !== '' && name(pattern, text.slice(1)));
      return text !== '' && (pattern[0] === '?' || pattern[0] === text[0]) && name(pattern.slice(1), text.slice(1));
    };
    const part = fc.constantFrom('a', 'b', '*', '**', 'a*', '?', '*b*', 'ab');
    const names = fc.array(fc.constantFrom('a', 'b', 'ab', 'bb', 'aab'), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), names, (pattern, path) => {
        const said = matches(readPattern(pattern.join('/'), 'out'), path.join('/'));
        expect(said).toBe(slow(pattern, path));
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['results/*.csv', ['', 'results'], ['other', 'results/deep']],
    ['**/*.log', ['', 'a', 'a/b/c'], []],
    ['a/**/z', ['a', 'a/b'], ['b']],
    ['a', ['a', 'a/b'], ['b']],
  ])('%s: folders that are worth a look', (text, yes, no) => {
    const pattern = readPattern(text, 'out');
    for (const folder of yes) expect([folder, mayLead(pattern, folder)]).toEqual([folder, true]);
    for (const folder of no) expect([folder, mayLead(pattern, folder)]).toEqual([folder, false]);
  });

  test('a pattern of many stars takes no time', () => {
    const pattern = readPattern(`${'**/'.repeat(80)}${'*a'.repeat(60)}b`, 'out');
    const path = `${'a/'.repeat(1000)}${'a'.repeat(250)}`;
    const began = cpuTime();
    expect(matches(pattern, path)).toBe(false);
    expect(cpuTime() - began).toBeLessThan(2000);
  });
});
