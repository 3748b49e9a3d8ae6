/** The agent with the real server, over a real socket, with real processes; killed with SIGKILL at every sentinel. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { RainbowError } from '../core/errors.ts';
import { JobState, type Job } from '../gen/rainbow/v1/job_pb.js';
import { startOf } from './process-identity.ts';
import { remainsOf } from './runners/process/remains.ts';
import { SENTINELS, type Sentinel } from './sentinels.ts';
import { killedAt, startedOnce } from './testing/killed-at.ts';
import { openAgentRig, type AgentRig, type Here } from './testing/rig.ts';
import { until, untilHolds } from '../system/testing/until.ts';

let rig: AgentRig;
beforeAll(async () => {
  rig = await openAgentRig();
});
afterEach(() => rig.endAgents());
afterAll(() => rig.close());

const cluster = (cores = 4): Promise<Here> => rig.cluster('red', {}, cores);
const running = (id: string): Promise<Job> => rig.reaches(id, JobState.RUNNING);

describe('with the real server', () => {
  test('a job goes from submit to its end, with output and exit code', async () => {
    const here = await cluster();
    rig.agent(here);
    const id = await rig.submit(here, 'echo out; echo err >&2; exit 3');
    const job = await rig.ended(id);
    expect(job).toMatchObject({
      state: JobState.FAILED,
      exitCode: 3,
      cluster: here.options.cluster,
      nativeId: `${id}.1`,
    });
    expect(job.signal).toBeUndefined();
    expect(await rig.output(id)).toEqual({ stdout: 'out\n', stderr: 'err\n' });
    expect((await rig.events(id)).map((event) => event.kind)).toEqual(
      expect.arrayContaining(['assigned', 'received', 'accepted', 'failed']),
    );
  });

  test('a running job is canceled, a waiting one too', async () => {
    const here = await cluster(1);
    rig.agent(here);
    const first = await rig.submit(here, 'exec sleep 300');
    await running(first);
    const second = await rig.submit(here, 'echo never >> $SCRATCH/log');
    await rig.client.jobs.cancel({ id: second });
    expect(await rig.ended(second)).toMatchObject({ state: JobState.CANCELED });
    await rig.client.jobs.cancel({ id: first });
    expect(await rig.ended(first)).toMatchObject({ state: JobState.CANCELED, reason: { code: 'user' } });
    expect(await rig.log(here)).toBe('');
  });

  test('a wrong secret ends the agent, and it says what to look at', async () => {
    const here = await cluster();
    const wrong = await rig.agent(here, { secret: 'wrong' }).done;
    expect(wrong).toBeInstanceOf(RainbowError);
    expect(wrong).toMatchObject({ code: 'unauthenticated', message: expect.stringContaining('--secret') as string });
  });

  test('one state directory, one agent; and a newer agent elsewhere ends the older one', async () => {
    const here = await cluster();
    const first = rig.agent(here);
    await until('connected', () => first.said.some((line) => line.startsWith('connected')));
    expect(await rig.agent(here).done).toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('state directory') as string,
    });
    const second = rig.agent(here, { stateDir: `${here.options.stateDir}-other` });
    expect(await first.done).toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('newer') as string,
    });
    await until('the newer one is connected', () => second.said.some((line) => line.startsWith('connected')));
  });

  test('jobs outlive an agent that is told to end; the next one takes them over and their whole output comes through', async () => {
    const here = await cluster();
    const first = rig.agentProcess(here, null);
    const id = await rig.submit(here, 'echo one; while [ ! -e $SCRATCH/go ]; do sleep 0.05; done; echo two');
    await running(id);
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    expect(first.said.join('')).toContain('go on without it');
    await writeFile(join(here.scratch, 'go'), '');
    const run = join(here.options.stateDir, 'jobs', `${id}.1`, 'run');
    await until('the job has ended by itself', async () => (await remainsOf(run))!.length === 0);
    rig.agent(here);
    expect(await rig.ended(id)).toMatchObject({ state: JobState.COMPLETED, exitCode: 0 });
    expect(await rig.output(id)).toEqual({ stdout: 'one\ntwo\n', stderr: '' });
  });

  test('the server being away changes nothing for running work', async () => {
    const here = await cluster();
    rig.agent(here);
    const id = await rig.submit(
      here,
      'echo started >> $SCRATCH/log; while [ ! -e $SCRATCH/go ]; do sleep 0.05; done; echo done; exit 7',
    );
    await running(id);
    await rig.server.stop();
    await writeFile(join(here.scratch, 'go'), '');
    const run = join(here.options.stateDir, 'jobs', `${id}.1`, 'run');
    await until('the job has ended by itself', async () => (await remainsOf(run))!.length === 0);
    await rig.serveAgain();
    // A channel that was refused waits a moment before it tries again.
    await untilHolds(() => rig.job(id));
    expect(await rig.ended(id)).toMatchObject({ state: JobState.FAILED, exitCode: 7 });
    expect((await rig.output(id)).stdout).toBe('done\n');
    expect(await rig.log(here)).toBe('started\n');
  });
});

describe('the cluster is deleted', () => {
  /** Does not end by itself, nor by TERM. */
  const STUBBORN = 'trap "" TERM; echo $$ > $SCRATCH/pid; while :; do sleep 0.1; done';

  async function pidOf(here: Here): Promise<number> {
    const text = await until('it has said its pid', () =>
      readFile(join(here.scratch, 'pid'), 'utf8').then(
        (said) => said.endsWith('\n') && said,
        () => null,
      ),
    );
    const pid = Number(text);
    rig.afterwards(async () => {
      if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    });
    return pid;
  }

  /** One that has ended and only waits to be collected is not. */
  const isAlive = (pid: number): boolean => startOf(pid) !== null;

  test('under its agent: processes are stopped, nothing is left, the agent ends with 1; another cluster’s job goes on', async () => {
    const [here, other] = [await cluster(), await cluster()];
    const mine = rig.agentProcess(here, null);
    rig.agent(other);
    const [id, bystander] = [await rig.submit(here, STUBBORN), await rig.submit(other, 'exec sleep 300')];
    const [pid] = [await pidOf(here), await running(id), await running(bystander)];
    const queued = await rig.submit(here, 'echo never >> $SCRATCH/log', 4);
    await until('the other waits there', async () => (await rig.client.jobs.get({ id: queued })).nativeId !== '');
    expect(isAlive(pid)).toBe(true);
    await rig.client.clusters.delete({ name: here.options.cluster, secret: here.options.secret });
    expect(await mine.ended).toBe(1);
    expect(mine.said.join('')).toContain(`cluster ${here.options.cluster} was deleted: 2 jobs stopped`);
    expect(isAlive(pid)).toBe(false);
    expect(await readdir(join(here.options.stateDir, 'jobs'))).toEqual([]);
    expect(await rig.log(here)).toBe('');
    for (const gone of [id, queued]) {
      expect(await rig.client.jobs.get({ id: gone })).toMatchObject({
        state: JobState.CANCELED,
        reason: { code: 'cluster_deleted', message: expect.stringContaining('its agent is told to stop it') as string },
      });
    }
    expect(await running(bystander)).toMatchObject({ state: JobState.RUNNING });
    await rig.client.jobs.cancel({ id: bystander });
    await rig.ended(bystander);
  });

  test('while its agent is away: it is told when it comes back, and stops what still runs', async () => {
    const here = await cluster();
    const first = rig.agentProcess(here, null);
    const id = await rig.submit(here, 'echo $$ > $SCRATCH/pid; exec sleep 300');
    const [pid] = [await pidOf(here), await running(id)];
    first.child.kill('SIGKILL');
    await first.ended;
    await until('the server has noticed', async () => {
      const seen = await rig.client.clusters.get({ name: here.options.cluster });
      return !seen.connected;
    });
    await rig.client.clusters.delete({ name: here.options.cluster, secret: here.options.secret });
    const job = await rig.client.jobs.get({ id });
    expect(job.reason?.message).toContain('it is told to stop it when it calls in again');
    expect(isAlive(pid)).toBe(true);
    expect(await rig.agent(here).done).toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('1 job stopped') as string,
    });
    expect(isAlive(pid)).toBe(false);
    expect(await readdir(join(here.options.stateDir, 'jobs'))).toEqual([]);
  });
});

test('killed with SIGKILL between every two steps: its process was started once, its end is told once', async () => {
  const epochs = new Map<Sentinel, string>();
  const survived = await killedAt(rig, SENTINELS, {
    cluster: () => cluster(),
    async more(here, id, point) {
      epochs.set(point, (await rig.job(id)).epoch);
      const left = (): Promise<string[]> => readdir(join(here.options.stateDir, 'jobs'));
      await until(`nothing is left of what was killed at ${point}`, async () => (await left()).length === 0);
    },
  });
  expect(survived).toEqual(SENTINELS.map(startedOnce));
  // Back to the server and out again is right only where nothing of it was in the journal.
  epochs.delete('beforeReceived');
  expect(new Set(epochs.values())).toEqual(new Set(['1']));
}, 300_000);
