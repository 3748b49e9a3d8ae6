/** Registering, showing, grouping and deleting clusters from the command line. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { expectExit, json, root } from './command-line.ts';
import { place, SECRET, write } from './with-server.ts';

const software = join(root, 'examples', 'demo', 'blue-software.json');

describe('register cluster', () => {
  test('shows secret and token once, and saves them beside what is there', async () => {
    const at = await place();
    const config = join(at.folder, 'home', 'config', 'rainbow', 'config.yaml');
    const red = await at.register('red', '--nodes', '2', '--cores', '4', '--gpus', '1');
    const blue = await at.register('blue', '--nodes', '1', '--cores', '8');
    expect(red.secret).toMatch(/^[0-9a-f-]{36}$/);
    expect(red.token).not.toBe(red.secret);
    expect(statSync(config).mode & 0o777).toBe(0o600);
    expect(parse(readFileSync(config, 'utf8'))).toEqual({
      cluster: { name: 'blue', secret: blue.secret },
      clusters: [
        { name: 'red', token: red.token, secret: red.secret },
        { name: 'blue', token: blue.token },
      ],
    });
  });

  test('several that register at once all keep their secrets', async () => {
    const at = await place();
    const names = ['blue', 'green', 'red', 'white', 'yellow'];
    await Promise.all(names.map((name) => at.register(name, '--nodes', '1', '--cores', '2')));
    const config = join(at.folder, 'home', 'config', 'rainbow', 'config.yaml');
    const saved = parse(readFileSync(config, 'utf8')) as { clusters: { name: string }[] };
    expect(saved.clusters.map(({ name }) => name).toSorted()).toEqual(names);
  });

  test('without --save it says that this is the only time', async () => {
    const at = await place();
    const graph = write(
      at.folder,
      'g.json',
      (await at.run(['graph', 'generate', '--nodes', '1', '--cores', '2'])).stdout,
    );
    const args = ['register', 'cluster', '--cluster-name', 'red', '--nodes-json', graph];
    const outcome = await at.run([...args, '-s', SECRET]);
    expect(outcome.code).toBe(0);
    expect(outcome.stdout).toMatch(/secret: +[0-9a-f-]{36}/);
    expect(outcome.stdout).toContain('shown this once');
  });

  test('a name that is taken, a wrong secret, a wrong graph: nothing is written, and nothing saved is lost', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '2');
    const config = join(at.folder, 'home', 'config', 'rainbow', 'config.yaml');
    const before = readFileSync(config, 'utf8');
    const graph = join(at.folder, 'red.json');
    const base = ['register', 'cluster', '--save', '--nodes-json', graph];

    const again = await at.run([...base, '--cluster-name', 'red', '-s', SECRET]);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('there is a cluster "red" already');

    const wrong = await at.run([...base, '--cluster-name', 'green', '-s', 'wrong']);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('request denied');

    const broken = write(at.folder, 'broken.json', '{"graph":{"nodes":{"0":{"metadata":{"type":5}}},"edges":[]}}');
    const bad = await at.run(['register', 'cluster', '--cluster-name', 'green', '--nodes-json', broken, '-s', SECRET]);
    expect(bad.code).toBe(1);
    expect(bad.stderr).toMatch(/type/);

    expect(readFileSync(config, 'utf8')).toBe(before);
    expect(json<unknown[]>(await at.run(['clusters', '--json']))).toHaveLength(1);
  });

  test('--replace takes the cluster’s own secret, from the configuration', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '2');
    const larger = write(
      at.folder,
      'l.json',
      (await at.run(['graph', 'generate', '--nodes', '3', '--cores', '2'])).stdout,
    );
    const outcome = await at.run([
      'register',
      'cluster',
      '--cluster-name',
      'red',
      '--nodes-json',
      larger,
      '--replace',
      '--json',
    ]);
    expectExit(outcome, 0);
    expect(json(outcome)).toMatchObject({ status: 'replaced' });
    const shown = json<{ resources: { type: string; total: number }[] }>(
      await at.run(['cluster', 'show', 'red', '--json']),
    );
    expect(shown.resources.find(({ type }) => type === 'node')?.total).toBe(3);
  });
});

describe('subsystems and state', () => {
  test('register, show, delete a subsystem', async () => {
    const at = await place();
    await at.register('blue', '--nodes', '4', '--cores', '8');
    const args = ['register', 'subsystem', '--subsystem', 'software', '--nodes-json', software];
    expect((await at.run(args)).code).toBe(0);
    expect((await at.run(args)).stderr).toMatch(/already/);
    expect((await at.run([...args, '--replace'])).code).toBe(0);
    expect(json(await at.run(['cluster', 'show', 'blue', '--json']))).toMatchObject({ subsystems: ['software'] });
    expect((await at.run(['delete', '--delete-subsystem', 'software'])).code).toBe(0);
    expect(json(await at.run(['cluster', 'show', 'blue', '--json']))).toMatchObject({ subsystems: [] });
    expect((await at.run(['delete', '--delete-subsystem', 'software'])).code).toBe(1);
  });

  test('with the registration', async () => {
    const at = await place();
    const graph = join(at.folder, 'blue.json');
    await at.run(['graph', 'generate', '--name', 'blue', '--nodes', '4', '--cores', '8', '-o', graph]);
    const args = ['register', 'cluster', '--cluster-name', 'blue', '--nodes-json', graph, '-s', SECRET];
    expect((await at.run([...args, '--subsystem', 'software'])).code).toBe(2);
    const outcome = await at.run([...args, '--subsystem', `software=${software}`, '--json']);
    expect(json(outcome)).toMatchObject({ cluster: { subsystems: ['software'] } });
  });

  test('update state merges keys, from a file and from facts', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '2');
    const file = write(at.folder, 'state.json', '{"nodes_free": 20, "cost": 3}');
    const first = await at.run(['update', 'state', '--cluster-name', 'red', '--state-file', file, '--json']);
    expect(json(first)).toEqual({ cluster: 'red', state: { nodes_free: 20, cost: 3 } });
    const second = await at.run(['update', 'state', 'nodes_free=7', 'partition=gpu', '--json']);
    expect(json(second)).toEqual({ cluster: 'red', state: { nodes_free: 7, cost: 3, partition: 'gpu' } });
    // As some clients write it: an object inside a string.
    const twice = write(at.folder, 'twice.json', JSON.stringify('{"cost": 4}'));
    expect(json(await at.run(['update', 'state', '--state-file', twice, '--json']))).toMatchObject({
      state: { cost: 4 },
    });
    const list = write(at.folder, 'list.json', '[1]');
    expect((await at.run(['update', 'state', '--state-file', list])).code).toBe(1);
    expect((await at.run(['update', 'state', 'cost'])).code).toBe(2);
  });
});

describe('clusters', () => {
  test('a table for people, a document for programs', async () => {
    const at = await place();
    expect((await at.run(['clusters'])).stdout).toContain('no clusters');
    await at.register('red', '--nodes', '2', '--cores', '4', '--gpus', '1');
    const text = (await at.run(['clusters'])).stdout;
    expect(text).toMatch(/NAME +AGENT/);
    expect(text).toMatch(/red .*2\/2 node, 8\/8 core, 2\/2 gpu/);
    expect(json<unknown[]>(await at.run(['clusters', '--json']))).toMatchObject([{ name: 'red', connected: false }]);
    expect((await at.run(['cluster', 'show', 'red'])).stdout).toContain('core: 8 of 8');
    const missing = await at.run(['cluster', 'show', 'green']);
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toContain('rainbow clusters');
  });

  test('delete: the cluster is named, and what the configuration has of it goes, too', async () => {
    const at = await place();
    const config = join(at.folder, 'home', 'config', 'rainbow', 'config.yaml');
    await at.register('red', '--nodes', '1', '--cores', '2');
    const blue = await at.register('blue', '--nodes', '1', '--cores', '2');
    const wrong = await at.run(['delete', '--cluster-name', 'red', '--secret', 'wrong']);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('Check the secret of cluster red (--secret');
    const unnamed = await at.run(['delete']);
    expect(unnamed.code).toBe(2);
    expect(unnamed.stderr).toMatch(/cluster blue.*--yes/);
    expect((await at.run(['delete', 'red', '--cluster-name', 'blue'])).code).toBe(2);
    expect(json<unknown[]>(await at.run(['clusters', '--json']))).toHaveLength(2);

    expect(json(await at.run(['delete', '--cluster-name', 'red', '--json']))).toMatchObject({
      deleted: true,
      jobsCanceled: 0,
    });
    expect(parse(readFileSync(config, 'utf8'))).toEqual({
      cluster: { name: 'blue', secret: blue.secret },
      clusters: [{ name: 'blue', token: blue.token }],
    });
    expectExit(await at.run(['delete', '--yes']), 0);
    expect(parse(readFileSync(config, 'utf8'))).toEqual({ clusters: [] });
    expect(json(await at.run(['clusters', '--json']))).toEqual([]);
    await at.register('green', '--nodes', '1', '--cores', '2');
    expectExit(await at.run(['delete', 'green']), 0);
  });
});

describe('groups', () => {
  test('create, submit with its token, update, list, delete', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '2');
    await at.register('blue', '--nodes', '1', '--cores', '2');
    const operator = { env: { RAINBOW_SERVER_SECRET: SECRET } };
    const made = await at.run(['group', 'create', 'physics', '--cluster', 'red', '--json'], operator);
    expectExit(made, 0);
    const { token } = json<{ token: string }>(made);

    const other = { env: { XDG_CONFIG_HOME: join(at.folder, 'other') } };
    const submit = ['submit', '--group', 'physics', '--token', token, '--json', '--', 'true'];
    expect(json(await at.run(submit, other))).toMatchObject({ candidates: ['red'], cluster: 'red' });

    expect((await at.run(['group', 'update', 'physics', '--cluster', 'blue', '-s', SECRET])).stdout).toBe(
      'physics: blue\n',
    );
    expect(json(await at.run(['group', 'list', '--json'], operator))).toMatchObject([
      { name: 'physics', clusters: ['blue'] },
    ]);
    expect((await at.run(['group', 'delete', 'physics'], operator)).code).toBe(0);
    expect((await at.run(submit, other)).code).toBe(1);

    const denied = await at.run(['group', 'list', '--secret', 'wrong']);
    expect(denied.code).toBe(1);
    expect(denied.stderr).toContain('Check the server’s secret (--secret');
  });
});
