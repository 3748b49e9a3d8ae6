/**
 * Jobs in images, with a real runtime: an image of this machine's own programs, under the process runner. Charliecloud is
 * what runs as any user without any set-up; podman is tried where it can be (docs/images.md says what has been seen).
 */
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  charliecloud,
  charliecloudMissing,
  imageTar,
  podman,
  podmanMissing,
  SYSTEM_PATH,
  type RealRuntime,
} from '../../../../test/lab/container-image.ts';
import { carry } from '../../../core/translate/carrier.ts';
import { skipWithout } from '../../../../test/needs.ts';
import { generateGraph } from '../../../core/graph/generate.ts';
import { readGraph } from '../../../core/graph/read.ts';
import { realSystem } from '../../../system/real.ts';
import { NO_CONTAINERS, type ContainerRuntime } from '../../../core/containers/run.ts';
import { silentLog } from '../../log.ts';
import { createProcessRunner } from '../process/runner.ts';
import { resolveJobUser } from '../process/user.ts';
import type { NativeJob, Order, Runner } from '../runner.ts';
import { findContainers } from './find.ts';

const IMAGE = 'registry.example/tools:1';

const IS_SOAK = process.env['RAINBOW_SOAK'] !== undefined;

describe.skipIf(skipWithout('charliecloud', await charliecloudMissing()))(
  'with charliecloud',
  { timeout: 60_000 },
  () => {
    jobsInImages(charliecloud);
  },
);
// It takes half a minute, most of it podman's own.
describe.skipIf(!IS_SOAK || skipWithout('podman', await podmanMissing()))('with podman', { timeout: 60_000 }, () => {
  jobsInImages(podman);
});

function jobsInImages(runtime: RealRuntime): void {
  let folder: string;
  let given: Readonly<Record<string, string>>;
  beforeAll(async () => {
    const made = await imageTar();
    folder = made.folder;
    const own = join(folder, 'own');
    await mkdir(own);
    const user = await resolveJobUser(runtime.runAs);
    if (user.switched) await chown(own, user.uid, user.gid);
    given = await runtime.prepare(made.tar, IMAGE, own, user);
  });
  afterAll(async () => {
    await runtime.leave(given, await resolveJobUser(runtime.runAs));
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });

  let room: string;
  let runner: Runner;
  beforeEach(async () => {
    room = await mkdtemp(join(tmpdir(), 'rainbow-containers-'));
    await chmod(room, 0o755);
    await mkdir(join(room, 'state'));
    runner = await open(60);
  });
  // A slow machine is to have time to answer a signal: the grace is long where nothing waits for its end.
  const open = async (grace: number, given?: ContainerRuntime): Promise<Runner> => {
    const environment = { ...process.env, PATH: SYSTEM_PATH };
    return createProcessRunner(
      {
        stateDir: join(room, 'state'),
        cluster: 'red',
        graph: readGraph(generateGraph({ name: 'red', nodes: 1, coresPerNode: 2 })),
        subsystems: [],
        user: await resolveJobUser(runtime.runAs),
        grace,
        keepFiles: false,
        environment,
        log: silentLog,
        containers:
          given ??
          (await findContainers(runtime.name, {
            runner: 'process',
            environment,
            hasRange: async () => true,
            hasPyxis: async () => false,
          })),
      },
      realSystem,
    );
  };
  afterEach(async () => {
    for (const native of await runner.find()) await runner.stop(native, { code: 'user', message: '' });
    await until('all ended', async () => (await runner.find()).every(({ status }) => status.state === 'ended'));
    await runner.close();
    await rm(room, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });

  const order = (
    script: string,
    more: { image?: string; system?: object; tasks?: number; command?: readonly string[]; path?: string } = {},
  ): Order => {
    const slots = more.tasks ?? 1;
    const jobspec = JSON.stringify({
      version: 1,
      resources: [{ type: 'slot', count: slots, label: 't', with: [{ type: 'core', count: 1 }] }],
      tasks: [{ command: more.command ?? ['sh', '-c', script], slot: 't', count: { per_slot: 1 } }],
      attributes: {
        system: {
          duration: 60,
          environment: { ...given, WORD: 'a "b" $c', ...(more.path === undefined ? {} : { PATH: more.path }) },
          ...more.system,
        },
        user: { image: more.image ?? IMAGE },
      },
    });
    return { jobId: '1', epoch: 1, name: 'a job', owner: '', jobspec, walltime: 60, priority: 0 };
  };
  const reaches = (state: string): Promise<NativeJob> =>
    until(state, async () => (await runner.find()).find(({ status }) => status.state === state));
  const output = async (stream = 'stdout'): Promise<string> =>
    (await runner.output({ jobId: '1', epoch: 1 }, [], 1 << 20)).pieces
      .flatMap((piece) => (piece.stream === stream ? [Buffer.from(piece.data).toString()] : []))
      .join('');

  test('it sees the image, its own user, directory, environment and rank, and its exit code is told', async () => {
    const user = await resolveJobUser(runtime.runAs);
    await runner.submit(
      order(
        'cat /etc/image; id -u; pwd; echo "$WORD"; echo "$RAINBOW_TASK_RANK/$RAINBOW_TASKS"; echo was here > left; exit 7',
      ),
    );
    const { status } = await reaches('ended');
    expect([await output('stderr'), status.end]).toMatchObject(['', { outcome: 'failed', exitCode: 7 }]);
    const scratch = join(room, 'state', 'jobs', '1.1', 'run', 'scratch');
    expect(await output()).toBe(`of the test\n${user.uid}\n${scratch}\na "b" $c\n0/1\n`);
    // Beside the image it wrote to the machine, where it began.
    expect(await readFile(join(scratch, 'left'), 'utf8')).toBe('was here\n');
  });

  test('a stop reaches what runs in the image, and a signal that it dies of is told', async () => {
    await runner.submit(order('trap "echo asked; exit 3" TERM; echo up; while :; do sleep 0.1; done'));
    await until('it runs', async () => (await output()) === 'up\n');
    await runner.stop({ jobId: '1', epoch: 1 }, { code: 'user', message: '' });
    const { status } = await reaches('ended');
    expect(status.end).toMatchObject({ outcome: 'canceled' });
    expect(await output()).toContain('asked');
  });

  // Seconds, most of them its grace.
  test.skipIf(!IS_SOAK)('what does not heed a stop is ended after the grace, in the image too', async () => {
    await runner.close();
    runner = await open(0.1);
    const mark = `4${process.pid}`;
    await runner.submit(order(`trap "" TERM; sleep ${mark} & echo up; wait; wait`));
    await until('it runs', async () => (await output()) === 'up\n');
    expect(await runsSleep(mark)).toBe(true);
    await runner.stop({ jobId: '1', epoch: 1 }, { code: 'user', message: '' });
    const { status } = await reaches('ended');
    expect(status.end).toMatchObject({ outcome: 'canceled' });
    await until('it is gone', async () => !(await runsSleep(mark)));
  });

  test('a program that dies of a signal, one that is not in the image, and each of several ranks', async () => {
    await runner.submit(order('[ "$RAINBOW_TASK_RANK" = 0 ] || exec /no/such/program; kill -9 $$', { tasks: 2 }));
    const { status } = await reaches('ended');
    expect(status.end).toMatchObject({ outcome: 'failed', exitCode: 137, signal: 9 });
    expect(await output('stderr')).toContain('/no/such/program');
  });

  test('its standard input is read, and a directory of its own is there under its name', async () => {
    const work = join(room, 'work');
    await mkdir(work);
    await writeFile(join(work, 'input.txt'), 'from a file\n');
    const system = { cwd: work, shell: { options: { input: { stdin: { type: 'file', path: 'input.txt' } } } } };
    await runner.submit(order('pwd; cat', { system }));
    const { status } = await reaches('ended');
    expect([await output('stderr'), status.end]).toMatchObject(['', { outcome: 'completed' }]);
    expect(await output()).toBe(`${work}\nfrom a file\n`);
  });

  test('a script needs nothing of the image but its interpreter, on each of several ranks', async () => {
    const script = '#!/bin/sh -u\ncat /etc/image\necho "${0##*/} $# $2"\nmktemp\n';
    await runner.submit(order('', { command: carry({ script, name: 'img.sh', args: ['x', "y 'z'"] }), tasks: 2 }));
    const { status } = await reaches('ended');
    expect([await output(), status.end]).toMatchObject([
      "of the test\nimg.sh 2 y 'z'\n".repeat(2),
      { outcome: 'failed', exitCode: 127 },
    ]);
    expect(await output('stderr')).toContain('img.sh: 4: mktemp');
  });

  test('a search path that is good in the image alone is no hindrance', async () => {
    await runner.submit(order('', { command: ['/bin/sh', '-c', 'echo "$WORD"'], path: '/none' }));
    const { status } = await reaches('ended');
    expect([await output('stderr'), await output(), status.end]).toMatchObject([
      '',
      'a "b" $c\n',
      { outcome: 'completed' },
    ]);
  });

  test('an agent that runs no images any more does not start without one what waits for it', async () => {
    await runner.submit(order('while [ ! -e "$RAINBOW_JOB_DIR/../../../go" ]; do sleep 0.05; done', { tasks: 2 }));
    await reaches('running');
    await runner.submit({ ...order('echo no'), jobId: '2' });
    await runner.close();
    runner = await open(60, NO_CONTAINERS);
    await writeFile(join(room, 'state', 'go'), '');
    const { status } = await until('it is over', async () =>
      (await runner.find()).find((native) => native.jobId === '2' && native.status.state === 'ended'),
    );
    expect(status.end).toMatchObject({ outcome: 'failed', reason: { code: 'cannot_start' } });
  });

  test('an image that cannot be had says so, and nothing runs', async () => {
    await runner.submit(order('echo no', { image: '127.0.0.1:1/nobody/home:1' }));
    const { status } = await reaches('ended');
    expect(status.end).toMatchObject({ outcome: 'failed', exitCode: 125 });
    expect(await output('stderr')).toContain('127.0.0.1:1/nobody/home:1');
    expect(await output()).toBe('');
  });

  test.each(['--privileged', '-v/:/host', '/bin/sh', 'a:1;id', 'a$(id):1', '../../etc'])(
    'what is no name of an image is refused before anything runs: %s',
    async (image) => {
      await expect(runner.submit(order('true', { image }))).rejects.toMatchObject({
        code: 'failed_precondition',
        message: expect.stringContaining(`the image ${image} (no name`) as string,
      });
      expect(await runner.find()).toEqual([]);
    },
  );
}

/** Does any process of this machine sleep so long? */
async function runsSleep(seconds: string): Promise<boolean> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line === `sleep\0${seconds}\0`) return true;
  }
  return false;
}

async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  most = 1_000,
): Promise<Exclude<T, null | undefined | false>> {
  for (let tries = 0; tries < most; tries++) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found as Exclude<T, null | undefined | false>;
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  throw new Error(`never: ${what}`);
}
