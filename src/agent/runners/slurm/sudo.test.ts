/**
 * A `mapped` agent without any right of its own, through a real sudo and a real Slurm: users and a rule are made for it.
 * In the soak alone: it changes the machine's users for as long as it takes, and takes back what it changed whatever
 * happens.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { slurmMissing, startLab, type Lab } from '../../../../test/lab/slurm.ts';
import { skipWithout } from '../../../../test/needs.ts';
import { createClient, type RainbowClient } from '../../../client/client.ts';
import { JobState, type Job } from '../../../gen/rainbow/v1/job_pb.js';
import { generateGraph } from '../../../core/graph/generate.ts';
import { serve, type RunningServer } from '../../../server/serve.ts';
import { realSystem } from '../../../system/real.ts';
import type { AgentProcessOptions } from '../../testing/agent-process.ts';
import { jobspecOf } from '../../testing/jobspec.ts';

const run = promisify(execFile);
let lab: Lab;
let root: string;

async function until<T>(what: string, look: () => T | Promise<T>): Promise<Exclude<T, null | undefined | false>> {
  for (let tries = 0; tries < 3_000; tries++) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found as Exclude<T, null | undefined | false>;
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  throw new Error(`never: ${what}`);
}

const hasSudo = existsSync('/usr/bin/sudo') && existsSync('/etc/sudoers.d') && process.getuid?.() === 0;
const IS_SOAK = process.env['RAINBOW_SOAK'] !== undefined;
const keyOf = (letter: string): string => `rbu_${letter.repeat(43)}`;

const away =
  !IS_SOAK || skipWithout('slurm', slurmMissing()) || skipWithout('sudo', hasSudo ? null : 'no sudo, or no root');

describe.skipIf(away)('through a real sudo', { timeout: 240_000 }, () => {
  /** Nobody else has such users. */
  const NAMES = ['agent', 'ada', 'bob'].map((name) => `rbw${process.pid % 100_000}-${name}`);
  const [AGENT, ADA, BOB] = NAMES as [string, string, string];
  const rule = `/etc/sudoers.d/${AGENT}`;
  const takeBackRule = (): void => rmSync(rule, { force: true });
  const uids = new Map<string, number>();
  let server: RunningServer;
  let agent: ChildProcess | null = null;
  const said: string[] = [];
  const clients: RainbowClient[] = [];
  const scratch = (): string => join(root, 'sudo');
  const map = (): string => join(scratch(), 'map');
  const keys = { ada: keyOf('a'), bob: keyOf('b'), eve: keyOf('e') };

  const client = (authorization: string): RainbowClient => {
    const made = createClient({ host: server.address, authorization });
    clients.push(made);
    return made;
  };

  beforeAll(async () => {
    process.once('exit', takeBackRule);
    root = await mkdtemp(join(tmpdir(), 'rainbow-sudo-'));
    await chmod(root, 0o755);
    for (const name of NAMES) {
      await run('useradd', ['--create-home', '--shell', '/bin/sh', name]);
      uids.set(name, Number((await run('id', ['-u', name])).stdout));
    }
    lab = await startLab(['red:1'], { SLURM_LAB_CORES: '4' });
    await writeFile(
      rule,
      `Defaults:${AGENT} !requiretty, env_keep += "SLURM_CONF", umask = 0022, umask_override\n` +
        `${AGENT} ALL = (${ADA}, ${BOB}) NOPASSWD: /usr/bin/sbatch, /usr/bin/scancel\n`,
      { mode: 0o440 },
    );
    await run('visudo', ['-c', '-q', '-f', rule]);
    await mkdir(scratch());
    await chown(scratch(), uids.get(AGENT)!, uids.get(AGENT)!);
    const settings = { host: '127.0.0.1:0', database: join(root, 'rainbow.db'), version: 'test', secret: 'orange' };
    server = await serve({ ...settings, logLevel: 'silent', graceSeconds: 0.2 }, realSystem);
  });
  afterEach(async () => {
    for (const each of clients.splice(0)) each.close();
    if (agent !== null && agent.exitCode === null) {
      const ended = new Promise((resolve) => agent!.once('exit', resolve));
      agent.kill('SIGKILL');
      await ended;
    }
  });
  afterAll(async () => {
    takeBackRule();
    await server?.stop();
    await lab?.wipe();
    for (const name of uids.keys()) await run('userdel', ['--force', '--remove', name]).catch(() => undefined);
    await rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });

  test('an agent without rights runs each account’s jobs as its local user: output, end, cancel; others are a no', async () => {
    const operator = client('orange');
    const graph = generateGraph({ name: 'red', nodes: 1, coresPerNode: 4 });
    const { secret, token } = await operator.clusters.register({ name: 'red', secret: 'orange', graph });
    const asks = { ada: client(keys.ada), bob: client(keys.bob), eve: client(keys.eve) };
    const submit = async (who: keyof typeof asks, script: string): Promise<Job> => {
      const credentials = [{ name: 'red', token }];
      return (await asks[who].jobs.submit({ jobspec: jobspecOf(script, 1), credentials })).job!;
    };
    const reaches = (who: keyof typeof asks, id: string, state: JobState): Promise<Job> =>
      until(`${id} is ${JobState[state]}`, async () => {
        const job = await asks[who].jobs.get({ id });
        return job.state === state && job;
      });
    const output = async (who: keyof typeof asks, id: string): Promise<string> => {
      const parts: Uint8Array[] = [];
      for await (const chunk of asks[who].jobs.readOutput({ id })) parts.push(chunk.data);
      return Buffer.concat(parts).toString();
    };

    // Their accounts are known by what they submit.
    const owners = { ada: (await submit('ada', 'true')).owner, bob: (await submit('bob', 'true')).owner };
    for (const who of ['ada', 'bob'] as const) {
      for (const { id } of (await asks[who].jobs.list({})).jobs) await asks[who].jobs.cancel({ id });
    }
    await writeFile(map(), `${owners.ada} ${ADA}\n${owners.bob} ${BOB}\n`, { mode: 0o644 });
    const options: AgentProcessOptions = {
      host: server.address,
      cluster: 'red',
      secret,
      runner: 'slurm',
      stateDir: join(scratch(), 'state'),
      spool: join(scratch(), 'spool'),
      graph,
      mapUsers: map(),
      environment: { PATH: '/usr/bin:/bin', SLURM_CONF: lab.conf('red') },
      killAt: null,
    };
    const file = join(import.meta.dirname, '..', '..', 'testing', 'agent-process.ts');
    const uid = uids.get(AGENT)!;
    agent = spawn(process.execPath, [file, JSON.stringify(options)], {
      uid,
      gid: uid,
      cwd: '/',
      env: { HOME: scratch(), USER: AGENT, PATH: '/usr/bin:/bin' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    agent.stdout!.on('data', (data: Buffer) => said.push(data.toString()));
    await until(
      `it is connected: ${said.join('')}`,
      async () => (await operator.clusters.get({ name: 'red' })).connected,
    );

    const [first, second] = [await submit('ada', 'id -un; echo $HOME; exit 3'), await submit('bob', 'id -un; umask')];
    expect(await reaches('ada', first.id, JobState.FAILED)).toMatchObject({ exitCode: 3, reason: { code: 'exit' } });
    await reaches('bob', second.id, JobState.COMPLETED);
    expect(await output('ada', first.id)).toBe(`${ADA}\n/home/${ADA}\n`);
    expect(await output('bob', second.id)).toBe(`${BOB}\n0022\n`);
    const listed = await lab.slurm('red', 'squeue', '-h', '-t', 'all', '-O', 'UserName:40,Name:100');
    expect(listed).toMatch(new RegExp(`^${ADA} +rainbow-${first.id}\\.1-`, 'm'));
    expect(listed).toMatch(new RegExp(`^${BOB} +rainbow-${second.id}\\.1-`, 'm'));

    const slow = await submit('bob', 'echo begun; exec sleep 300');
    await until('it runs', async () => (await output('bob', slow.id)) === 'begun\n');
    await asks.bob.jobs.cancel({ id: slow.id });
    expect(await reaches('bob', slow.id, JobState.CANCELED)).toMatchObject({ reason: { code: 'user' } });

    const stranger = await submit('eve', 'true');
    expect(stranger.state).toBe(JobState.REJECTED);
    expect(stranger.reason?.message).toContain('has no local user there');

    // Without the rule it is refused, and says why.
    takeBackRule();
    const refused = await reaches('ada', (await submit('ada', 'true')).id, JobState.FAILED);
    expect(refused.reason?.message).toContain('sudo does not let the agent run sbatch as that user');
  });
});
