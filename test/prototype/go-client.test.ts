/**
 * The prototype's Go client, unmodified, against our server: built from the Go module proxy, or given as a binary in
 * RAINBOW_GO_CLIENT. Skipped, and said so, where neither can be had; its recorded bytes are replayed in any case.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { skipWithout } from '../needs.ts';
import { Rainbow, SECRET } from '../server/rainbow.ts';

const run = promisify(execFile);
const MODULE = 'github.com/converged-computing/rainbow/cmd/rainbow@075ee23';
const folder = await mkdtemp(join(tmpdir(), 'rainbow-go-'));

const built = await build();
const skip = skipWithout('go-client', 'missing' in built ? built.missing : null);
const binary = 'path' in built ? built.path : '';

let rainbow: Rainbow;
beforeAll(async () => {
  rainbow = await Rainbow.start();
});
afterAll(async () => {
  await rainbow.end();
  await rm(folder, { recursive: true, force: true });
});

async function build(): Promise<{ readonly path: string } | { readonly missing: string }> {
  const given = process.env['RAINBOW_GO_CLIENT'];
  if (given !== undefined && given !== '') return { path: given };
  const env = { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod -modcacherw', GOTOOLCHAIN: 'local' };
  try {
    await run('go', ['install', MODULE], { env, timeout: 240_000 });
    return { path: join(folder, 'rainbow') };
  } catch (error) {
    return { missing: (error as Error).message.split('\n').slice(0, 3).join(' ') };
  }
}

/** What it said, on both streams; it exits 0 on most errors, so the words count. */
async function client(...args: readonly string[]): Promise<string> {
  const more = ['--host', rainbow.server.address, '--config-path', 'go.yaml'];
  return run(binary, [...args, ...more], { cwd: folder, timeout: 60_000 }).then(
    ({ stdout, stderr }) => `${stdout}${stderr}`,
    (error: Error & { stdout?: string; stderr?: string }) => `${error.stdout}${error.stderr}`,
  );
}

test.skipIf(skip)('register, state, receive', { timeout: 120_000 }, async () => {
  const { address } = rainbow.server;
  const graphdatabase = { name: 'memory', host: address, options: { host: address } };
  const scheduler = { secret: SECRET, name: 'rainbow' };
  await writeFile(join(folder, 'go.yaml'), JSON.stringify({ scheduler, graphdatabase }));
  await writeFile(join(folder, 'nodes.json'), generateGraph({ name: 'red', nodes: 2, coresPerNode: 4 }));
  await writeFile(join(folder, 'state.json'), '{"nodes_free": 20}');
  const named = ['--cluster-name', 'red'];
  const register = ['register', 'cluster', '--nodes-json', 'nodes.json', ...named];

  expect(await client(...register, '--secret', 'wrong')).toContain('request denied');
  expect(await client(...register, '--secret', SECRET, '--save')).toContain('REGISTER_SUCCESS');
  const config = await readFile(join(folder, 'go.yaml'), 'utf8');
  const [, secret] = /secret: ([0-9a-f-]{36})/.exec(config)!;
  const [, token] = /token: ([0-9a-f-]{36})/.exec(config)!;
  expect(await client(...register, '--secret', SECRET)).toContain('REGISTER_EXISTS');
  await client('update', 'state', '--state-file', 'state.json', ...named);
  expect((await rainbow.clusters.get({ name: 'red' })).state).toEqual({ nodes_free: 20 });

  // Its submit asks for matches on port 50051, whatever it is told: that half is in the recorded bytes.
  const jobspec =
    'version: 1\nresources: {a: {type: node, replicas: 1}}\ntasks: [{command: [echo, hello], resources: a}]\n';
  const submitted = await rainbow.submit([{ name: 'red', secret: secret!, token: token! }], jobspec);
  expect(submitted.cluster).toBe('red');
  const received = await client('receive', '--max-jobs', '5', '--request-secret', secret!, ...named);
  expect(received).toContain('echo');
  expect(await client('receive', '--request-secret', secret!, ...named)).not.toContain('echo');
});
