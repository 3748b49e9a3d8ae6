/** Retries, choosing and long output from the command line, with a real server, real agents and real processes. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectExit, json, until } from './command-line.ts';
import { place, startAgent, untilConnected, type Place } from './with-server.ts';

/** The graph that it was registered with. */
const graphOf = (at: Place): string[] => ['--graph', join(at.folder, 'red.json')];
const shell = (script: string): string[] => ['--', 'sh', '-c', script];

test('a job that fails twice and then works: both failures are kept and shown', async () => {
  const at = await place();
  await at.register('red', '--nodes', '1', '--cores', '2');
  startAgent(at, 'red', graphOf(at));
  await untilConnected(at, 'red');
  const script = 'echo attempt $RAINBOW_EPOCH; [ $RAINBOW_EPOCH = 3 ] || exit 7';
  const how = ['--retry', '3', '--retry-on', 'exit:7', '--retry-where', 'here', '--retry-delay', '0'];
  const outcome = await at.run(['submit', ...how, '--wait', '--json', ...shell(script)]);
  expectExit(outcome, 0);
  expect(json(outcome)).toMatchObject({
    state: 'completed',
    epoch: 3,
    retry: { limit: 3, on: ['exit:7'], where: 'here', delay: 0 },
  });
  expect(json(await at.run(['job', 'show', '1', '--json']))).toMatchObject({
    attempts: [
      { epoch: 1, state: 'failed', exitCode: 7, reason: { code: 'exit' } },
      { epoch: 2, state: 'failed', exitCode: 7 },
      { epoch: 3, state: 'completed', exitCode: 0 },
    ],
  });
  expect((await at.run(['job', 'show', '1'])).stdout).toMatch(/ 1: failed on red: task 0 exited with 7\n/);
  expect((await at.run(['job', 'logs', '1', '--attempt', '2'])).stdout).toBe('attempt 2\n');
  expect((await at.run(['job', 'logs', '1'])).stdout).toBe('attempt 3\n');
});

test('a signal and the exit code that a shell makes of it are both told', async () => {
  const at = await place();
  await at.register('red', '--nodes', '1', '--cores', '2');
  startAgent(at, 'red', graphOf(at));
  await untilConnected(at, 'red');
  const outcome = await at.run(['submit', '--wait', '--json', ...shell('kill -9 $$')]);
  expect(json(outcome)).toMatchObject({ state: 'failed', exitCode: 137, signal: 9, reason: { code: 'signal' } });
  const shown = await at.run(['job', 'show', '1']);
  expect(shown.stdout).toContain('137 (signal 9)');
  expect(shown.stdout).toContain('SIGKILL (9), or exit code 137');
});

test('--output-cap: the beginning and the end, and what is missing between them', async () => {
  const at = await place();
  await at.register('red', '--nodes', '1', '--cores', '2');
  startAgent(at, 'red', graphOf(at));
  await untilConnected(at, 'red');
  const script = 'i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo the end';
  expectExit(await at.run(['submit', '--output-cap', '4KiB', '--wait', ...shell(script)]), 0);
  const logs = await at.run(['job', 'logs', '1']);
  expect(logs.stdout.startsWith('line 0\nline 1\n')).toBe(true);
  expect(logs.stdout.endsWith('line 19999\nthe end\n')).toBe(true);
  expect(logs.stdout.length).toBeLessThan(6 * 1024);
  expect(logs.stderr).toMatch(/task 0 stdout: … \d+\.\d KiB not kept …/);
  expect(json(await at.run(['job', 'show', '1', '--json']))).toMatchObject({ outputCap: 4096, retry: null });
  const over = await at.run(['submit', '--output-cap', '1GiB', ...shell('true')]);
  expect(over.code).toBe(2);
  expect(over.stderr).toContain('more than this server keeps; at most 67108864');
});

test('an agent that picks the smallest leaves the others, and says so', async () => {
  const at = await place();
  await at.register('red', '--nodes', '1', '--cores', '4');
  await at.run(['submit', '--cores', '4', '--return-after', '1h', ...shell('true')]);
  await at.run(['submit', '--cores', '1', ...shell('sleep 300')]);
  const agent = startAgent(at, 'red', [...graphOf(at), '--pick', 'smallest', '--max-jobs', '1']);
  await untilConnected(at, 'red');
  const job = async (id: string) =>
    json<{ state: string; reason: { code: string; message: string }; leftUntil: string | null }>(
      await at.run(['job', 'show', id, '--json']),
    );
  await until(async () => (await job('2')).state === 'running');
  await until(async () => (await job('1')).reason.code === 'left');
  const left = await job('1');
  expect(left).toMatchObject({ state: 'assigned', leftUntil: expect.any(String) as string });
  expect(left.reason.message).toContain('no room for it now: at most 1 job at once, and smallest comes first');
  expect((await at.run(['jobs'])).stdout).toContain('smallest comes first');
  await at.run(['job', 'cancel', '2']);
  await until(async () => (await job('1')).state === 'completed');
  await agent.stop();
});

test('called wrongly: exit 2, or what is right', async () => {
  const at = await place();
  await at.register('red', '--nodes', '1', '--cores', '4');
  const none = await at.run(['submit', '--retry-on', 'exit:1', ...shell('true')]);
  expect(none.code).toBe(2);
  expect(none.stderr).toContain('--retry COUNT');
  const wrong = await at.run(['submit', '--retry', '1', '--retry-on', 'sunday', ...shell('true')]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('"sunday" is no failure to try again after; use exit, exit:N');
  expect((await at.run(['agent', '--cluster-name', 'red', '--pick', 'best'])).code).toBe(2);
  const label = await at.run(['agent', '--cluster-name', 'red', '--pick', 'label']);
  expect(label.stderr).toContain('--pick-option system.queue=debug');
});
