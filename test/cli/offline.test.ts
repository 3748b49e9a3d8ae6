/** Commands that need no server. */
import { readFileSync, writeFileSync, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectExit, json, jsonLines, homeIn, rainbow, root, temporaryFolder } from './command-line.ts';

const demo = join(root, 'examples', 'demo');
const needsGcc = join(demo, 'needs-gcc.yaml');

async function graphFile(folder: string, ...size: string[]): Promise<string> {
  const file = join(folder, 'graph.json');
  const { code } = await rainbow(['graph', 'generate', '-o', file, ...size]);
  expect(code).toBe(0);
  return file;
}

describe('exit codes', () => {
  test.each([[['--help']], [['--version']], [['version']], [['help', 'submit']], [['submit', '--help']]])(
    '%j: 0',
    async (args) => {
      const outcome = await rainbow(args);
      expectExit(outcome, 0);
      expect(outcome.stdout).not.toBe('');
    },
  );

  test.each([
    [[], 2],
    [['nope'], 2],
    [['job'], 2],
    [['job', 'show'], 2],
    [['job', 'show', 'five'], 2],
    [['jobs', '--nope'], 2],
    [['jobs', '--limit', '-1'], 2],
    [['jobs', '--limit', '1.5'], 2],
    [['jobs', '--state', 'sleeping'], 2],
    [['jobs', '--watch', '--json'], 2],
    [['graph', 'generate', '--nodes', '2'], 2],
    [['match', '--graph', 'g.json'], 2],
    [['submit'], 2],
    [['submit', '--propagate-exit', '--', 'true'], 2],
    [['submit', '--jobspec', 'x', '--', 'true'], 2],
    [['submit', '--jobspec', 'x', '--nodes', '2'], 2],
    [['submit', '--command', 'a', '--', 'b'], 2],
    [['submit', '--command', '"open'], 2],
    [['submit', '--env', 'novalue', '--', 'true'], 2],
    [['submit', '--on-cluster-loss', 'cry', '--', 'true'], 2],
    [['submit', '--memory', 'lots', '--', 'true'], 2],
    [['submit', '--time', 'forever', '--', 'true'], 2],
    [['submit', '--nodes', '2', '--tasks', '1', '--', 'true'], 2],
    [['submit', '--', ''], 2],
    [['clusters', '--host', 'a b'], 2],
    [['serve', '--host', 'bad:port:1', '--db', ':memory:'], 2],
    [['explain'], 2],
    [['explain', '5', '--jobspec', 'x'], 2],
    [['job', 'wait', '1', '2', '--propagate-exit'], 2],
    [['update', 'state', '--cluster-name', 'x', '--secret', 's'], 2],
    [['receive'], 2],
    [['delete'], 2],
    [['group', 'create', 'g'], 2],
    [['agent'], 2],
    [['agent', '--cluster-name', 'x'], 2],
    [['serve', '--graph-database', 'neo4j'], 2],
    [['completion', 'tcsh'], 2],
    [['match', '--graph', '/no/such/file', '--jobspec', 'x'], 1],
    [['graph', 'validate', '/no/such/file'], 1],
    [['jobspec', 'show', '/'], 1],
    [['clusters', '--config-path', '/no/such/file'], 1],
  ])('%j: %d; what went wrong is on standard error, and nothing else anywhere', async (args, code) => {
    const outcome = await rainbow(args);
    expectExit(outcome, code);
    expect(outcome.stdout).toBe('');
    expect(outcome.stderr).not.toBe('');
    expect(outcome.stderr).not.toMatch(/\n\s+at /);
  });

  test('what arguments hold cannot move the cursor, nor turn the line around', async () => {
    const evil = '\u001b[31m\u202ered\u009b2J';
    const folder = temporaryFolder();
    const graph = await graphFile(folder, '--nodes', '1', '--cores', '1');
    const file = join(folder, `${evil}.yaml`);
    writeFileSync(file, readFileSync(needsGcc));
    const out = join(folder, `${evil}.json`);
    for (const args of [
      [evil],
      ['help', evil],
      ['jobs', `--${evil}`],
      ['job', 'show', evil],
      ['job', evil],
      ['jobs', '--limit', evil],
      ['jobs', '--state', evil],
      ['update', 'state', evil],
      ['clusters', '--host', evil],
      ['match', '--graph', graph, file, join(folder, evil)],
      ['match', '--graph', evil, file],
      ['jobspec', 'validate', file, evil],
      ['jobspec', 'show', evil],
      ['graph', 'generate', '-o', out, '--nodes', '1', '--cores', '1'],
      ['graph', 'validate', out],
      ['config', 'init', '--config-path', join(folder, `${evil}-config.yaml`)],
      ['clusters', '--config-path', evil],
      ['serve', '--host', evil],
      ['serve', '--config-path', evil],
    ]) {
      const { stdout, stderr } = await rainbow(args, { env: homeIn(folder) });
      const said = `${stdout}${stderr}`.replaceAll('\n', '');
      expect({ args, said }).toEqual({ args, said: expect.stringMatching(/^[^\p{Cc}\u202e]+$/u) });
    }
  });

  test('a message names the remedy', async () => {
    expect((await rainbow(['subnit'])).stderr).toContain('Did you mean submit?');
    expect((await rainbow(['jobs', '--stat'])).stderr).toContain('Did you mean --state?');
    expect((await rainbow(['clusters', '--config-path', '/no/such/file'])).stderr).toContain('rainbow config init');
    expect((await rainbow(['agent', '--cluster-name', 'x'])).stderr).toContain('--register-secret');
  });
});

describe('graph', () => {
  test('generate, validate, show', async () => {
    const folder = temporaryFolder();
    const file = await graphFile(folder, '--nodes', '48', '--sockets', '2', '--cores', '36', '--memory', '192');
    const valid = await rainbow(['graph', 'validate', file, '--json']);
    expect(json(valid)).toMatchObject({
      valid: true,
      resources: expect.arrayContaining([
        { type: 'core', total: 1728, unit: '' },
        { type: 'memory', total: 48 * 192, unit: 'GiB' },
      ]),
    });
    const shown = await rainbow(['graph', 'show', file]);
    expect(shown.stdout).toContain('cluster {rack {48 × node {2 × socket {18 × core}, memory 192 GiB}}}');
    expect(shown.stdout).toContain('└─ 48 × node');
    expect(json(await rainbow(['graph', 'show', file, '--json']))).toMatchObject({
      shape: expect.stringContaining('48 × node'),
    });
  });

  test('from standard input; a wrong one says where', async () => {
    const made = await rainbow(['graph', 'generate', '--nodes', '1', '--cores', '2']);
    expect((await rainbow(['graph', 'validate', '-'], { stdin: made.stdout })).code).toBe(0);
    const broken = JSON.stringify({ graph: { nodes: { 0: { metadata: { type: 'cluster', size: -1 } } }, edges: [] } });
    const outcome = await rainbow(['graph', 'validate', '-'], { stdin: broken });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/standard input: .*size/);
  });

  test('discover finds this machine', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'machine.json');
    expect((await rainbow(['graph', 'discover', '--name', 'here', '-o', file])).code).toBe(0);
    const { resources } = json<{ resources: { type: string; total: number }[] }>(
      await rainbow(['graph', 'validate', file, '--json']),
    );
    expect(resources.find(({ type }) => type === 'node')?.total).toBe(1);
    expect(resources.find(({ type }) => type === 'core')?.total).toBeGreaterThan(0);
    expect(resources.find(({ type }) => type === 'memory')?.total).toBeGreaterThan(0);
  });
});

describe('jobspec', () => {
  test('validate says so for each, and exits with 1 if one is not', async () => {
    const good = await rainbow(['jobspec', 'validate', needsGcc]);
    expect(good).toMatchObject({ code: 0, stdout: `${needsGcc}: valid (nextgen)\n` });
    const mixed = await rainbow(['jobspec', 'validate', needsGcc, '-', '--json'], { stdin: 'version: 99\n' });
    expect(mixed.code).toBe(1);
    expect(jsonLines(mixed)).toEqual([
      { jobspec: needsGcc, valid: true, dialect: 'nextgen', name: null },
      { jobspec: '-', valid: false, error: { code: 'invalid_input', message: expect.stringContaining('version') } },
    ]);
  });

  test('show', async () => {
    const { stdout } = await rainbow(['jobspec', 'show', needsGcc]);
    expect(stdout).toContain('requires (software: name = gcc, version ≥ 12)');
    expect(json(await rainbow(['jobspec', 'show', needsGcc, '--json']))).toMatchObject({
      dialect: 'nextgen',
      walltime: 60,
    });
  });
});

describe('match', () => {
  let folder: string;
  let graph: string;
  const core = (count: number) => `version: 1
resources: [{type: slot, count: 1, label: s, with: [{type: core, count: ${count}}]}]
tasks: [{command: [a], slot: s, count: {per_slot: 1}}]
attributes: {system: {duration: 60}}
`;

  test('each jobspec by itself; a broken one is an error for itself alone', async () => {
    folder = temporaryFolder();
    graph = await graphFile(folder, '--nodes', '4', '--cores', '8');
    writeFileSync(join(folder, 'fits.yaml'), core(8));
    writeFileSync(join(folder, 'too-much.yaml'), core(9));
    writeFileSync(join(folder, 'broken.yaml'), 'version: [');
    const files = ['fits.yaml', 'too-much.yaml', 'broken.yaml', 'missing.yaml'].map((name) => join(folder, name));
    const args = ['match', '--graph', graph, ...files.flatMap((file) => ['--jobspec', file])];

    const outcome = await rainbow([...args, '--json']);
    expect(outcome.code).toBe(1);
    expect(jsonLines(outcome)).toEqual([
      { jobspec: files[0], fits: 'yes', reasons: [] },
      { jobspec: files[1], fits: 'no', reasons: [expect.objectContaining({ needed: 9, best: 8, type: 'core' })] },
      { jobspec: files[2], fits: null, error: { code: 'invalid_input', message: expect.any(String) } },
      { jobspec: files[3], fits: null, error: { code: 'not_found', message: expect.stringContaining('missing.yaml') } },
    ]);

    const text = await rainbow(args);
    expect(text.stdout.split('\n')[0]).toBe(`${files[0]}: yes`);
    expect(text.stdout).toContain(`${files[1]}: no: `);
    expect(text.stdout).toContain(`${files[2]}: error: `);
  });

  test('a no is an answer: 0, unless the exit code is asked for', async () => {
    folder = temporaryFolder();
    graph = await graphFile(folder, '--nodes', '1', '--cores', '1');
    const args = ['match', '--graph', graph, '-'];
    expect((await rainbow(args, { stdin: core(2) })).code).toBe(0);
    expect((await rainbow([...args, '--exit-code'], { stdin: core(2) })).code).toBe(1);
    expect((await rainbow([...args, '--exit-code'], { stdin: core(1) })).code).toBe(0);
  });

  test('subsystems count', async () => {
    folder = temporaryFolder();
    graph = await graphFile(folder, '--name', 'blue', '--nodes', '4', '--cores', '8');
    const args = ['match', '--graph', graph, '--jobspec', needsGcc];
    expect((await rainbow(args)).stdout).toContain(': no: ');
    const software = `software=${join(demo, 'blue-software.json')}`;
    expect((await rainbow([...args, '--subsystem', software])).stdout).toBe(`${needsGcc}: yes\n`);
  });

  test('a broken graph is an error of the call', async () => {
    const outcome = await rainbow(['match', '--graph', '-', '--jobspec', needsGcc], { stdin: '{}' });
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toContain('standard input: ');
  });
});

describe('config init', () => {
  test('writes a file for its owner alone, and replaces none unasked', async () => {
    const folder = temporaryFolder();
    const env = homeIn(folder);
    const made = await rainbow(
      ['config', 'init', '--cluster-name', 'red', '--select-algorithm', 'constraint', '--json'],
      { env },
    );
    const { file } = json<{ file: string }>(made);
    expect(file).toBe(join(folder, 'config', 'rainbow', 'config.yaml'));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toMatch(/name: constraint/);

    const again = await rainbow(['config', 'init'], { env });
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('--force');
    expect((await rainbow(['config', 'init', '--force'], { env })).code).toBe(0);

    const elsewhere = join(folder, 'here.yaml');
    await rainbow(['config', 'init', '--config-path', elsewhere], { env });
    expect(existsSync(elsewhere)).toBe(true);
  });
});
