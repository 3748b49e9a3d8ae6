/** Lists, events and explanations on the command line. */
import { describe, expect, test } from 'vitest';
import { expectExit, json, jsonLines, rainbow, until } from './command-line.ts';
import { place, SECRET, write } from './with-server.ts';

describe('lists, events, explanations', () => {
  test('jobs: newest first, filters, limits, pages, one JSON line each; owners see their own', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '4');
    for (const name of ['a', 'b', 'c']) await at.run(['submit', '--name', name, '--', 'true']);
    await at.run(['submit', '--name', 'large', '--cores', '5', '--', 'true']);
    const ids = async (...args: string[]): Promise<unknown[]> =>
      jsonLines(await at.run(['jobs', '--json', ...args])).map(({ id }) => id);
    expect(await ids()).toEqual([4, 3, 2, 1]);
    expect(await ids('--limit', '2')).toEqual([4, 3]);
    expect(await ids('--oldest-first', '--limit', '1')).toEqual([1]);
    expect(await ids('--state', 'rejected')).toEqual([4]);
    expect(await ids('--state', 'rejected', '--state', 'assigned', '--name', 'b')).toEqual([2]);
    expect(await ids('--cluster', 'red')).toEqual([3, 2, 1]);
    const text = (await at.run(['jobs'])).stdout;
    expect(text.split('\n')[0]).toMatch(/ID +NAME +STATE +CLUSTER/);
    expect(text).not.toContain('\u001b');

    const other = { env: { RAINBOW_KEY: `rbu_${'x'.repeat(43)}` } };
    expect((await at.run(['jobs'], other)).stdout).toBe('no jobs\n');
    expect((await at.run(['job', 'show', '1'], other)).code).toBe(1);
    expect((await at.run(['job', 'cancel', '1'], other)).code).toBe(1);
    expect((await at.run(['jobs', '--all'], other)).code).toBe(2);
    const all = await at.run(['jobs', '--all', '--json'], { env: { ...other.env, RAINBOW_SERVER_SECRET: SECRET } });
    expect(jsonLines(all)).toHaveLength(4);
    expect(jsonLines(await at.run(['jobs', '--operator', '--secret', SECRET, '--json'], other))).toHaveLength(4);
    // On a terminal the table is as wide as it, elsewhere it is whole.
    const terminal = (await at.run(['jobs'], { isTTY: true })).stdout;
    // oxlint-disable-next-line no-control-regex -- colours
    const shown = terminal.replace(/\u001b\[\d+m/g, '').split('\n');
    expect(shown.every((line) => line.length <= 100)).toBe(true);
    expect(shown[1]).toMatch(/…$/);
    expect(text.split('\n')[1]).toMatch(/red: .*\w$/);
    expect(text).not.toContain('can ever hold it');
    expect((await at.run(['jobs'], { env: { RAINBOW_KEY: 'nonsense' } })).stderr).toContain('RAINBOW_KEY');
  });

  test('jobs --watch shows the table again, and nothing beside it', async () => {
    const at = await place();
    const stop = new AbortController();
    let tables = 0;
    let jobs = 0;
    const watching = at.run(['jobs', '--watch'], {
      isTTY: true,
      signal: stop.signal,
      onOutput: (text) => {
        if (text.includes('no jobs')) tables += 1;
        if (/\bassigned\b/.test(text)) jobs += 1;
      },
    });
    await until(() => tables === 1);
    await at.register('red', '--nodes', '1', '--cores', '1');
    await at.run(['submit', '--', 'true']);
    await until(() => jobs > 0);
    stop.abort();
    expect(await watching).toMatchObject({ code: 130, stderr: '' });
  });

  test('events resume after a number', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '4');
    await at.run(['submit', '--', 'true']);
    await at.run(['submit', '--', 'true']);
    const all = jsonLines(await at.run(['events', '--json']));
    expect(all.map(({ seq }) => Number(seq))).toEqual(all.map(({ seq }) => Number(seq)).toSorted((a, b) => a - b));
    const middle = Number(all[1]?.['seq']);
    expect(jsonLines(await at.run(['events', '--after', String(middle), '--json']))).toEqual(all.slice(2));
    const operator = jsonLines(await at.run(['events', '--operator', '--secret', SECRET, '--json']));
    expect(operator.map(({ subject }) => subject)).toContain('cluster');

    const stop = new AbortController();
    let seen = '';
    const following = at.run(['events', '--follow', '--after', String(all.at(-1)?.['seq'])], {
      signal: stop.signal,
      onOutput: (text) => {
        seen += text;
      },
    });
    await at.run(['submit', '--', 'true']);
    await until(() => seen.includes('job 3'));
    stop.abort();
    expect((await following).code).toBe(130);
  });

  test('explain a job, and a jobspec', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '4');
    await at.register('blue', '--nodes', '1', '--cores', '8');
    await at.run(['submit', '--cores', '6', '--', 'true']);
    const text = (await at.run(['explain', '1'])).stdout;
    expect(text).toMatch(/attempt 1: chose blue/);
    expect(text).toMatch(/red +does not fit/);
    expect(json(await at.run(['explain', '1', '--json']))).toMatchObject({
      job: { id: 1 },
      decisions: [{ chosen: 'blue', policy: 'random', candidates: expect.any(Array) }],
    });
    const spec = write(
      at.folder,
      'j.yaml',
      'version: 1\nresources: {r: {type: node, replicas: 1, with: [{type: core, count: 6}]}}\ntasks: [{command: [a], resources: r}]\n',
    );
    const asked = json<{ candidates: { cluster: string; satisfiable: string }[] }>(
      await at.run(['explain', '--jobspec', spec, '--json']),
    );
    expect(asked.candidates.map(({ cluster, satisfiable }) => [cluster, satisfiable])).toEqual([
      ['blue', 'yes'],
      ['red', 'no'],
    ]);
  });

  test('explain tells what the policy’s steps did, and its options in one line', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '4');
    await at.register('blue', '--nodes', '1', '--cores', '4');
    for (const [name, free] of Object.entries({ red: 3, blue: 0 })) {
      expectExit(await at.run(['update', 'state', '--cluster-name', name, `nodes_free=${free}`]), 0);
    }
    const priorities = '- priority: 1\n  steps:\n  - filter: "nodes_free > 0"\n  - select: first\n';
    const option = ['--policy', 'constraint', '--policy-option', `priorities=${priorities}`];
    expectExit(await at.run(['submit', ...option, '--', 'true']), 0);
    const { stdout } = await at.run(['explain', '1']);
    expect(stdout).toMatch(/chose red\n/);
    expect(stdout).toMatch(/^ +priority 1: filter.*$/m);
    expect(stdout).toMatch(/policy constraint \(priorities=- priority: 1 steps: .{1,50}…\)/);
  });

  test('receive: takes and accepts, as the prototype does', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '4');
    await at.run(['submit', '--name', 'one', '--', 'true']);
    await at.run(['submit', '--name', 'two', '--', 'true']);
    const taken = await at.run(['receive', '--max-jobs', '1', '--json']);
    expect(json(taken)).toMatchObject({
      cluster: 'red',
      accepted: true,
      jobs: [{ id: 1, name: 'one', jobspec: expect.any(String) }],
    });
    expect((await at.run(['receive', '-j', '5'])).stdout).toContain('accepted 1 job for red:\n  2  two');
    expect((await at.run(['receive'])).stdout).toBe('no jobs for red\n');
    expect(json(await at.run(['job', 'show', '1', '--json']))).toMatchObject({ state: 'accepted' });
    expect((await at.run(['receive', '--request-secret', 'wrong'])).code).toBe(1);
  });

  test('version --server', async () => {
    const at = await place();
    expect(json(await at.run(['version', '--server', '--json']))).toMatchObject({
      server: { version: '0.0.0-test', store: 'sqlite' },
    });
    expect((await rainbow(['version'])).stdout).toMatch(/^rainbow \d/);
  });
});
