/** The shim with real processes, under every shell of this machine that may be its /bin/sh. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { selfIdentity, startOf } from '../../process-identity.ts';
import { filesOf, type JobFiles } from './files.ts';
import { findTools, prepare, type Attempt, type Tools } from './launch.ts';
import { lookAt, parseClaim, type AcceptedOrder } from './native.ts';
import { remainsOf } from './remains.ts';
import { SHIM_CANNOT_WRITE, SHIM_CLAIMED } from './shim.ts';
import { until } from '../../../system/testing/until.ts';

const SHELLS = ['/bin/dash', '/bin/bash', '/bin/busybox'].filter((shell) => existsSync(shell));
const user = { name: 'me', uid: process.getuid!(), gid: process.getgid!(), home: '/', switched: false };
const base = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: '/' };
const tools = findTools(() => true);

/** A mount point for a disk of 64 KiB, where this user may mount one. */
const smallDisk = ((): string | null => {
  if (process.getuid!() !== 0) return null;
  const dir = mkdtempSync(join(tmpdir(), 'rainbow-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', dir], { stdio: 'ignore' });
    execFileSync('umount', [dir], { stdio: 'ignore' });
    return dir;
  } catch {
    rmSync(dir, { recursive: true, force: true });
    return null;
  }
})();
afterAll(async () => {
  if (smallDisk !== null) await rm(smallDisk, { recursive: true, force: true });
});

const made: string[] = [];
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
  for (const dir of made.splice(0)) {
    for (const pid of (await remainsOf(join(dir, '7.1', 'run'))) ?? []) process.kill(pid, 'SIGKILL');
    await rm(dir, { recursive: true, force: true });
  }
});

interface Given {
  readonly commands: readonly (readonly string[])[];
  readonly environment?: Record<string, string>;
  readonly walltime?: number;
  readonly grace?: number;
  readonly cwd?: string;
  readonly tools?: Tools;
}

async function job(given: Given, at?: string): Promise<{ files: JobFiles; accepted: AcceptedOrder }> {
  const dir = at ?? (await mkdtemp(join(tmpdir(), 'rainbow-shim-')));
  if (at === undefined) made.push(dir);
  else await mkdir(at);
  const files = filesOf(dir, '7.1');
  await mkdir(files.dir);
  const here = selfIdentity();
  const attempt: Attempt = {
    jobId: '7',
    epoch: 1,
    cluster: 'red',
    name: 'a job',
    walltime: given.walltime ?? 60,
    grace: given.grace ?? 5,
    cwd: given.cwd ?? null,
    plan: given.commands.map((command, task) => ({
      task,
      command,
      environment: given.environment ?? {},
      unset: ['RAINBOW_TEST_UNSET'],
    })),
    start: {
      boot: here.boot,
      host: here.host,
      at: Date.now(),
      tasks: given.commands.length,
      uid: user.uid,
      gid: user.gid,
      witness: { groups: [] },
    },
  };
  await prepare(files, attempt, user, base, given.tools ?? tools);
  // As its agent does it, once it has seen the claim; here no test needs to wait for that, save one.
  await writeFile(files.seenClaim, 'null');
  const order = { jobId: '7', epoch: 1, name: '', owner: '', jobspec: '', walltime: 60, priority: 0 };
  return { files, accepted: { order, acceptedAt: 1 } };
}

function shim(
  shell: string,
  files: JobFiles,
  more: Record<string, string> = {},
): { child: ChildProcess; gone: Promise<number | null> } {
  const args = shell.endsWith('busybox') ? ['sh', '../shim', '7.1'] : ['../shim', '7.1'];
  const child = spawn(shell, args, {
    cwd: files.run,
    env: { ...base, RAINBOW_TEST_UNSET: 'still here', ...more },
    detached: true,
    stdio: 'ignore',
  });
  children.push(child);
  return { child, gone: new Promise((resolve) => child.once('exit', (code) => resolve(code))) };
}

const look = async ({ files, accepted }: { files: JobFiles; accepted: AcceptedOrder }) =>
  lookAt(files, accepted, Date.now(), (at) => at + 3_600_000);

const out = (files: JobFiles, task = 0): Promise<string> => readFile(join(files.run, `out.${task}`), 'utf8');
const sh = (script: string): string[] => ['/bin/sh', '-c', script];

async function end(shell: string, given: Given) {
  const made = await job(given);
  const code = await shim(shell, made.files).gone;
  expect(code).toBe(0);
  const { status } = await look(made);
  expect(status.state).toBe('ended');
  return { ...made, status, end: status.end! };
}

describe.each(SHELLS)('under %s', (shell) => {
  test('the exit code is the task’s, and the time of its start and end are known', async () => {
    const before = Date.now();
    const { end: zero, status } = await end(shell, { commands: [['true']] });
    expect(zero).toEqual({ outcome: 'completed', reason: { code: 'exit', message: '' }, exitCode: 0, signal: null });
    expect(status.startedAt).toBeGreaterThanOrEqual(before - 1000);
    expect(status.endedAt).toBeGreaterThanOrEqual(status.startedAt!);
    const { end: three } = await end(shell, { commands: [sh('exit 3')] });
    expect(three).toMatchObject({ outcome: 'failed', exitCode: 3, signal: null, reason: { code: 'exit' } });
  });

  test('a program that does not exist cannot start: 127, and its name is said', async () => {
    const { end: missing } = await end(shell, { commands: [['no-such-program-here', 'x']] });
    expect(missing).toMatchObject({ outcome: 'failed', exitCode: 127, reason: { code: 'cannot_start' } });
    expect(missing.reason.message).toContain('no-such-program-here');
    const { end: directory } = await end(shell, { commands: [['true']], cwd: '/no/such/directory' });
    expect(directory).toMatchObject({ outcome: 'failed', exitCode: 126, reason: { code: 'cannot_start' } });
    const { end: own127 } = await end(shell, { commands: [sh('exit 127')] });
    expect(own127).toMatchObject({ exitCode: 127, reason: { code: 'exit' } });
  });

  test('no task begins before the agent has noted the claim, and a stop is heard meanwhile', async () => {
    const noted = await job({ commands: [['true']] });
    await rm(noted.files.seenClaim);
    const first = shim(shell, noted.files);
    await until('the claim', () => existsSync(noted.files.claim));
    for (let looks = 0; looks < 15; looks++) {
      expect(existsSync(join(noted.files.run, 'out.0'))).toBe(false);
      await pause(20);
    }
    await writeFile(noted.files.seenClaim, 'null');
    expect(await first.gone).toBe(0);
    expect((await look(noted)).status.end).toMatchObject({ outcome: 'completed' });

    const stopped = await job({ commands: [['true']] });
    await rm(stopped.files.seenClaim);
    const second = shim(shell, stopped.files);
    await until('the claim', () => existsSync(stopped.files.claim));
    await writeFile(stopped.files.stop, JSON.stringify({ code: 'user', message: 'enough' }));
    second.child.kill('SIGTERM');
    expect(await second.gone).toBe(0);
    expect((await look(stopped)).status.end).toMatchObject({ outcome: 'canceled' });
    expect(existsSync(join(stopped.files.run, 'out.0'))).toBe(false);
  });

  test('a job whose directory was removed ends, and its shim with it', async () => {
    const { files } = await job({ commands: [sh('read line < ../go')] });
    execFileSync('mkfifo', [join(files.dir, 'go')]);
    const { gone } = shim(shell, files);
    await until('the claim', () => existsSync(join(files.run, 'claim')));
    // Opened for both, so that it waits for nobody.
    const go = await open(join(files.dir, 'go'), 'r+');
    await until('the task', () => existsSync(join(files.run, 'out.0')));
    await rm(files.dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    await go.write('\n');
    expect(await gone).toBe(0);
    await go.close();
  });

  test('a task that dies of a signal is told so', async () => {
    const { end: killed } = await end(shell, { commands: [sh('kill -KILL $$')] });
    expect(killed).toMatchObject({ outcome: 'failed', exitCode: 137, signal: 9, reason: { code: 'signal' } });
    expect(killed.reason.message).toContain('SIGKILL');
  });

  test('what a task says is kept byte for byte, in order, apart by stream', async () => {
    const { files } = await end(shell, {
      commands: [
        sh(`printf 'a\\000b\\377\\n'; printf 'oops' >&2; i=0; while [ $i -lt 500 ]; do echo $i; i=$((i+1)); done`),
      ],
    });
    const bytes = await readFile(join(files.run, 'out.0'));
    expect([...bytes.subarray(0, 5)]).toEqual([0x61, 0, 0x62, 0xff, 0x0a]);
    const counted = bytes.subarray(5).toString().trim().split('\n').map(Number);
    expect(counted).toEqual(Array.from({ length: 500 }, (_, i) => i));
    expect(await readFile(join(files.run, 'err.0'), 'utf8')).toBe('oops');
  });

  test('each task has its rank and the job’s environment, whatever is in it, and nothing is evaluated', async () => {
    const odd = `'"$(touch evil)\`touch evil\`\\ \n;&|*?`;
    const { files, end: all } = await end(shell, {
      commands: Array.from({ length: 3 }, () =>
        sh(
          'echo "$RAINBOW_TASK_RANK/$RAINBOW_TASKS $RAINBOW_JOB_ID.$RAINBOW_EPOCH $RAINBOW_CLUSTER ${RAINBOW_TEST_UNSET-gone}"; printf "%s" "$ODD"; exit $RAINBOW_TASK_RANK',
        ),
      ),
      environment: { ODD: odd, 'not-an-identifier': 'x' },
    });
    for (const task of [0, 1, 2]) expect(await out(files, task)).toBe(`${task}/3 7.1 red gone\n${odd}`);
    expect(all.exitCode).toBe(2);
    expect(readdirSync(join(files.run, 'scratch'))).toEqual([]);
  });

  test('a program with an equals sign in its name, and arguments that look like options, arrive as they are', async () => {
    const { files, accepted } = await job({ commands: [['./a=b', '-i', '--', 'x y']], cwd: 'scratch' });
    await writeFile(join(files.run, 'scratch', 'a=b'), '#!/bin/sh\nprintf "%s|" "$0" "$@"\n', { mode: 0o755 });
    expect(await shim(shell, files).gone).toBe(0);
    expect((await look({ files, accepted })).status.end).toMatchObject({ exitCode: 0 });
    expect(await out(files)).toBe('./a=b|-i|--|x y|');
  });

  test('a task may be interrupted: it does not inherit the ignored signals of a shell’s background', async () => {
    const { files } = await end(shell, { commands: [['/bin/grep', 'SigIgn', '/proc/self/status']] });
    const mask = BigInt(`0x${(await out(files)).split(/\s+/)[1]!}`);
    expect(mask & 0b110n, 'INT and QUIT').toBe(0n);
  });

  test('a shim that is so late that the job is just being forgotten does not run it again', async () => {
    const given = await job({ commands: [sh('echo started >> ../started')] });
    const { files } = given;
    const script = await readFile(files.script, 'utf8');
    const wait = ': >sourced\nwhile [ ! -e go ]; do sleep 0.05; done\n';
    await chmod(files.script, 0o600);
    await writeFile(files.script, script + wait);
    const late = shim(shell, files);
    await until('it has read what to do', () => existsSync(join(files.run, 'sourced')));
    await writeFile(files.script, script);
    expect(await shim(shell, files).gone).toBe(0);
    // As it is forgotten: the order of jobs.ts.
    await rm(files.script);
    await rm(files.claim);
    await writeFile(join(files.run, 'go'), '');
    expect(await late.gone).toBe(SHIM_CLAIMED);
    expect(await readFile(join(files.run, 'started'), 'utf8')).toBe('started\n');
  });

  test('two shims of the same attempt race: one runs, the other goes', async () => {
    const log = join(await mkdtemp(join(tmpdir(), 'rainbow-race-')), 'log');
    made.push(join(log, '..'));
    for (let round = 0; round < 5; round++) {
      await rm(log, { force: true });
      const given = await job({ commands: [sh(`echo started >> ${log}`)] });
      const codes = await Promise.all([
        shim(shell, given.files).gone,
        shim(shell, given.files).gone,
        shim(shell, given.files).gone,
      ]);
      expect(codes.filter((code) => code === 0)).toHaveLength(1);
      expect(codes.filter((code) => code === SHIM_CLAIMED)).toHaveLength(2);
      expect(await readFile(log, 'utf8')).toBe('started\n');
      expect((await look(given)).status.end).toMatchObject({ exitCode: 0 });
    }
  });

  test('at its walltime a task gets TERM, then KILL, and the reason is the time limit', async () => {
    const commands = [sh('trap "echo bye; exit 0" TERM; echo here; while :; do sleep 0.05; done')];
    const soft = await until('it had begun when its time was over', async () => {
      const ended = await end(shell, { commands, walltime: 1 });
      return (await out(ended.files)).startsWith('here') && ended;
    });
    expect(soft.end).toMatchObject({ outcome: 'failed', reason: { code: 'time_limit' }, exitCode: 0 });
    expect(await out(soft.files)).toBe('here\nbye\n');
    const hard = await end(shell, {
      commands: [sh('trap "" TERM; while :; do sleep 0.05; done')],
      walltime: 1,
      grace: 1,
    });
    expect(hard.end).toMatchObject({ outcome: 'failed', reason: { code: 'time_limit' }, exitCode: 137, signal: 9 });
    expect(await remainsOf(hard.files.run)).toEqual([]);
  });

  test('a stop reaches every process of the job; whoever ignores TERM is killed', async () => {
    const given = await job({
      commands: [sh('sleep 300 & (trap "" TERM; echo deaf; while :; do sleep 0.05; done) & wait'), sh('sleep 300')],
      grace: 1,
    });
    const { gone } = shim(shell, given.files);
    await until('both run', async () => (await out(given.files).catch(() => '')).includes('deaf'));
    await writeFile(given.files.stop, JSON.stringify({ code: 'user', message: 'enough' }));
    const claim = parseClaim(await readFile(given.files.claim, 'utf8'))!;
    expect(startOf(claim.pid)).toBe(claim.start);
    process.kill(claim.pid, 'SIGTERM');
    expect(await gone).toBe(0);
    const { status } = await look(given);
    expect(status.end).toMatchObject({ outcome: 'canceled', reason: { code: 'user', message: 'enough' } });
    expect(await remainsOf(given.files.run)).toEqual([]);
    expect(startOf(claim.pid)).toBeNull();
  });

  test('TERM without a stop request ends nothing: a task may signal its own group', async () => {
    const { files, end: own } = await end(shell, {
      commands: [sh('trap "" TERM; kill -TERM 0; kill -TERM $PPID; sleep 0.2; echo alive; exit 4')],
    });
    expect(own).toMatchObject({ exitCode: 4, reason: { code: 'exit' } });
    expect(await out(files)).toBe('alive\n');
  });

  test('what tasks leave behind ends with the job', async () => {
    const { files, end: left } = await end(shell, {
      commands: [sh('(trap "" TERM HUP; sleep 300) & (sleep 300 & sleep 300) & exit 0')],
    });
    expect(left).toMatchObject({ outcome: 'completed', exitCode: 0 });
    expect(await remainsOf(files.run)).toEqual([]);
  });

  test('a stop that came before the shim: nothing is started', async () => {
    const given = await job({ commands: [sh('echo started')] });
    await writeFile(given.files.stop, JSON.stringify({ code: 'user', message: '' }));
    expect(await shim(shell, given.files).gone).toBe(0);
    expect((await look(given)).status.end).toMatchObject({ outcome: 'canceled', exitCode: null });
    expect(existsSync(join(given.files.run, 'out.0'))).toBe(false);
  });

  test('a shim that was killed: its job is said to have failed, and what is left can be found', async () => {
    const given = await job({ commands: [sh('echo up; exec sleep 300')] });
    const { gone, child } = shim(shell, given.files, { RAINBOW_JOB_DIR: given.files.run });
    await until('it runs', async () => (await out(given.files).catch(() => '')) === 'up\n');
    process.kill(child.pid!, 'SIGKILL');
    await gone;
    const found = await look(given);
    expect(found.status.end).toMatchObject({ outcome: 'failed', reason: { code: 'native' } });
    expect(found.verdict).toMatchObject({ remains: true });
    // The task, the timer's shell and its sleep.
    expect(await remainsOf(given.files.run)).toHaveLength(3);
  });

  test('without setsid and /proc the process group serves', async () => {
    const plain = { ...tools, setsid: '' };
    const { end: three } = await end(shell, { commands: [sh('sleep 300 & exit 3')], tools: plain });
    expect(three).toMatchObject({ exitCode: 3 });
    const limited = await end(shell, { commands: [sh('sleep 300')], tools: plain, walltime: 1, grace: 1 });
    expect(limited.end).toMatchObject({ reason: { code: 'time_limit' } });
    expect(await remainsOf(limited.files.run)).toEqual([]);
  });

  test.runIf(smallDisk !== null)('a disk that fills up while a task runs does not swallow its end', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', smallDisk!]);
    try {
      const given = await job({ commands: [sh('cat /dev/zero > fill 2>/dev/null; exit 5')] }, join(smallDisk!, 'jobs'));
      expect(await shim(shell, given.files).gone).toBe(0);
      expect((await look(given)).status.end).toMatchObject({ exitCode: 5, reason: { code: 'exit' } });
    } finally {
      execFileSync('umount', [smallDisk!]);
    }
  });

  test('where nothing can be written nothing is started', async () => {
    const given = await job({ commands: [sh('echo started > /dev/shm/rainbow-must-not-be')] });
    const cut = spawn(
      shell,
      [
        ...(shell.endsWith('busybox') ? ['sh'] : []),
        '-c',
        'ulimit -f 0; trap "" XFSZ; exec "$@"',
        'sh',
        ...(shell.endsWith('busybox') ? [shell, 'sh'] : [shell]),
        '../shim',
        '7.1',
      ],
      {
        cwd: given.files.run,
        env: base,
        detached: true,
        stdio: 'ignore',
      },
    );
    children.push(cut);
    const code = await new Promise((resolve) => cut.once('exit', resolve));
    expect(code).toBe(SHIM_CANNOT_WRITE);
    expect(existsSync(given.files.claim)).toBe(false);
    expect(existsSync('/dev/shm/rainbow-must-not-be')).toBe(false);
  });
});
