/** What is wrong with a flag is said of the flag, with exit code 2, whoever finds it. */
import { expect, test } from 'vitest';
import { expectExit, json, until } from './command-line.ts';
import { NOBODY_AT_RED, place, startAgent, untilConnected, write } from './with-server.ts';

test('mistakes that the server finds', async () => {
  const at = await place();
  await at.register('red', '--nodes', '1', '--cores', '2');
  const wrong: readonly (readonly [readonly string[], string])[] = [
    [['--array', '0-9999999'], '--array: has more than 10000 tasks'],
    [['--name', 'a\nb'], '--name: "a\\nb" has control characters'],
    [['--bid-within', '100000s'], '--bid-within: must be from 0 to 60 seconds'],
    [['--policy', 'nope'], '--policy: did not find algorithm named nope; there is cel'],
    [['--policy-option', 'a=b'], '--policy-option: there are options, but no policy'],
    [['--retry', '1', '--retry-on', 'luck'], '--retry-on: "luck" is no failure to try again after'],
    [['--return-after', '999999999s'], '--return-after: 999999999 is no time'],
    [['--output-cap', '900GiB'], '--output-cap: 966367641600 bytes'],
    [['--stage-out', '../x'], '--stage-out: "../x" has the part'],
    [['--dependency', 'afterok:1'], "unknown option '--dependency': here it is --after\n"],
    [
      ['--queue', 'debug'],
      'what is run goes after --; "debug" before it belongs to no option (--queue takes no name; ',
    ],
    [['-p', ' '], '--partition: is empty'],
    [['--start-before', '1999-01-01T00:00Z'], '--start-before: 1999-01-01T00:00:00.000Z is before'],
  ];
  for (const [flags, said] of wrong) {
    const outcome = await at.run(['submit', ...flags, '--', 'true']);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toContain(`rainbow: ${said}`);
  }
  expect(await at.run(['jobs', '--sort', 'priority', '--oldest-first'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--oldest-first: jobs by priority'),
  });
  const window = ['cluster', 'maintenance', 'red', '--from', '+2h', '--until', '+1h'];
  expect(await at.run(window)).toMatchObject({ code: 2, stderr: expect.stringContaining('--until: ') });
  // What a file said is no flag's mistake.
  const script = write(at.folder, 'job.sh', '#!/bin/sh\n#SBATCH --array=0-9999999\ntrue\n');
  expect((await at.run(['submit', '--batch', script])).code).toBe(1);
});

test('a bare number of --time is seconds, and that is said; jobs --json says what it gives', async () => {
  const at = await place();
  await at.register('red', '--nodes', '1', '--cores', '2');
  const bare = await at.run(['submit', '--time', '10', '--json', '--', 'true']);
  expect(json(bare)).toMatchObject({ walltime: 10 });
  expect(bare.stderr).toContain('--time 10: it may run for 10 seconds; for minutes write 10m');
  expect((await at.run(['submit', '--time', '10m', '--', 'true'])).stderr).toBe(NOBODY_AT_RED);
  expect((await at.run(['jobs', '--help'])).stdout).toContain('With --json: one job per line');
});

test('why it was canceled is told, of a running job too; what no one can use is not shown', async () => {
  const at = await place();
  await at.register('red', '--nodes', '1', '--cores', '2');
  startAgent(at, 'red', ['--graph', `${at.folder}/red.json`]);
  await untilConnected(at, 'red');
  const { id } = json<{ id: number }>(await at.run(['submit', '--json', '--', 'sleep', '1000']));
  const other = json<{ id: number }>(await at.run(['submit', '--json', '--', 'sleep', '1000']));
  const state = async (job: number): Promise<string> =>
    json<{ state: string }>(await at.run(['job', 'show', String(job), '--json'])).state;
  await until(async () => (await state(id)) === 'running' && (await state(other.id)) === 'running');
  expectExit(await at.run(['job', 'cancel', String(id), '--message', 'typo in the input']), 0);
  expectExit(await at.run(['job', 'cancel', String(other.id)]), 0);
  await until(async () => (await state(id)) === 'canceled' && (await state(other.id)) === 'canceled');
  expect((await at.run(['job', 'show', String(id)])).stdout).toMatch(/why +typo in the input\n/);
  expect((await at.run(['job', 'wait', String(other.id)])).stdout).toMatch(
    /canceled on red: by its owner or an operator\n/,
  );
  const explained = await at.run(['explain', String(other.id), '--json']);
  expect(explained.stdout).toContain('rainbow_queued');
  expect(explained.stdout).not.toContain('rainbow_last_chosen');
});
