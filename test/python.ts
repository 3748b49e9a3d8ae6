/**
 * A Python with the prototype's released client, unmodified (rainbow-scheduler 0.0.16 from the package index, and with
 * it grpcio), in a virtual environment in the system's temporary folder. Made once; several test files may ask at the
 * same time.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const VERSION = '0.0.16';
const folder = join(tmpdir(), `rainbow-scheduler-${VERSION}-${process.getuid?.() ?? 0}`);

export const python = join(folder, 'bin', 'python');

/** Null once it is there; else why it cannot be had. */
export async function pythonMissing(): Promise<string | null> {
  const ready = join(folder, 'ready');
  if (existsSync(ready)) return null;
  const own = await mkdtemp(`${folder}-`);
  try {
    await run('python3', ['-m', 'venv', '--clear', own], { timeout: 60_000 });
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `rainbow-scheduler==${VERSION}`];
    await run(join(own, 'bin', 'python'), pip, { timeout: 240_000 });
    await run(join(own, 'bin', 'python'), ['-c', 'import rainbow.client'], { timeout: 60_000 });
    await writeFile(join(own, 'ready'), '');
    // Whoever is first wins; the environment's python works wherever its folder is.
    await rename(own, folder).catch((error: unknown) => {
      if (!existsSync(ready)) throw error;
    });
    return null;
  } catch (error) {
    return (error as Error).message.split('\n').slice(0, 3).join(' ');
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}
