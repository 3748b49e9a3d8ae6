/**
 * `npm run check`: types, lint, format, the contract, and that nothing generated is out of date. Runs every step, even
 * after one failed, and shows the output of those that did.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

interface Outcome {
  readonly code: number;
  readonly output: string;
}

function run(program: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (data) => (output += String(data)));
    child.stderr.on('data', (data) => (output += String(data)));
    child.once('error', (error) => resolve({ code: 1, output: `${program} could not be started: ${error.message}` }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** Generates the code of the contract anew, elsewhere, and compares. */
async function generatedCode(): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'rainbow-gen-'));
  try {
    const made = await run('buf', ['generate', '-o', folder]);
    if (made.code !== 0) return made;
    const fresh = join(folder, 'src', 'gen');
    const kept = join(root, 'src', 'gen');
    const names = [...new Set([...filesBelow(fresh), ...filesBelow(kept)])];
    const read = (path: string): string | null => (existsSync(path) ? readFileSync(path, 'utf8') : null);
    const different = names.filter((name) => read(join(fresh, name)) !== read(join(kept, name)));
    if (different.length === 0) return { code: 0, output: '' };
    return {
      code: 1,
      output: `out of date: ${different.map((name) => `src/gen/${name}`).join(', ')}\nrun: npm run generate`,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What was released once is understood for ever: field numbers, types and names in JSON stay. */
async function releasedContracts(): Promise<Outcome> {
  const outcomes: Outcome[] = [];
  for (const file of filesBelow(join(root, 'proto', 'released'))) {
    const { code, output } = await run('buf', ['breaking', '--against', join('proto', 'released', file)]);
    outcomes.push({ code, output: code === 0 ? '' : `since ${file}:\n${output}` });
  }
  return (
    outcomes.find(({ code }) => code !== 0) ?? { code: outcomes.length === 0 ? 1 : 0, output: 'no released contract' }
  );
}

const steps: readonly (readonly [string, () => Promise<Outcome>])[] = [
  ['types', () => run('tsc', ['--noEmit', '-p', '.'])],
  ['lint', () => run('oxlint', ['--type-aware', '--quiet'])],
  ['format', () => run('oxfmt', ['--check'])],
  ['contract', () => run('buf', ['lint'])],
  ['released contracts', releasedContracts],
  ['generated code', generatedCode],
  ['docs/commands.md', () => run(process.execPath, ['scripts/commands.ts', '--check'])],
];

let failed = 0;
for (const [name, step] of steps) {
  const started = Date.now();
  const { code, output } = await step();
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (code !== 0) {
    failed++;
    console.log(output.trimEnd().replaceAll(/^/gm, '    '));
  }
}
console.log(failed === 0 ? 'everything is in order' : `${failed} of ${steps.length} failed`);
process.exitCode = failed === 0 ? 0 : 1;
