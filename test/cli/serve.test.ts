/** `rainbow serve` from the command line: what it prints, what it keeps, how it stops, TLS. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { afterwards, expectExit, homeIn, json, rainbow, temporaryFolder, until, type Outcome } from './command-line.ts';
import { write } from './with-server.ts';

interface Started {
  readonly address: string;
  readonly printed: () => string;
  readonly stop: () => Promise<Outcome>;
}

async function start(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Started> {
  const signal = new AbortController();
  let printed = '';
  const outcome = rainbow(['serve', '--host', '127.0.0.1:0', ...args], {
    env,
    signal: signal.signal,
    onOutput: (text) => {
      printed += text;
    },
  });
  const stop = (): Promise<Outcome> => {
    signal.abort();
    return outcome;
  };
  afterwards(async () => {
    await stop();
  });
  const ended = outcome.then(({ stderr }) => `ended: ${stderr}`);
  const first = await Promise.race([until(() => printed), ended]);
  const address = /127\.0\.0\.1:\d+/.exec(first)?.[0];
  if (address === undefined) throw new Error(first);
  return { address, printed: () => printed, stop };
}

describe('serve', () => {
  test('says in one line that it is ready; makes the folders of its store; stops cleanly', async () => {
    const home = temporaryFolder();
    const server = await start(['--secret', 'orange'], homeIn(home));
    const file = join(home, 'data', 'rainbow', 'rainbow.db');
    expect(server.printed()).toBe(`rainbow: ready on ${server.address} (store ${file})\n`);
    expect(existsSync(file)).toBe(true);
    expectExit(await server.stop(), 0);
  });

  test('a random secret is printed, once, and works', async () => {
    const home = temporaryFolder();
    const env = homeIn(home);
    const server = await start([], env);
    expect(server.printed().trim().split('\n')).toHaveLength(2);
    const secret = /secret is (\S+)/.exec(server.printed())?.[1] ?? '';
    const groups = ['group', 'list', '--host', server.address];
    expectExit(await rainbow([...groups, '--secret', secret], { env }), 0);
    expectExit(await rainbow([...groups, '--secret', 'other'], { env }), 1);
  });

  test('as JSON', async () => {
    const home = temporaryFolder();
    const server = await start(['--json', '--db', ':memory:'], homeIn(home));
    expect(JSON.parse(server.printed())).toMatchObject({
      ready: true,
      address: server.address,
      store: ':memory:',
      secret: expect.any(String),
    });
  });

  test('everything is there after a restart', async () => {
    const home = temporaryFolder();
    const env = { ...homeIn(home), RAINBOW_SERVER_SECRET: 'orange' };
    const first = await start([], env);
    const graph = write(home, 'g.json', (await rainbow(['graph', 'generate', '--nodes', '1', '--cores', '2'])).stdout);
    const register = ['register', 'cluster', '--cluster-name', 'red', '--nodes-json', graph, '--save'];
    expectExit(await rainbow([...register, '--host', first.address], { env }), 0);
    expectExit(await rainbow(['submit', '--host', first.address, '--', 'true'], { env }), 0);
    await first.stop();
    const second = await start([], env);
    expect(json(await rainbow(['job', 'show', '1', '--host', second.address, '--json'], { env }))).toMatchObject({
      state: 'assigned',
      cluster: 'red',
    });
  });

  test('settings: the prototype’s file; a wrong key, a missing file, a port that is taken', async () => {
    const home = temporaryFolder();
    const env = homeIn(home);
    const prototype = write(home, 'p.yaml', 'scheduler: {name: keebler, secret: chocolate-cookies}\n');
    const server = await start(['--config-path', prototype], env);
    expect(server.printed().trim().split('\n')).toHaveLength(1);
    expect(json(await rainbow(['version', '--server', '--json', '--host', server.address], { env }))).toMatchObject({
      server: { name: 'keebler' },
    });
    const wrong = write(home, 'w.yaml', 'selecton: {name: random}\n');
    const serve = ['serve', '--host', '127.0.0.1:0', '--config-path'];
    const unknown = await rainbow([...serve, wrong], { env });
    expectExit(unknown, 1);
    expect(unknown.stderr).toContain('selecton');
    expectExit(await rainbow([...serve, join(home, 'none.yaml')], { env }), 1);
    const taken = await rainbow(['serve', '--host', server.address, '--db', ':memory:'], { env });
    expectExit(taken, 1);
    expect(taken.stderr).toContain(server.address);
    const away = await rainbow(['serve', '--db', 'postgres://ada:hunter2@127.0.0.1:1/rainbow'], { env });
    expectExit(away, 1);
    expect(away.stderr).toContain('postgres://ada@127.0.0.1:1/rainbow cannot be reached');
    expect(away.stdout + away.stderr).not.toContain('hunter2');
    expectExit(await rainbow(['serve', '--select-algorithm', 'nonsense', '--host', '127.0.0.1:0'], { env }), 1);
  });

  test.skipIf(spawnSync('openssl', ['version']).status !== 0)('TLS, with and without the right authority', async () => {
    const home = temporaryFolder();
    const env = homeIn(home);
    mkdirSync(home, { recursive: true });
    const [cert, key] = [join(home, 'cert.pem'), join(home, 'key.pem')];
    const how = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost'.split(' ');
    const where = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert];
    const made = spawnSync('openssl', ['req', ...how, ...where]);
    expect(made.status).toBe(0);
    const server = await start(['--cert', cert, '--key', key, '--db', ':memory:', '--secret', 'orange'], env);
    const ask = ['clusters', '--json', '--host', server.address];
    expectExit(await rainbow([...ask, '--ca-cert', cert], { env }), 0);
    expectExit(await rainbow(ask, { env: { ...env, RAINBOW_CA_CERT: cert } }), 0);
    expectExit(await rainbow(ask, { env }), 1);
    expectExit(await rainbow(['serve', '--host', '127.0.0.1:0', '--cert', cert], { env }), 1);
  });
});
