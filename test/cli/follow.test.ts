/** What a job wrote: over a restart of the server, and beyond what the server keeps. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serve } from '../../src/server/serve.ts';
import { realSystem } from '../../src/system/real.ts';
import { afterwards, expectExit, temporaryFolder, until } from './command-line.ts';
import { place, SECRET, startAgent, untilConnected } from './with-server.ts';

test('job logs -f goes on after the server was away, and repeats nothing', async () => {
  const at = await place();
  const go = join(temporaryFolder(), 'go');
  await at.register('red', '--nodes', '1', '--cores', '2');
  const agent = startAgent(at, 'red', ['--graph', join(at.folder, 'red.json')]);
  await untilConnected(at, 'red');
  await at.run(['submit', '--', 'sh', '-c', `echo one; while ! test -e ${go}; do sleep 0.05; done; echo two`]);
  let seen = '';
  const logs = at.run(['job', 'logs', '1', '-f'], {
    onOutput: (text) => {
      seen += text;
    },
  });
  await until(() => seen.includes('one'), agent.said);
  const { port } = at.server;
  await at.server.stop();
  await until(() => seen.includes('trying again'));
  const again = await serve(
    {
      host: `127.0.0.1:${port}`,
      database: join(at.folder, 'rainbow.db'),
      version: '0.0.0-test',
      secret: SECRET,
      logLevel: 'silent',
    },
    realSystem,
  );
  afterwards(() => again.stop());
  writeFileSync(go, '');
  const outcome = await logs;
  expect(outcome).toMatchObject({ code: 0, stdout: 'one\ntwo\n' });
  expect(outcome.stderr).not.toContain('carried out');
});

test('output beyond what is kept is told', async () => {
  const at = await place();
  await at.register('red', '--nodes', '1', '--cores', '2');
  const agent = startAgent(at, 'red', ['--graph', join(at.folder, 'red.json')]);
  await untilConnected(at, 'red');
  const written = 3 * 2 ** 20;
  expectExit(await at.run(['submit', '--wait', '--', 'head', '-c', String(written), '/dev/zero']), 0, agent.said());
  for (const follow of [[], ['-f']]) {
    const { stdout, stderr, code } = await at.run(['job', 'logs', '1', ...follow]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^rainbow: task 0 stdout: … (1\.9|2\.0) MiB not kept …\n$/);
    // A cap of 1 MiB, and a piece or two more.
    expect(stdout.length).toBeGreaterThanOrEqual(2 ** 20);
    expect(stdout.length).toBeLessThanOrEqual(2 ** 20 + 2 * 64 * 1024);
  }
});
