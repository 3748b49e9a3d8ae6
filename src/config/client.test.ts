/** The client's configuration file: read as others write it, changed without losing what is theirs. */
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clientConfigOf, initialClientConfig, readClientConfig, writeClientConfig } from './config.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rainbow-config-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const PROTOTYPE = `# mine
scheduler:
    secret: chocolate-cookies
    name: keebler
    algorithms:
        selection:
            name: random
        match:
            name: match
cluster:
    name: keebler
    secret: 4a193104-d7fa-460a-a13d-9482173eb85d
graphdatabase:
    name: memory
    host: 127.0.0.1:50051
    options:
        host: 127.0.0.1:8080
clusters:
    - name: keebler
      token: rainbow
    - name: other # note
      token: 0123
extra: {kept: true}
`;

test('the prototype’s file is read as it is', () => {
  expect(clientConfigOf(PROTOTYPE)).toEqual({
    host: '127.0.0.1:8080',
    scheduler: {
      secret: 'chocolate-cookies',
      name: 'keebler',
      algorithms: { selection: { name: 'random' }, match: { name: 'match' } },
    },
    cluster: { name: 'keebler', secret: '4a193104-d7fa-460a-a13d-9482173eb85d' },
    graphdatabase: { name: 'memory', host: '127.0.0.1:50051', options: { host: '127.0.0.1:8080' } },
    clusters: [
      { name: 'keebler', token: 'rainbow' },
      { name: 'other', token: '0123' },
    ],
    groups: [],
  });
});

test('no file is null, an empty one is empty', async () => {
  const path = join(folder, 'none.yaml');
  expect(await readClientConfig(path)).toBeNull();
  await writeFile(path, '# nothing\n');
  expect(await readClientConfig(path)).toEqual({ clusters: [], groups: [] });
});

test.each([
  ['5', /must be a map/],
  ['clusters: 5', /clusters \(line 1, column 11\): must be a list, not 5/],
  ['clusters: [{token: a}]', /clusters\[0\] .*`name` is missing/],
  ['clusters: [{name: [a]}]', /clusters\[0\]\.name .*must be text, not a list/],
  ['host: [a, b]', /host .*must be text, not a list: several servers have commas between/],
  ['graphdatabase: {options: {host: [a]}}', /graphdatabase\.options\.host .*several servers have commas between/],
  ['scheduler: {algorithms: {selection: {options: {priorities: [1]}}}}', /an option is text; put `\|`/],
  ['a: 1\na: 2', /the key "a" stands here twice/],
  ['a: [', /line 1/],
])('%s is refused with the file and the place', async (text, message) => {
  const path = join(folder, 'bad.yaml');
  await writeFile(path, text);
  await expect(readClientConfig(path)).rejects.toThrow(message);
  await expect(readClientConfig(path)).rejects.toThrow(path);
});

test('what is written is read back, for its owner alone', async () => {
  const path = join(folder, 'new', 'config.yaml');
  const config = initialClientConfig({ host: 'localhost:50051', clusterName: 'red' });
  await writeClientConfig(path, config);
  expect(await readClientConfig(path)).toEqual(config);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(folder, 'new'))).toEqual(['config.yaml']);
});

test('a change keeps comments and what others put there', async () => {
  const path = join(folder, 'config.yaml');
  await writeFile(path, PROTOTYPE);
  await chmod(path, 0o644);
  const before = (await readClientConfig(path))!;
  await writeClientConfig(path, { ...before, groups: [{ name: 'all', token: '0777' }] });
  const written = await readFile(path, 'utf8');
  expect(written).toContain('# mine');
  expect(written).toContain('# note');
  expect(await readClientConfig(path)).toEqual({ ...before, groups: [{ name: 'all', token: '0777' }] });
  expect(written).toContain('extra: {kept: true}'.replace('{kept: true}', '{ kept: true }'));
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('a symbolic link stays one', async () => {
  const path = join(folder, 'real.yaml');
  await writeFile(path, PROTOTYPE);
  await symlink(path, join(folder, 'link.yaml'));
  await writeClientConfig(join(folder, 'link.yaml'), { clusters: [{ name: 'x', token: 't' }], groups: [] });
  expect((await readClientConfig(path))!.clusters).toEqual([{ name: 'x', token: 't' }]);
});

test('a token that looks like a number or a truth stays text', async () => {
  const path = join(folder, 'config.yaml');
  const clusters = [
    { name: 'a', token: '007' },
    { name: 'b', token: 'true' },
    { name: 'no', token: '1e5' },
  ];
  await writeClientConfig(path, { clusters, groups: [] });
  expect((await readClientConfig(path))!.clusters).toEqual(clusters);
});

test('a file that cannot be written is said so, and nothing is left behind', async () => {
  await writeFile(join(folder, 'file'), '');
  await expect(writeClientConfig(join(folder, 'file', 'config.yaml'), { clusters: [], groups: [] })).rejects.toThrow(
    /cannot be (read|written)/,
  );
  expect(await readdir(folder)).toEqual(['file']);
});
