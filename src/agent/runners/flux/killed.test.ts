/**
 * A real Flux whose commands are killed, slow, or complain in words that nobody knows: what was told as ended does not
 * run, what runs is told, and nothing runs twice. A script stands before the command; files tell it when to go on.
 */
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fluxMissing, startFlux, type FluxLab } from '../../../../test/lab/flux.ts';
import { skipWithout } from '../../../../test/needs.ts';
import { JobState } from '../../../gen/rainbow/v1/job_pb.js';
import { realSystem } from '../../../system/real.ts';
import { until } from '../../../system/testing/until.ts';
import { silentLog } from '../../log.ts';
import { jobspecOf } from '../../testing/jobspec.ts';
import { openAgentRig } from '../../testing/rig.ts';
import { resolveJobUser } from '../process/user.ts';
import type { NativeJob, Order, Runner } from '../runner.ts';
import { realmOf } from '../runners.ts';
import { wasReleased } from './found.ts';
import { createFluxRunner } from './runner.ts';
import { readJobList, type FluxRecord } from './records.ts';

const away = skipWithout('flux', fluxMissing());
const KEY = { jobId: '1', epoch: 1 };
let lab: FluxLab;
let dir: string;
let realms = 0;

/** Before `flux job submit`. `$REAL` is flux itself, `$FIRST` is true the first time. */
async function inFrontOfSubmit(script: string): Promise<void> {
  const { PATH } = lab.environment();
  const once = join(dir, 'once');
  const text = `#!/bin/sh
PATH=${PATH}; export PATH
[ "$1 $2" = "job submit" ] || exec flux "$@"
if [ -e ${once} ]; then FIRST=false; else FIRST=true; : >${once}; fi
${script}
`;
  await writeFile(join(dir, 'bin/flux'), text, { mode: 0o755 });
}
/** It is listed, too: that is known a little later. */
const SUBMITTED = 'id=$(flux "$@"); flux job list-ids "$id" >/dev/null';
const slowly = (): string => `while [ -d ${dir} ] && [ ! -e ${dir}/gate ]; do sleep 0.1; done; exec flux "$@"`;
const openGate = (): Promise<void> => writeFile(join(dir, 'gate'), '');
function environment(): Record<string, string | undefined> {
  const { PATH, FLUX_URI } = lab.environment();
  return { PATH: `${join(dir, 'bin')}:${PATH}`, FLUX_URI };
}
const inFlux = async (mark: string): Promise<FluxRecord[]> =>
  readJobList(`${await lab.flux('job', 'list')}\n${await lab.flux('job', 'list-inactive')}`).filter(({ name }) =>
    name.includes(mark),
  );

describe.skipIf(away)('Flux, its commands killed or slow', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    lab = await startFlux({ cores: 4 });
  }, 90_000);
  afterAll(async () => lab?.wipe(), 60_000);
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'rainbow-flux-'));
    await chmod(dir, 0o777);
    await mkdir(join(dir, 'bin'));
    realms++;
  });
  afterEach(() => rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));

  describe('the runner', () => {
    let runner: Runner;
    afterEach(async () => {
      for (const native of await runner.find()) await runner.stop(native, { code: 'user', message: '' });
      await until('all ended', async () => (await runner.find()).every(({ status }) => status.state === 'ended'));
      await runner.close();
    });
    const realm = (): string => realms.toString(16).padStart(8, '0');
    const open = async (): Promise<void> => {
      runner = await createFluxRunner(
        {
          spool: join(dir, 'spool'),
          cluster: 'blue',
          realm: realm(),
          user: await resolveJobUser(null),
          keepFiles: false,
          environment: environment(),
          log: silentLog,
          pace: { least: 50, most: 400 },
        },
        realSystem,
      );
    };
    const order: () => Order = () => ({
      ...KEY,
      name: 'a job',
      owner: 'ada',
      jobspec: jobspecOf('true', 1),
      walltime: 60,
      priority: 0,
    });
    const ended = (): Promise<NativeJob> =>
      until('it has ended', async () => (await runner.find()).find(({ status }) => status.state === 'ended'));
    const inSpool = async (): Promise<string[]> =>
      (await readdir(join(dir, 'spool'))).filter((name) => /^\d/.test(name));

    test('the command is ended when Flux has the job: it is found, and let go', async () => {
      await inFrontOfSubmit(`${SUBMITTED}; kill -INT $$`);
      await open();
      await expect(runner.submit(order())).rejects.toMatchObject({ code: 'unavailable' });
      expect(await runner.submit(order())).not.toBe('');
      expect((await ended()).status.end).toMatchObject({ outcome: 'completed' });
      expect(await inFlux(`rainbow-1.1-${realm()}`)).toHaveLength(1);
    });

    test('it complains in words that nobody knows when Flux has the job: it is found, and let go', async () => {
      await inFrontOfSubmit(`${SUBMITTED}; echo "flux-job: the moon is full" >&2; exit 1`);
      await open();
      expect(await runner.submit(order())).not.toBe('');
      expect((await ended()).status.end).toMatchObject({ outcome: 'completed' });
      expect(await inFlux(`rainbow-1.1-${realm()}`)).toHaveLength(1);
    });

    test('such words, and nothing comes of it: it is refused, and nothing of it is left', async () => {
      await inFrontOfSubmit('echo "flux-job: the moon is full" >&2; exit 1');
      await open();
      await expect(runner.submit(order())).rejects.toMatchObject({
        code: 'failed_precondition',
        message: 'flux job submit: the moon is full',
      });
      expect(await inSpool()).toEqual([]);
    });

    test('one that never came is forgotten', async () => {
      await inFrontOfSubmit('kill -KILL $$');
      await open();
      await expect(runner.submit(order())).rejects.toMatchObject({ code: 'unavailable' });
      expect(await inSpool()).toEqual(['1.1']);
      expect(await runner.arrived!(KEY)).toBe(false);
      await runner.forget(KEY);
      expect(await inSpool()).toEqual([]);
    });
  });

  test('a job that is canceled while the submission of a dead agent is under way never runs, and is told so when that is sure', async () => {
    const rig = await openAgentRig();
    try {
      await inFrontOfSubmit(slowly());
      const here = await rig.cluster('blue', { runner: 'flux', environment: environment() });
      const dying = rig.agentProcess(here, 'submitStarted');
      const id = await rig.submit(here, 'exec sleep 600');
      expect(await dying.ended).toBe('SIGKILL');
      await rig.client.jobs.cancel({ id });
      const agent = rig.agent(here);
      await until('the agent says that it is not known', () => agent.said.join('\n').includes('not known yet'));
      expect((await rig.job(id)).state).not.toBe(JobState.CANCELED);
      await openGate();
      expect((await rig.ended(id)).state).toBe(JobState.CANCELED);
      // Not even what Flux may show only now.
      const mark = `.rainbow-${id}.1-${realmOf(here.name, here.options.secret)}`;
      const [native, ...more] = await until('Flux shows it', async () => {
        const found = await inFlux(mark);
        return found.length > 0 && found;
      });
      expect(more).toEqual([]);
      expect(wasReleased(native!)).toBe(false);
    } finally {
      await openGate();
      await rig.close();
    }
  });
});
