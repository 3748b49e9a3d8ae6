/** `npm run bench`: lists the benchmarks, or runs one: `npm run bench -- match`. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..', 'bench');

/** `bench/NAME/run.ts` or `bench/NAME.ts`. */
function entryOf(name: string): string | null {
  return [join(folder, name, 'run.ts'), join(folder, `${name}.ts`)].find(existsSync) ?? null;
}

const names = existsSync(folder)
  ? [...new Set(readdirSync(folder).map((file) => file.replace(/\.ts$/, '')))]
      .filter((name) => name !== 'run' && entryOf(name) !== null)
      .sort()
  : [];
const [name, ...args] = process.argv.slice(2);
const entry = name === undefined || !names.includes(name) ? null : entryOf(name);
if (entry === null) {
  if (name !== undefined) console.error(`there is no benchmark "${name}"`);
  console.log(
    names.length === 0
      ? 'there are no benchmarks yet; each will be bench/NAME/run.ts'
      : `benchmarks:\n${names.map((name) => `  npm run bench -- ${name}`).join('\n')}`,
  );
  process.exitCode = name === undefined ? 0 : 2;
} else {
  process.exitCode = spawnSync(process.execPath, [entry, ...args], { stdio: 'inherit' }).status ?? 1;
}
