/** Jobs in images under a real Slurm, with a real runtime: one task, several by srun, and a script. */
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { charliecloud, charliecloudMissing, imageTar } from '../../../../test/lab/container-image.ts';
import { slurmMissing, startLab, type Lab } from '../../../../test/lab/slurm.ts';
import { skipWithout } from '../../../../test/needs.ts';
import { carry } from '../../../core/translate/carrier.ts';
import { realSystem } from '../../../system/real.ts';
import { silentLog } from '../../log.ts';
import { resolveJobUser } from '../process/user.ts';
import type { NativeJob, Order, Runner } from '../runner.ts';
import { createSlurmRunner } from '../slurm/runner.ts';
import { slurmUsers } from '../slurm/users.ts';

const IMAGE = 'registry.example/tools:1';
/** A cluster of Slurm for a few jobs: what the process runner's tests cannot see is the words around the start script. */
const away =
  process.env['RAINBOW_SOAK'] === undefined ||
  skipWithout('slurm', slurmMissing()) ||
  skipWithout('charliecloud', await charliecloudMissing());

describe.skipIf(away)('with Slurm and Charliecloud', { timeout: 120_000 }, () => {
  let lab: Lab;
  let folder: string;
  let room: string;
  let given: Readonly<Record<string, string>>;
  let runner: Runner;
  beforeAll(async () => {
    const made = await imageTar();
    folder = made.folder;
    const own = join(folder, 'own');
    await mkdir(own);
    const user = await resolveJobUser(null);
    await chown(own, user.uid, user.gid);
    given = await charliecloud.prepare(made.tar, IMAGE, own, user);
    lab = await startLab(['red:1'], { SLURM_LAB_CORES: '4' });
    room = await mkdtemp(join(tmpdir(), 'rainbow-slurm-'));
    await chmod(room, 0o755);
    runner = await createSlurmRunner(
      {
        spool: join(room, 'spool'),
        cluster: 'red',
        realm: '00000001',
        users: await slurmUsers(null, null),
        keepFiles: false,
        environment: lab.environment('red'),
        log: silentLog,
        pace: { least: 100, most: 400 },
        containers: { name: 'charliecloud' },
      },
      realSystem,
    );
  }, 120_000);
  afterAll(async () => {
    await runner?.close();
    await lab?.wipe();
    for (const each of [folder, room]) await rm(each, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });

  const order = (jobId: string, command: readonly string[], slots = 1, count: object = { per_slot: 1 }): Order => {
    const jobspec = JSON.stringify({
      version: 1,
      resources: [{ type: 'slot', count: slots, label: 't', with: [{ type: 'core', count: 1 }] }],
      tasks: [{ command, slot: 't', count }],
      attributes: { system: { duration: 60, environment: { ...given, WORD: 'a "b"' } }, user: { image: IMAGE } },
    });
    return { jobId, epoch: 1, name: 'a job', owner: 'ada', jobspec, walltime: 60, priority: 0 };
  };
  async function ended(job: Order): Promise<{ readonly native: NativeJob; readonly out: string }> {
    await runner.submit(job);
    for (;;) {
      const native = (await runner.find()).find(({ jobId }) => jobId === job.jobId);
      if (native?.status.state === 'ended') {
        const { pieces } = await runner.output(job, [], 1 << 20);
        return { native, out: pieces.map(({ data }) => Buffer.from(data).toString()).join('') };
      }
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  }

  test('one task: the image, the variables, and its exit code', async () => {
    const { native, out } = await ended(
      order('1', ['sh', '-c', 'cat /etc/image; echo "$WORD $RAINBOW_JOB_ID"; exit 4']),
    );
    expect([out, native.status.end]).toMatchObject(['of the test\na "b" 1\n', { outcome: 'failed', exitCode: 4 }]);
  });

  test('several tasks, each by srun', async () => {
    const { native, out } = await ended(
      order('2', ['sh', '-c', 'read -r line </etc/image; echo "$line $SLURM_PROCID"'], 2),
    );
    expect(native.status.end).toMatchObject({ outcome: 'completed' });
    expect(out.trim().split('\n').sort()).toEqual(['of the test 0', 'of the test 1']);
  });

  test('a script, whose interpreter is that of the image', async () => {
    const script = '#!/bin/sh\ncat /etc/image\necho "$1"\n';
    const { native, out } = await ended(order('3', carry({ script, name: 's', args: ['x y'] }), 1, { total: 1 }));
    expect([out, native.status.end]).toMatchObject(['of the test\nx y\n', { outcome: 'completed' }]);
  });
});
