/**
 * `npm test`: runs vitest with whatever follows `--`, then says on the last line how many tests passed, failed and
 * were skipped, counted from vitest's own JSON report. What could not even be loaded counts as failed.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countTests, type Report } from './test-count.ts';

const folder = mkdtempSync(join(tmpdir(), 'rainbow-test-'));
const report = join(folder, 'report.json');
const started = Date.now();

const code = await new Promise<number>((resolve) => {
  const child = spawn(
    process.execPath,
    [
      join(import.meta.dirname, '..', 'node_modules', 'vitest', 'vitest.mjs'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...process.argv.slice(2),
    ],
    { stdio: 'inherit' },
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => {
    console.error(`vitest could not be started: ${error.message}`);
    resolve(1);
  });
  child.once('exit', (status, signal) => resolve(signal === null ? (status ?? 1) : 1));
});

let read: Report | null = null;
try {
  read = JSON.parse(readFileSync(report, 'utf8')) as Report;
} catch {
  // No report: vitest itself fell over, or found no file. countTests says so.
}
rmSync(folder, { recursive: true, force: true });

const { passed, failed, skipped, exitCode } = countTests(read, code);
console.log(`took ${((Date.now() - started) / 1000).toFixed(1)} s`);
console.log(`tests: ${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = exitCode;
