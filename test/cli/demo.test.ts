/** `npm run demo`, and what it leaves behind: nothing; or, with --keep, what it says. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { afterwards, expectExit, launcher, root, runChild, temporaryFolder, until } from './command-line.ts';

const run = join(root, 'scripts', 'run.mjs');

function demoFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('rainbow-demo-'));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('every job ends as it should, and nothing is left', async () => {
  const before = demoFolders();
  const outcome = await runChild('node', [run, 'scripts/demo.ts'], { cwd: root });
  expectExit(outcome, 0);
  expect(outcome.stdout).toMatch(/on-gpus +completed +red +0/);
  expect(outcome.stdout).toMatch(/with-gcc-12 +completed +blue +0/);
  expect(outcome.stdout).toMatch(/too-large +rejected +- +-/);
  expect(outcome.stdout).toMatch(/fails +failed +(red|blue) +3/);
  expect(outcome.stdout).toContain('a job of its own printed this');
  expect(outcome.stdout).not.toContain('\u001b');
  expect(demoFolders()).toEqual(before);
});

test('--keep leaves it running, and says how to reach and stop it', async () => {
  const outcome = await runChild('node', [run, 'scripts/demo.ts', '--keep'], { cwd: root });
  expectExit(outcome, 0);
  const pids = (/kill ([\d ]+) &&/.exec(outcome.stdout)?.[1] ?? '').split(' ').map(Number);
  const folder = /rm -r (\S+)/.exec(outcome.stdout)?.[1] ?? '';
  afterwards(async () => {
    for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGTERM');
    await until(() => !pids.some(isAlive));
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });
  expect(pids).toHaveLength(3);
  expect(pids.every(isAlive)).toBe(true);
  expect(existsSync(folder)).toBe(true);

  const exported = [...outcome.stdout.matchAll(/export (\w+)='([^']*)'/g)].map(([, name, value]) => [name, value]);
  const env = { ...process.env, HOME: temporaryFolder(), ...Object.fromEntries(exported) };
  const jobs = await runChild(launcher, ['jobs', '--json'], { env });
  expect(jobs.stdout.trim().split('\n')).toHaveLength(6);
  const again = await runChild(launcher, ['submit', '--wait', '--', 'hostname'], { env });
  expectExit(again, 0);
});
