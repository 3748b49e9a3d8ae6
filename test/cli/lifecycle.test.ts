/** Arrays, dependencies, times and holds on the command line, with real processes. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectExit, json, jsonLines, until } from './command-line.ts';
import { place, SECRET, startAgent, untilConnected, write, type Place } from './with-server.ts';

async function withAgent(): Promise<Place> {
  const at = await place();
  await at.register('red', '--nodes', '1', '--cores', '4');
  startAgent(at, 'red', ['--graph', join(at.folder, 'red.json')]);
  await untilConnected(at, 'red');
  return at;
}

describe('arrays', () => {
  test('one id, one line, one wait; tasks know their place, and are named by it', async () => {
    const at = await withAgent();
    const script =
      'echo "$RAINBOW_ARRAY_ID $RAINBOW_ARRAY_INDEX/$RAINBOW_ARRAY_COUNT $SLURM_ARRAY_TASK_ID"; exit $((RAINBOW_ARRAY_INDEX / 5))';
    const submitted = await at.run(['submit', '--array', '1-5:2%2', '--json', '--', 'sh', '-c', script]);
    expect(json(submitted)).toMatchObject({ id: 1, state: 'pending', array: { tasks: 3, mostAtOnce: 2 } });
    const waited = await at.run(['job', 'wait', '1', '--propagate-exit']);
    expect(waited).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^array 1 failed: 3 tasks: 2 completed, 1 failed/),
    });
    expect(jsonLines(await at.run(['jobs', '--json']))).toMatchObject([{ id: 1, state: 'failed', exitCode: 1 }]);
    expect((await at.run(['jobs', '--tasks'])).stdout).toMatch(/ 1 .*\n *1\[1\] .*\n *1\[3\] .*\n *1\[5\] /s);
    const logs = await at.run(['job', 'logs', '1']);
    expect(logs.stdout).toBe('1 1/3 1\n1 3/3 3\n1 5/3 5\n');
    expect(logs.stderr).toMatch(/1\[1\] \(job 2, completed\):/);
    expect((await at.run(['job', 'logs', '1[3]'])).stdout).toBe('1 3/3 3\n');
    expect(json(await at.run(['job', 'show', '1_5', '--json']))).toMatchObject({
      arrayId: 1,
      arrayIndex: 5,
      exitCode: 1,
    });
    expect(json(await at.run(['job', 'show', '1', '--json']))).toMatchObject({ tasks: [{}, {}, {}] });
    expect((await at.run(['job', 'show', '1[2]'])).stderr).toContain('array 1 has no task with index 2');
    const events = jsonLines(await at.run(['job', 'events', '1', '--json']));
    expect(new Set(events.map(({ jobId }) => jobId))).toEqual(new Set([1, 2, 3, 4]));
    const seq = Number(events[2]?.['seq']);
    const rest = jsonLines(await at.run(['job', 'events', '1', '--json', '--after', String(seq)]));
    expect(rest).toEqual(events.slice(3));
  });

  test('a script of sbatch has its array, hold and dependency heeded', async () => {
    const at = await withAgent();
    await at.run(['submit', '--hold', '--', 'true']);
    const body = '#!/bin/sh\n#SBATCH -a 0-2%1 -d afterany:1 --priority=3\necho $SLURM_ARRAY_TASK_ID\n';
    const outcome = await at.run(['submit', '--batch', write(at.folder, 'sweep.sh', body), '--json']);
    expectExit(outcome, 0);
    expect(json(outcome)).toMatchObject({ id: 2, priority: 3, array: { tasks: 3, mostAtOnce: 1 } });
    expect((await at.run(['job', 'show', '2'])).stdout).toMatch(/after +afterany:1/);
    expect((await at.run(['job', 'release', '1'])).stdout).toMatch(/^job 1 pending: released/);
    expectExit(await at.run(['job', 'wait', '2']), 0);
    expect((await at.run(['job', 'logs', '2'])).stdout).toBe('0\n1\n2\n');
  });

  test('one cancel ends what runs and what waits', async () => {
    const at = await withAgent();
    await at.run(['submit', '--array', '0-7', '--no-queue', '--', 'sleep', '1000']);
    await until(async () => (await at.run(['jobs'])).stdout.includes('4 running'));
    expect((await at.run(['job', 'cancel', '1'])).stdout).toMatch(/^array 1: its tasks are being canceled/);
    expect(await at.run(['job', 'wait', '1'])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('8 canceled'),
    });
  });
});

describe('dependencies and times', () => {
  test('--after waits, and a job that can never start any more is canceled', async () => {
    const at = await withAgent();
    await at.run(['submit', '--hold', '--', 'false']);
    expect((await at.run(['submit', '--after', '1', '--', 'true'])).stdout).toContain('waits for afterok:1');
    await at.run(['submit', '--after', 'afternotok:1', '--', 'true']);
    await at.run(['job', 'release', '1']);
    expect(await at.run(['job', 'wait', '2'])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('job 1 ended as failed'),
    });
    expectExit(await at.run(['job', 'wait', '3']), 0);
    for (const wrong of [
      ['--after', 'x'],
      ['--after', 'afterok:1+5'],
      ['--array', '9-1'],
      ['--begin', '12:00'],
      ['--deadline', '2020-01-01T00:00Z'],
    ]) {
      const { code, stderr } = await at.run(['submit', ...wrong, '--', 'true']);
      expect([code > 0, stderr.includes(wrong[0]!.slice(2))]).toEqual([true, true]);
    }
  });

  test('what waits says why: for an agent, for a time behind other jobs, and which task of an array is told of', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '4');
    await at.run(['submit', '--', 'true']);
    const once = 'red: it starts once an agent is there (none has come yet)';
    for (const how of ['show', 'explain'])
      expect((await at.run([...(how === 'show' ? ['job', how] : [how]), '1'])).stdout).toContain(once);
    expect(json(await at.run(['job', 'show', '1', '--json']))).toMatchObject({ waitsForAgent: once });
    await at.run(['submit', '--hold', '--array', '5-6', '--', 'true']);
    expect((await at.run(['explain', '2'])).stdout).toMatch(/its first task, 2\[5\];[^]*explain\s2\[INDEX\]/);
    await at.run(['submit', '--after', 'afterany:1', '--begin', '2099-01-01T00:00Z', '--', 'true']);
    await at.run(['job', 'cancel', '1']);
    await until(async () => (await at.run(['jobs'])).stdout.includes('not before 2099-01-01T00:00:00.000Z'));
  });

  test('a submit that is canceled at once exits with 1, as one that is rejected', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '4');
    await at.run(['submit', '--hold', '--', 'true']);
    await at.run(['job', 'cancel', '1']);
    for (const more of [[], ['--wait'], ['--array', '0-3']]) {
      const { code, stdout } = await at.run(['submit', '--after', '1', ...more, '--', 'true']);
      expect([code, stdout]).toEqual([1, expect.stringContaining(' canceled: ')]);
    }
  });

  test('--dry-run looks at what it is to start after, at arrays, times and holds, as the submit itself', async () => {
    const at = await place();
    await at.register('red', '--nodes', '1', '--cores', '4');
    await at.run(['submit', '--hold', '--', 'true']);
    await at.run(['submit', '--hold', '--', 'true']);
    await at.run(['job', 'cancel', '1']);
    const dry = (...more: string[]) => at.run(['submit', '--dry-run', ...more, '--', 'true']);
    const same = async (code: number, ...more: string[]): Promise<void> => {
      const [first, second] = [await dry(...more), await at.run(['submit', ...more, '--', 'true'])];
      expect([more, first.code, second.code]).toEqual([more, code, code]);
      // Each tells its own moment.
      const words = (text: string): string => text.replaceAll(/\d{4}-\S+Z/g, 'TIME');
      const refused = first.stdout === '' ? second.stderr : '';
      expect(words(first.stderr)).toBe(words(refused));
    };
    expect((await dry('--after', '1')).stdout).toContain(
      'submitted so, it would be canceled: it was to start afterok:1, and job 1 ended as canceled',
    );
    expect(await dry('--after', '999')).toMatchObject({ code: 1, stderr: expect.stringContaining('no job 999') });
    for (const more of [
      ['--after', '1'],
      ['--after', '999'],
    ])
      await same(1, ...more);
    for (const more of [
      ['--array', '9-1'],
      ['--deadline', '2020-01-01T00:00Z'],
    ])
      await same(2, ...more);
    const held = await dry('--hold', '--array', '0-3', '--after', 'afterany:1,2', '--policy', 'first');
    expect(held.code).toBe(0);
    expect(held.stdout).toMatch(
      /look at --policy: [^]*it would be an array of 4 tasks; it would stay pending: held, .*; waits for afterok:2\n/,
    );
    expect(json(await dry('--begin', '+1h', '--json'))).toMatchObject({ comesTo: { state: 'pending' } });
    await at.run(['cluster', 'drain', 'red', '--reason', 'disks', '--operator', '-s', SECRET]);
    expect((await dry()).stdout).toContain('it would stay pending: red: it is drained');
    // Nothing was stored by any of it.
    expect((await at.run(['jobs', '--state', 'pending'])).stdout.trim().split('\n')).toHaveLength(2);
  });

  test('--after a start, and one at a time by name', async () => {
    const at = await withAgent();
    await at.run(['submit', '--hold', '--name', 'nightly', '--', 'true']);
    await at.run(['submit', '--name', 'nightly', '--after', 'singleton', '--', 'true']);
    await at.run(['submit', '--after', 'after:1', '--', 'true']);
    await at.run(['submit', '--after', 'after:1+90,afterany:2', '--', 'true']);
    expect((await at.run(['job', 'show', '2'])).stdout).toMatch(/after +singleton\n/);
    expect((await at.run(['job', 'show', '4'])).stdout).toMatch(/after +after:1\+90, afterany:2\n/);
    const shown = JSON.parse((await at.run(['job', 'show', '2', '--json'])).stdout) as object;
    expect(shown).toMatchObject({ dependencies: [{ kind: 'singleton', on: null }] });
    await at.run(['job', 'release', '1']);
    expectExit(await at.run(['job', 'wait', '2']), 0);
    expectExit(await at.run(['job', 'wait', '3']), 0);
    await until(async () => (await at.run(['job', 'show', '4'])).stdout.includes('not before'));
  });

  test('hold and release; only what is pending', async () => {
    const at = await withAgent();
    await at.run(['submit', '--begin', '+1h', '--', 'true']);
    expect((await at.run(['job', 'hold', '1'])).stdout).toMatch(/held/);
    expect((await at.run(['job', 'release', '1'])).stdout).toMatch(/not before/);
    await at.run(['job', 'cancel', '1']);
    // It has ended: nothing is left to cancel.
    expect((await at.run(['job', 'hold', '1'])).stderr).toMatch(/only what is pending can be held\n$/);
    const { id } = json<{ id: number }>(await at.run(['submit', '--json', '--', 'sleep', '600']));
    await until(
      async () => json<{ state: string }>(await at.run(['job', 'show', String(id), '--json'])).state === 'running',
    );
    expect((await at.run(['job', 'hold', String(id)])).stderr).toContain('"rainbow job cancel" ends it');
    expectExit(await at.run(['job', 'cancel', String(id)]), 0);
  });

  test('jobs --watch in a pipe: the list, then a line for each change', async () => {
    const at = await place();
    const stop = new AbortController();
    let said = '';
    const watching = at.run(['jobs', '--watch'], { signal: stop.signal, onOutput: (text) => (said += text) });
    await until(() => said.includes('no jobs'));
    await at.register('red', '--nodes', '1', '--cores', '1');
    await until(async () => {
      await at.run(['submit', '--', 'true']);
      return /job \d+ {2}assigned/.test(said);
    });
    stop.abort();
    expect(await watching).toMatchObject({ code: 130 });
  });
});
