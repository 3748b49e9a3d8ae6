/** Jobs that close their own directory to everybody: under an agent of their own user, and under one of root's. */
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { generateGraph } from '../../../core/graph/generate.ts';
import { readGraph } from '../../../core/graph/read.ts';
import { realSystem } from '../../../system/real.ts';
import { until } from '../../../system/testing/until.ts';
import { silentLog } from '../../log.ts';
import { jobspecOf } from '../../testing/jobspec.ts';
import type { NativeJob, Runner } from '../runner.ts';
import { createProcessRunner } from './runner.ts';
import { resolveJobUser } from './user.ts';

/** Who has no rights that others have not. */
const OTHER = 65_534;

async function openRunner(stateDir: string): Promise<Runner> {
  return createProcessRunner(
    {
      stateDir,
      cluster: 'red',
      graph: readGraph(generateGraph({ name: 'red', nodes: 1, coresPerNode: 2 })),
      subsystems: [],
      user: await resolveJobUser(null),
      grace: 1,
      keepFiles: false,
      environment: process.env,
      log: silentLog,
    },
    realSystem,
  );
}

async function room() {
  const dir = await mkdtemp(join(tmpdir(), 'rainbow-closed-'));
  await chmod(dir, 0o755);
  const [stateDir, scratch] = [join(dir, 'state'), join(dir, 'scratch')];
  await mkdir(stateDir);
  await mkdir(scratch);
  await chmod(scratch, 0o777);
  const agent = { runner: await openRunner(stateDir) };
  onTestFinished(async () => {
    await agent.runner.close();
    await rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });
  return {
    stateDir,
    scratch,
    agent,
    begun: () => until('it has begun', () => existsSync(join(scratch, 'begun'))),
    submit: (jobId: string, script: string) =>
      agent.runner.submit({
        jobId,
        epoch: 1,
        name: '',
        owner: '',
        jobspec: jobspecOf(script, 1),
        walltime: 60,
        priority: 0,
      }),
    reaches: (jobId: string, state: string): Promise<NativeJob> =>
      until(`${jobId} ${state}`, async () =>
        (await agent.runner.find()).find((native) => native.jobId === jobId && native.status.state === state),
      ),
  };
}

const KEY = { jobId: '1', epoch: 1 };
const isRoot = process.getuid?.() === 0;

describe.each(isRoot ? ['root', 'another'] : ['himself'])('under an agent of %s', (whose) => {
  // For good: this file has a process of its own.
  beforeAll(() => {
    if (whose !== 'another') return;
    process.setgroups!([]);
    process.setgid!(OTHER);
    process.setuid!(OTHER);
  });

  test('it goes on over a restart, others run beside it, it ends as it does, and is removed', async () => {
    const { stateDir, scratch, agent, begun, submit, reaches } = await room();
    const close = 'chmod 000 "$RAINBOW_JOB_DIR"';
    const waits = `while [ ! -e ${scratch}/go ]; do sleep 0.05; done`;
    await submit('1', `echo said; ${close}; echo 1 >> ${scratch}/begun; ${waits}; ${close}; exit 3`);
    await begun();
    await agent.runner.close();
    agent.runner = await openRunner(stateDir);
    await reaches('1', 'running');
    await submit('2', 'true');
    expect((await reaches('2', 'ended')).status.end).toMatchObject({ outcome: 'completed' });
    await writeFile(join(scratch, 'go'), '');
    expect((await reaches('1', 'ended')).status.end).toMatchObject({ outcome: 'failed', exitCode: 3 });
    const { pieces, complete } = await agent.runner.output(KEY, [], 1 << 20);
    expect([Buffer.concat(pieces.map(({ data }) => data)).toString(), complete]).toEqual(['said\n', true]);
    expect(await readFile(join(scratch, 'begun'), 'utf8')).toBe('1\n');
    await agent.runner.forget(KEY);
    expect(await readdir(join(stateDir, 'jobs'))).toEqual(['2.1']);
  });

  test('it can be stopped', async () => {
    const { scratch, agent, begun, submit, reaches } = await room();
    await submit('1', `chmod 000 "$RAINBOW_JOB_DIR"; echo 1 >> ${scratch}/begun; sleep 300`);
    await begun();
    await agent.runner.stop(KEY, { code: 'user', message: '' });
    expect((await reaches('1', 'ended')).status.end).toMatchObject({ outcome: 'canceled', reason: { code: 'user' } });
  });

  test('with all that is above it, as far as that is the agent’s own user’s', async () => {
    const { stateDir, scratch, agent, begun, submit, reaches } = await room();
    const all = '"$RAINBOW_JOB_DIR"/* "$RAINBOW_JOB_DIR" "${RAINBOW_JOB_DIR%/run}"';
    const closing = `chmod 000 ${all} 2>/dev/null; echo 1 >> ${scratch}/begun`;
    await submit('1', `${closing}; while [ ! -e ${scratch}/go ]; do sleep 0.05; done`);
    await begun();
    await agent.runner.close();
    agent.runner = await openRunner(stateDir);
    await reaches('1', 'running');
    expect((await agent.runner.output(KEY, [], 1 << 20)).pieces).toEqual([]);
    await writeFile(join(scratch, 'go'), '');
    expect((await reaches('1', 'ended')).status.end).toMatchObject({ outcome: 'completed' });
    await agent.runner.forget(KEY);
    expect(await readdir(join(stateDir, 'jobs'))).toEqual([]);
  });
});
