import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { realSystem } from '../../../system/real.ts';
import { fluxCommands } from '../flux/commands.ts';
import { resolveJobUser } from '../process/user.ts';
import { failed, slurmCommands } from '../slurm/commands.ts';
import { answerOf } from './commands.ts';

/** A search path on which `flux` is that script. */
function flux(script: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'rainbow-commands-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  // Where tests run as root it is started by another.
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'flux'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return `${folder}:${process.env['PATH']}`;
}

const said = { name: 'scontrol', what: 'scontrol', scheduler: 'Slurm' };

test('one that does not answer in time is told with what it complained of', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rainbow-commands-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const hangs = (script: string) => {
    const child = spawn(process.execPath, ['-e', `${script}; setInterval(() => {}, 1000)`], { stdio: 'pipe' });
    return answerOf(child, said, { limitMs: 700 }, realSystem);
  };
  await expect(
    hangs('process.stderr.write("scontrol: error: cannot stat file /nowhere/slurm.conf\\n")'),
  ).rejects.toThrow(/^scontrol did not answer within 0.7 s \(it said: cannot stat file \/nowhere\/slurm.conf\)$/);
  await expect(hangs('')).rejects.toThrow(/within 0.7 s$/);
});

test.each(['kill -INT $$', 'exit 130'])(
  'of one that was ended before it answered nothing is known: %s',
  async (end) => {
    const child = spawn('/bin/sh', ['-c', `echo 17; ${end}`], { stdio: 'pipe' });
    await expect(answerOf(child, said, {}, realSystem)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^scontrol was ended \((SIGINT|exit code 130)\) before it had answered$/),
    });
  },
);

test('Ctrl-C in the agent’s terminal does not reach it: it leads a group of its own', async () => {
  const print = ['-c', 'ps -o pgid= -p $$; echo $$'];
  const user = await resolveJobUser(null);
  for (const { stdout } of [
    await slurmCommands(process.env, realSystem)('/bin/sh', print),
    await fluxCommands({ PATH: flux(`exec /bin/sh -c 'ps -o pgid= -p $$; echo $$'`) }, user, realSystem).ask([]),
  ]) {
    const [group, pid] = stdout.split('\n').map((line) => line.trim());
    expect(group).toBe(pid);
  }
});

test('no such program, also where a folder on the way may not be read, is no such program', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rainbow-commands-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const start = (PATH: string) => {
    const child = spawn('no-scontrol', [], { env: { PATH }, stdio: 'pipe' });
    return answerOf(child, { ...said, name: 'no-scontrol' }, {}, realSystem);
  };
  await expect(start(folder)).rejects.toMatchObject({
    code: 'failed_precondition',
    message: 'there is no no-scontrol on this machine’s PATH: start the agent where Slurm’s commands work',
  });
  // Something of that name that cannot be run: EACCES, for root too.
  mkdirSync(join(folder, 'no-scontrol'));
  chmodSync(join(folder, 'no-scontrol'), 0);
  await expect(start(folder)).rejects.toMatchObject({
    code: 'failed_precondition',
    message: expect.stringContaining('there is no no-scontrol on this machine’s PATH that may be run'),
  });
});

test('without a configuration Slurm asks the DNS, and says nothing of SLURM_CONF', () => {
  const stderr =
    'scontrol: error: resolve_ctls_from_dns_srv: res_nsearch error: Unknown host\nscontrol: error: fetch_config: DNS SRV lookup failed\n';
  expect(failed('scontrol', { code: 1, stdout: '', stderr }).message).toMatch(
    /DNS SRV lookup failed; set SLURM_CONF to the path of slurm\.conf/,
  );
});
