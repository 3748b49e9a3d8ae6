/** Draining, maintenance and deletion from the command line: with the cluster's secret, or as an operator. */
import { afterEach, expect, test } from 'vitest';
import { readMomentHere } from '../../src/cli/times.ts';
import { isoOf } from '../../src/cli/present/time.ts';
import { expectExit, homeIn, json } from './command-line.ts';
import { place, SECRET } from './with-server.ts';

const zone = process.env['TZ'];
afterEach(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

test('an operator, who has no secret of the cluster, drains, resumes, plans and deletes it with the server’s', async () => {
  const at = await place();
  await at.register('red', '--nodes', '1', '--cores', '2');
  const env = homeIn(`${at.folder}/operator`);
  const without = await at.run(['cluster', 'drain', 'red'], { env });
  expect(without).toMatchObject({ code: 2, stderr: expect.stringContaining('or say --operator, with the server’s') });
  const wrong = await at.run(['cluster', 'drain', 'red', '--operator', '--secret', 'wrong'], { env });
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('Check the server’s secret') });

  const operator = { env: { ...env, RAINBOW_SERVER_SECRET: SECRET } };
  const drained = await at.run(['cluster', 'drain', 'red', '--operator', '--reason', 'disks', '--json'], operator);
  expect(json(drained)).toMatchObject({ name: 'red', drainReason: 'disks' });
  // That it is drained does not hide whether its agent is there.
  expect((await at.run(['clusters'])).stdout).toContain('never seen, drained');
  expect((await at.run(['cluster', 'show', 'red'])).stdout).toMatch(/agent +never seen\n[^]*service +drained: disks/);
  expect((await at.run(['submit', '--dry-run', '--', 'true'])).stdout).toContain('fits, but it is drained: disks');
  const { id } = json<{ id: number }>(await at.run(['submit', '--json', '--', 'true']));
  expect((await at.run(['explain', String(id)])).stdout).toContain('fits, but it is drained: disks');
  expectExit(await at.run(['job', 'cancel', String(id)]), 0);
  expectExit(await at.run(['cluster', 'resume', 'red', '--operator', '-s', SECRET], { env }), 0);
  // Nobody has been there yet.
  expect((await at.run(['submit', '--dry-run', '--', 'true'])).stdout).toContain(
    'fits, could start now once an agent is there (none has come yet)',
  );
  const planned = await at.run(
    ['cluster', 'maintenance', 'red', '--operator', '--from', '+2h', '--for', '1h'],
    operator,
  );
  expectExit(planned, 0);
  const dry = ['submit', '--dry-run', '--ask', '--time'];
  const long = (await at.run([...dry, '3h', '--', 'true'])).stdout;
  expect(long).toContain('fits, but with its time limit it would run into maintenance from');
  expect(long).toContain('a dry run asks nobody for a bid');
  const short = (await at.run([...dry, '1h', '--', 'true'])).stdout;
  expect(short).toMatch(/fits, could start now[^]*red: maintenance 2/);
  const past = await at.run(
    ['cluster', 'maintenance', 'red', '--operator', '--from', '2020-01-01T00:00Z', '--for', '1h'],
    operator,
  );
  expect(past).toMatchObject({ code: 2, stderr: expect.stringContaining('--for: is over already') });
  expect(await at.run(['delete', '--operator'], operator)).toMatchObject({ code: 2 });
  const nobody = await at.run(['delete', 'blue', '--operator'], operator);
  expect(nobody).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no cluster "blue"') });
  expect((await at.run(['delete', 'red', '--operator'], operator)).stdout).toContain('cluster red deleted');
  expect(json<unknown[]>(await at.run(['clusters', '--json']))).toEqual([]);
});

test('a time without a zone is this machine’s, wherever it is written', async () => {
  process.env['TZ'] = 'Europe/Berlin';
  const iso = (written: string): string => isoOf(readMomentHere(written, '--begin', 0));
  expect(iso('2030-01-31T12:00')).toBe('2030-01-31T11:00:00.000Z');
  expect(iso('2030-07-31 12:00:30')).toBe('2030-07-31T10:00:30.000Z');
  expect(iso('2030-07-31')).toBe('2030-07-30T22:00:00.000Z');
  expect(iso('2030-07-31T12:00-02:00')).toBe('2030-07-31T14:00:00.000Z');
  // The morning on which clocks go forward, before and after.
  expect(iso('2030-03-31T01:30')).toBe('2030-03-31T00:30:00.000Z');
  expect(iso('2030-03-31T03:30')).toBe('2030-03-31T01:30:00.000Z');
  expect(iso('+2h')).toBe('1970-01-01T02:00:00.000Z');

  const at = await place();
  await at.register('red', '--nodes', '1', '--cores', '2');
  const window = ['cluster', 'maintenance', 'red', '--from', '2030-01-31T12:00', '--until', '2030-01-31T13:00Z'];
  expect(json(await at.run([...window, '--json']))).toMatchObject({
    maintenance: [{ from: '2030-01-31T11:00:00.000Z', until: '2030-01-31T13:00:00.000Z' }],
  });
  const submitted = await at.run(['submit', '--begin', '2030-01-31T12:00', '--json', '--', 'true']);
  expect(json(submitted)).toMatchObject({ beginAt: '2030-01-31T11:00:00.000Z' });
  expect(await at.run(['submit', '--begin', 'tomorrow', '--', 'true'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--begin: "tomorrow" is no time'),
  });
});
