/** The last line of `npm test`, and its exit code: counted for real, whatever goes wrong. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { countTests } from '../../scripts/test-count.ts';
import { root, runChild, temporaryFolder } from './command-line.ts';

const passing = `import { test } from 'vitest'; test('a', () => {}); test.skip('b', () => {});`;
const failing = `import { test } from 'vitest'; test('c', () => { throw new Error('no'); });`;
const broken = `import './nowhere.ts';`;

async function lastLine(
  files: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<{ code: number; line: string }> {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'src'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'src', name), text);
  const { code, stdout } = await runChild(process.execPath, [
    join(root, 'scripts', 'test.ts'),
    '--root',
    folder,
    ...args,
  ]);
  return { code, line: stdout.trimEnd().split('\n').at(-1) ?? '' };
}

test('passed and skipped', async () => {
  expect(await lastLine({ 'a.test.ts': passing })).toEqual({ code: 0, line: 'tests: 1 passed, 0 failed, 1 skipped' });
});

test('a failure, and a file that cannot be loaded, count as failed', async () => {
  expect(await lastLine({ 'a.test.ts': passing, 'b.test.ts': failing, 'c.test.ts': broken })).toEqual({
    code: 1,
    line: 'tests: 1 passed, 2 failed, 1 skipped',
  });
});

test('a filter is passed on; one that finds nothing is a failure', async () => {
  expect(await lastLine({ 'a.test.ts': passing, 'b.test.ts': failing }, 'a.test')).toMatchObject({ code: 0 });
  expect((await lastLine({ 'a.test.ts': passing }, 'nothing-like-it')).code).toBe(1);
});

test('an error outside of all tests is a failure; no report is one, too', () => {
  const report = { numPassedTests: 3, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };
  expect(countTests(report, 1)).toEqual({ passed: 3, failed: 1, skipped: 0, exitCode: 1 });
  expect(countTests(null, 1)).toMatchObject({ failed: 1, exitCode: 1 });
  expect(countTests({ ...report, numPassedTests: 0 }, 0)).toMatchObject({ exitCode: 1 });
});
