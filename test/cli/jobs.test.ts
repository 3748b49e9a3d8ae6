/** Submitting, following and managing jobs from the command line; real processes run them. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectExit, json, jsonLines, root, until } from './command-line.ts';
import { NOBODY_AT_RED, place, SECRET, startAgent, untilConnected, write } from './with-server.ts';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('submit', () => {
  test('prints the id and the cluster; the JSON has what it promises', async () => {
    const at = await place();
    await at.register('red', '--nodes', '2', '--cores', '4');
    const text = await at.run(['submit', '--', 'hostname']);
    expect(text).toMatchObject({ code: 0, stderr: NOBODY_AT_RED });
    expect(text.stdout).toMatch(/^job 1 assigned to red/);

    const outcome = await at.run(['submit', '--name', 'mine', '--priority', '-3', '--json', '--', 'hostname']);
    const job = json(outcome);
    expect(job).toMatchObject({
      id: 2,
      name: 'mine',
      state: 'assigned',
      cluster: 'red',
      exitCode: null,
      submittedAt: expect.stringMatching(ISO),
      assignedAt: expect.stringMatching(ISO),
      startedAt: null,
      endedAt: null,
      reason: { code: 'selected', message: expect.any(String) },
      priority: -3,
      created: true,
      decision: { chosen: 'red' },
    });

    const key = join(at.folder, 'home', 'config', 'rainbow', 'key');
    expect(statSync(key).mode & 0o777).toBe(0o600);
    expect(readFileSync(key, 'utf8').trim()).toMatch(/^rbu_[A-Za-z0-9_-]{43}$/);
  });

  test('a job that no cluster can ever hold: rejected, with the reasons, exit 1', async () => {
    const at = await place();
    await at.register('red', '--nodes', '2', '--cores', '4');
    const text = await at.run(['submit', '--cores', '5', '--', 'true']);
    expect(text.code).toBe(1);
    expect(text.stdout).toMatch(/^job 1 rejected/);
    expect(text.stdout).toMatch(/red +does not fit/);
    expect(text.stdout).toMatch(/what one change would open:\n +.+: opens \d clusters? \(.*red/);
    const document = await at.run(['submit', '--cores', '5', '--wait', '--json', '--', 'true']);
    expect(document.code).toBe(1);
    expect(json(document)).toMatchObject({
      state: 'rejected',
      cluster: null,
      reason: { code: 'never_fits' },
      decision: { candidates: [{ cluster: 'red', satisfiable: 'no', reasons: [{ needed: 5, best: 4 }] }] },
    });
  });

  test('--dry-run stores nothing', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '4');
    expect((await at.run(['submit', '--dry-run', '--', 'true'])).stdout).toContain('fits, could start now');
    const no = await at.run(['submit', '--dry-run', '--cores', '5', '--json', '--', 'true']);
    expect(no.code).toBe(1);
    expect(json(no)).toMatchObject({ candidates: [{ cluster: 'red', satisfiable: 'no' }] });
    expect((await at.run(['jobs'])).stdout).toBe('no jobs\n');
  });

  test('jobs --cluster of a name that is no cluster says so', async () => {
    const at = await place();
    const { secret } = await at.register('red', '--nodes', '1', '--cores', '4');
    expect((await at.run(['jobs', '--cluster', 'red'])).stdout).toBe('no jobs\n');
    const typo = await at.run(['jobs', '--cluster', 'rde']);
    expect(typo).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('rde') });
    // Jobs outlive their cluster.
    const agent = startAgent(at, 'red', ['--graph', join(at.folder, 'red.json')]);
    expectExit(await at.run(['submit', '--wait', '--', 'true']), 0);
    await agent.stop();
    expectExit(await at.run(['delete', '--cluster-name', 'red', '-s', secret]), 0);
    expectExit(await at.run(['jobs', '--cluster', 'red']), 0);
    expectExit(await at.run(['jobs', '--cluster', 'red', '--name', 'none']), 0);
  });

  test('--dry-run says, and exits, as the submit itself would', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '4');
    const both = async (...more: string[]): Promise<readonly [string, number, number]> => {
      const dry = await at.run(['submit', '--dry-run', ...more, '--', 'true']);
      const { code } = await at.run(['submit', ...more, '--', 'true']);
      return [dry.stdout.trim().split('\n').at(-1) ?? '', dry.code, code];
    };
    expect(await both('--cores', '4')).toEqual(['nothing was stored', 0, 0]);
    expect(await both('--cores', '5')).toEqual(['nothing was stored: submitted so, it would be rejected', 1, 1]);
    const waits = 'nothing was stored: submitted so, it would wait for a cluster that can hold it';
    expect(await both('--cores', '5', '--wait-for-cluster')).toEqual([waits, 0, 0]);
    // Nobody is there to start it.
    expect((await at.run(['submit', '--', 'true'])).stderr).toContain('red: it starts once an agent is there');
  });

  test('--dry-run of a cluster that is to come says that it would wait for it', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '4');
    const operator = ['--operator', '--secret', SECRET, '--cluster', 'blue'];
    for (const how of [['--dry-run'], []]) {
      const outcome = await at.run(['submit', ...how, ...operator, '--wait-for-cluster', '--', 'true']);
      expectExit(outcome, 0);
      expect(outcome.stdout).toMatch(how.length > 0 ? /it would wait for a cluster/ : /^job 1 pending/);
    }
  });

  test('the same idempotency key gives the same job', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '4');
    const args = ['submit', '--idempotency-key', 'k', '--', 'true'];
    expect((await at.run(args)).stdout).toMatch(/^job 1 /);
    const again = await at.run(args);
    expect(again.stdout).toMatch(/^job 1 /);
    expect(again.stdout).toContain('earlier job');
    const document = await at.run([...args.slice(0, 3), '--json', '--', 'true']);
    expect(json(document)).toMatchObject({ id: 1, created: false });
    expect([again.stderr, document.stderr]).toEqual(['', '']);

    // Not the same job after all: the earlier one is still the answer, but not silently.
    const other = await at.run([...args.slice(0, 3), '--json', '--', 'false']);
    expect(json(other)).toMatchObject({ id: 1, created: false });
    expect(other.stderr).toMatch(/belongs to job 1, which has another jobspec: .* not submitted/);
  });

  test('a jobspec is kept exactly as it is', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '4');
    const text = `# a "comment" with 'quotes'\nversion: 1\nresources: {r: {type: core, count: 1, replicas: 1}}\ntasks: [{command: [echo, "'; DROP TABLE jobs;--"], resources: r}]\n`;
    expect((await at.run(['submit', '--jobspec', write(at.folder, 'j.yaml', text)])).code).toBe(0);
    expect((await at.run(['job', 'show', '1', '--jobspec'])).stdout).toBe(text);
    expect(json(await at.run(['job', 'show', '1', '--json']))).toMatchObject({ jobspec: text });
    expect((await at.run(['submit', '--jobspec', '-'], { stdin: text })).code).toBe(0);
    const bad = await at.run(['submit', '--jobspec', '-'], { stdin: 'version: 7' });
    expect(bad).toMatchObject({ code: 1, stdout: '' });
    expect(bad.stderr).toContain('version');
  });

  test('without tokens, with a wrong one, without a server: exit 1 and what to do', async () => {
    const at = await place();
    const none = await at.run(['submit', '--', 'true']);
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(none.stderr).toContain('Put those that you were given under "clusters"');
    const wrong = await at.run(['submit', '--cluster', 'red', '--token', 'wrong', '--', 'true']);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('request denied\nCheck the token given with --token for red.');
    await at.register('red', '--nodes', '1', '--cores', '2');
    const config = join(at.folder, 'home', 'config', 'rainbow', 'config.yaml');
    const text = readFileSync(config, 'utf8');
    writeFileSync(
      config,
      text.replace(/token: .*/, 'token: stale').replace(/^clusters:/m, 'groups: [{name: physics, tokn: x}]\nclusters:'),
    );
    const stale = await at.run(['submit', '--', 'true']);
    expect(stale.code).toBe(1);
    expect(stale.stderr).toContain(`Check the tokens of ${config}, which were sent: red.`);
    expect(stale.stderr.match(/groups\[0\]\.tokn/g)).toHaveLength(1);
    writeFileSync(config, text);
    const bad = write(at.folder, 'bad.yaml', 'version: 1\nresources: 5\n');
    expect((await at.run(['submit', '--jobspec', bad])).stderr).toContain(`rainbow: ${bad}: `);
    expect((await at.run(['submit', '--timeout', '1s', '--', 'true'])).code).toBe(2);
    expect((await at.run(['job', 'wait', '1', '--timeout', 'soon'])).code).toBe(2);
    expectExit(await at.run(['submit', '--', 'true']), 0);
    const late = await at.run(['job', 'wait', '1', '--timeout', '50ms']);
    expect(late.code).toBe(1);
    expect(late.stderr).toContain('job 1 has not ended within 50ms; it goes on');
    expect((await at.run(['submit', '--wait', '--timeout', '50ms', '--', 'true'])).code).toBe(1);
    const { port } = at.server;
    await at.server.stop();
    const gone = await at.run(['jobs']);
    expect(gone).toMatchObject({ code: 1, stdout: '' });
    expect(gone.stderr).toContain(String(port));
    // Never reached: it may be the wrong host, so nobody waits for it.
    for (const follow of [
      ['job', 'wait', '1'],
      ['job', 'events', '1', '-f'],
      ['job', 'logs', '1', '-f'],
      ['events', '-f'],
    ]) {
      expect(await at.run(follow)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(String(port)),
      });
    }
    expect((await at.run(['jobs', '--host', 'not a host'])).code).not.toBe(0);
  });

  test('--cluster restricts the candidates, and still matches', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '4');
    await at.register('blue', '--nodes', '1', '--cores', '8');
    expect(json(await at.run(['submit', '--cluster', 'red', '--json', '--', 'true']))).toMatchObject({
      cluster: 'red',
    });
    expect((await at.run(['submit', '--cluster', 'red', '--cores', '8', '--', 'true'])).code).toBe(1);
    expect(json(await at.run(['submit', '--cores', '8', '--json', '--', 'true']))).toMatchObject({ cluster: 'blue' });
  });
});

describe('with an agent', () => {
  test('wait, exit codes, logs, events, show', async () => {
    const at = await place();
    await at.register('red', '--nodes', '2', '--cores', '4');
    const agent = startAgent(at, 'red', ['--graph', join(at.folder, 'red.json')]);
    await untilConnected(at, 'red');

    const good = await at.run(['submit', '--wait', '--', 'sh', '-c', 'echo to out; echo to err >&2']);
    expectExit(good, 0, agent.said());
    expect(good.stdout).toMatch(/^job 1 completed on red/);

    expect((await at.run(['submit', '--wait', '--', 'sh', '-c', 'exit 3'])).code).toBe(1);
    const own = await at.run(['submit', '--wait', '--propagate-exit', '--json', '--', 'sh', '-c', 'exit 3']);
    expect(own.code).toBe(3);
    expect(json(own)).toMatchObject({
      state: 'failed',
      exitCode: 3,
      reason: { code: 'exit' },
      endedAt: expect.stringMatching(ISO),
    });

    const logs = await at.run(['job', 'logs', '1', '-f']);
    expect(logs).toMatchObject({ code: 0, stdout: 'to out\n', stderr: 'to err\n' });
    expect(jsonLines(await at.run(['job', 'logs', '1', '--json']))).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ task: 0, stream: 'stdout', encoding: 'utf8', data: 'to out\n' }),
      ]),
    );

    const events = jsonLines(await at.run(['job', 'events', '1', '--follow', '--json']));
    const kinds = events.map(({ kind }) => kind);
    expect(kinds.at(-1)).toBe('completed');
    expect(kinds).toEqual(expect.arrayContaining(['assigned', 'received', 'running']));

    expect((await at.run(['job', 'wait', '1'])).code).toBe(0);
    expect((await at.run(['job', 'wait', '1', '2'])).code).toBe(1);
    expect((await at.run(['job', 'wait', '2', '--propagate-exit'])).code).toBe(3);
    expect((await at.run(['job', 'show', '1'])).stdout).toMatch(/exit +0/);

    const { stderr } = await agent.stop();
    expect(stderr).toContain('agent of cluster red');
    expect((await agent.outcome).code).toBe(0);
  });

  test('tasks are labelled; a running job is canceled; Ctrl-C while waiting leaves the job alone', async () => {
    const at = await place();
    await at.register('red', '--nodes', '2', '--cores', '4');
    startAgent(at, 'red', ['--graph', join(at.folder, 'red.json')]);
    await untilConnected(at, 'red');
    await at.run(['submit', '--tasks', '2', '--wait', '--', 'sh', '-c', 'echo rank $RAINBOW_TASK_RANK']);
    const { stdout } = await at.run(['job', 'logs', '1', '--label']);
    expect(stdout.split('\n').sort()).toEqual(['', '0: rank 0', '1: rank 1']);
    expect((await at.run(['job', 'logs', '1', '--task', '1'])).stdout).toBe('rank 1\n');
    const seventh = await at.run(['job', 'logs', '1', '--task', '7', '-f']);
    expect(seventh).toMatchObject({ code: 1, stdout: '' });
    expect(seventh.stderr).toContain('task 7; it has tasks 0 to 1');
    expect((await at.run(['job', 'logs', '1', '--attempt', '2'])).stderr).toContain(
      'no attempt 2; there is one so far',
    );

    const stop = new AbortController();
    const waiting = at.run(['submit', '--wait', '--', 'sleep', '60'], { signal: stop.signal });
    await until(async () => jsonLines(await at.run(['jobs', '--state', 'running', '--json'])).length > 0);
    stop.abort();
    const stopped = await waiting;
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('rainbow job wait 2');

    const cancel = await at.run(['job', 'cancel', '2', '--message', 'enough']);
    expect(cancel.code).toBe(0);
    expect((await at.run(['job', 'wait', '2'])).code).toBe(1);
    expect(json(await at.run(['job', 'show', '2', '--json']))).toMatchObject({
      state: 'canceled',
      reason: { code: 'user' },
    });
    expect((await at.run(['job', 'cancel', '2'])).stdout).toContain('canceled');
  });

  test('an agent registers its cluster, keeps the credentials, and knows them the next time', async () => {
    const at = await place();
    const first = startAgent(at, 'laptop', ['--register-secret', SECRET]);
    await until(() => first.said().includes('registered cluster laptop'), first.said);
    await untilConnected(at, 'laptop');
    expect((await first.stop()).code).toBe(0);
    const second = startAgent(at, 'laptop');
    await untilConnected(at, 'laptop');
    const outcome = await at.run(['submit', '--wait', '--', 'true']);
    expectExit(outcome, 0, second.said());
  });

  test('an agent that knows another graph than the registered one says so', async () => {
    const at = await place();
    await at.register('blue', '--nodes', '4', '--cores', '8');
    const software = ['--subsystem', 'software', '--nodes-json', join(root, 'examples', 'demo', 'blue-software.json')];
    expectExit(await at.run(['register', 'subsystem', '--cluster-name', 'blue', ...software]), 0);
    const graph = join(at.folder, 'blue.json');
    const first = startAgent(at, 'blue', ['--graph', graph]);
    await until(() => first.said().includes('--subsystem software=FILE'), first.said);
    await first.stop();
    const smaller = write(
      at.folder,
      's.json',
      (await at.run(['graph', 'generate', '--nodes', '1', '--cores', '2'])).stdout,
    );
    // It would take the right one's place: it does not even connect.
    const refused = await at.run([
      'agent',
      '--cluster-name',
      'blue',
      '--state-dir',
      join(at.folder, 'other'),
      '--graph',
      smaller,
    ]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/is registered with .*--replace-graph/);
    expect(refused.stderr).not.toContain('agent of cluster');
    const third = startAgent(at, 'blue', [`--graph=${graph}`, `--subsystem=software=${software.at(-1)}`]);
    await untilConnected(at, 'blue');
    await third.stop();
    // What it was given is remembered.
    const fourth = startAgent(at, 'blue');
    await untilConnected(at, 'blue');
    expect(third.said() + fourth.said()).not.toMatch(/does not know|is registered with/);
    await fourth.stop();
  });

  test('--replace-graph makes the agent’s graph the registered one', async () => {
    const at = await place();
    await at.register('red', '--nodes', '4', '--cores', '8');
    const smaller = join(at.folder, 'smaller.json');
    await at.run(['graph', 'generate', '--name', 'red', '--nodes', '1', '--cores', '2', '-o', smaller]);
    const agent = startAgent(at, 'red', ['--graph', smaller, '--replace-graph']);
    await untilConnected(at, 'red');
    expect(agent.said()).toContain('has a new graph');
    const { resources } = json<{ resources: unknown[] }>(await at.run(['cluster', 'show', 'red', '--json']));
    expect(resources).toContainEqual(expect.objectContaining({ type: 'core', total: 2 }));
    expectExit(await at.run(['submit', '--wait', '--', 'true']), 0, agent.said());
    await agent.stop();
    // Somebody replaces it from elsewhere: the agent's jobs want it back, so it is only told.
    const larger = join(at.folder, 'red.json');
    expectExit(await at.run(['register', 'cluster', '--replace', '--cluster-name', 'red', '--nodes-json', larger]), 0);
    const again = startAgent(at, 'red');
    await untilConnected(at, 'red');
    expect(again.said()).toContain('is registered with');
  });

  test('an agent whose cluster is registered but not known here says what to do', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '2');
    const env = { XDG_CONFIG_HOME: join(at.folder, 'other') };
    const outcome = await at.run(['agent', '--cluster-name', 'red', '--register-secret', SECRET], { env });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('--secret');
    const wrong = await at.run(['agent', '--cluster-name', 'red', '--secret', 'wrong'], { env });
    expect(wrong.code).toBe(1);
  });
});
