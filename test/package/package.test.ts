/** The published package: packed, installed in a clean place, and used there, where Node strips no types. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectExit, root, runChild, type Outcome } from '../cli/command-line.ts';

const folder = mkdtempSync(join(tmpdir(), 'rainbow-package-'));
// Where the tests run as root, jobs run as another user, who must get through to their own folders below.
chmodSync(folder, 0o711);
const prefix = join(folder, 'prefix');
const rainbow = join(prefix, 'bin', 'rainbow');
const running: { readonly end: () => Promise<void> }[] = [];

/** As a user who has nothing but Node and this package. */
const bin = join(folder, 'bin');
const env = {
  HOME: join(folder, 'home'),
  XDG_STATE_HOME: join(folder, 'state'),
  PATH: `${bin}:/usr/bin:/bin`,
  ...(process.env['npm_config_cache'] === undefined ? {} : { npm_config_cache: process.env['npm_config_cache'] }),
};

function run(program: string, args: readonly string[], surroundings: NodeJS.ProcessEnv = env): Promise<Outcome> {
  return runChild(program, args, { cwd: folder, env: surroundings });
}

/** Starts a program that stays; resolves with its first output that has `word` in it. */
function start(args: readonly string[], word: string): Promise<string> {
  const child = spawn(rainbow, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  running.push({
    async end() {
      child.kill('SIGTERM');
      await gone;
    },
  });
  return new Promise((resolve, reject) => {
    let text = '';
    const take = (data: unknown): void => {
      text += String(data);
      if (text.includes(word)) resolve(text);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('exit', (code) => reject(new Error(`rainbow ${args[0]} ended with ${code}: ${text}`)));
  });
}

describe('the package', () => {
  beforeAll(async () => {
    mkdirSync(bin, { recursive: true });
    mkdirSync(env.HOME, { recursive: true });
    symlinkSync(process.execPath, join(bin, 'node'));
    const whole = { ...process.env };
    const packed = await run('npm', ['pack', root, '--pack-destination', folder, '--loglevel=error'], whole);
    expectExit(packed, 0);
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
    const installed = await run(
      'npm',
      ['install', '--global', '--prefix', prefix, '--no-audit', '--no-fund', '--loglevel=error', join(folder, tarball)],
      whole,
    );
    expectExit(installed, 0);
  }, 300_000);

  afterAll(async () => {
    for (const { end } of running.toReversed()) await end();
    rmSync(folder, { recursive: true, force: true });
  });

  test('has no sources, no tests, and nothing to install besides', () => {
    const own = join(prefix, 'lib', 'node_modules', 'rainbow-queue');
    expect(readdirSync(own)).toEqual(expect.arrayContaining(['bin', 'dist', 'package.json', 'LICENSE', 'README.md']));
    expect(readdirSync(own)).not.toContain('src');
    expect(readdirSync(own)).not.toContain('node_modules');
    expect(readdirSync(join(own, 'dist'))).toEqual(
      expect.arrayContaining(['rainbow.js', 'store-worker.js', 'reading-worker.js', 'THIRD-PARTY-LICENCES.txt']),
    );
  });

  test('--version, and a match without a server', async () => {
    expect(await run(rainbow, ['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n', stderr: '' });
    const graph = join(folder, 'blue.json');
    expect((await run(rainbow, ['graph', 'generate', '--nodes', '4', '--cores', '8', '-o', graph])).code).toBe(0);
    const demo = join(root, 'examples', 'demo');
    const what = [
      '--subsystem',
      `software=${join(demo, 'blue-software.json')}`,
      '--jobspec',
      join(demo, 'needs-gcc.yaml'),
    ];
    const outcome = await run(rainbow, ['match', '--graph', graph, ...what, '--json']);
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(outcome.stdout)).toMatchObject({ fits: 'yes' });
  });

  test('a server, an agent, a job', async () => {
    const ready = await start(
      ['serve', '--host', '127.0.0.1:0', '--db', join(folder, 'r.db'), '--secret', 'orange', '--json'],
      '"ready"',
    );
    const { address } = JSON.parse(ready) as { address: string };
    // Beyond what is read at once: in a thread of its own.
    const large = join(folder, 'large.json');
    expect((await run(rainbow, ['graph', 'generate', '--nodes', '200', '--cores', '40', '-o', large])).code).toBe(0);
    const registering = ['register', 'cluster', '--host', address, '--cluster-name', 'large', '--nodes-json', large];
    expectExit(await run(rainbow, [...registering, '--secret', 'orange']), 0);
    await start(
      ['agent', '--host', address, '--cluster-name', 'here', '--register-secret', 'orange'],
      'agent of cluster here',
    );
    const outcome = await run(rainbow, [
      'submit',
      '--host',
      address,
      '--wait',
      '--json',
      '--',
      'sh',
      '-c',
      'echo hello',
    ]);
    expectExit(outcome, 0);
    const { id } = JSON.parse(outcome.stdout) as { id: number };
    expect(await run(rainbow, ['job', 'logs', String(id), '--host', address])).toMatchObject({
      code: 0,
      stdout: 'hello\n',
    });
  });
});
