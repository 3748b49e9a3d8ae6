/** Files that travel with jobs: a real server, real processes, and an agent that is killed with SIGKILL on the way. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DatabaseSync } from 'node:sqlite';
import { RainbowError } from '../../core/errors.ts';
import { JobState, type Job } from '../../gen/rainbow/v1/job_pb.js';
import { jobspecOf } from '../testing/jobspec.ts';
import { SENTINELS, STAGING_SENTINELS } from '../sentinels.ts';
import { openAgentRig, type AgentRig, type Here } from '../testing/rig.ts';
import { until } from '../../system/testing/until.ts';

let rig: AgentRig;
beforeAll(async () => {
  rig = await openAgentRig({ files: { files: 20, bytes: 2_000_000, fileBytes: 1_000_000, quota: 20_000_000 } });
});
afterEach(() => rig.endAgents());
afterAll(() => rig.close());

const cluster = (): Promise<Here> => rig.cluster('red', {}, 4);

const entry = (path: string, text: string, executable = false) => ({
  path,
  size: String(Buffer.byteLength(text)),
  executable,
  sha256: createHash('sha256').update(text).digest('hex'),
});

async function submitWith(
  here: Here,
  script: string,
  files: Record<string, string>,
  stageOut: string[],
  more = {},
): Promise<string> {
  const stageIn = Object.entries(files).map(([path, text]) => entry(path, text));
  async function* contents() {
    for (const [path, text] of Object.entries(files)) {
      yield { file: entry(path, text), credentials: [{ name: here.name, token: here.token }] };
      yield { data: Buffer.from(text) };
    }
  }
  await rig.client.files.upload(contents());
  const { job } = await rig.client.jobs.submit({
    jobspec: jobspecOf(script.replaceAll('$SCRATCH', here.scratch), 1),
    credentials: [{ name: here.name, token: here.token }],
    stageIn,
    stageOut,
    ...more,
  });
  return job!.id;
}

async function brought(jobId: string, epoch = '0'): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const page of rig.client.files.list({ jobId, epoch })) {
    for (const { path, sha256 } of page.files) {
      const pieces: Uint8Array[] = [];
      for await (const { data } of rig.client.files.download({ jobId, epoch: page.epoch, sha256: [sha256] }))
        pieces.push(data);
      files[path] = Buffer.concat(pieces).toString();
    }
  }
  return files;
}

async function sandboxes(here: Here): Promise<readonly string[]> {
  const all = join(here.options.stateDir, 'files');
  const [own] = await readdir(all).catch(() => []);
  return own === undefined ? [] : readdir(join(all, own));
}

const INPUT = { 'in/a': 'one', 'in/b': 'two', 'in/same': 'one', large: 'x'.repeat(700_000) };
const SCRIPT = 'echo started >> $SCRATCH/log; cat in/a in/b in/same > out; wc -c < large >> out; sleep 0.2; exit 3';
const OUTPUT = { out: 'onetwoone700000\n' };

describe('killed with SIGKILL', () => {
  // Of the others each is tried without files in ../agent.test.ts.
  const others = process.env['RAINBOW_SOAK'] === undefined ? ['beforeSubmit'] : SENTINELS.slice(1);
  test.each([...STAGING_SENTINELS, ...SENTINELS.filter((point) => others.includes(point))])(
    'at %s: run once with all its files, which come back once',
    async (point) => {
      const here = await cluster();
      const first = rig.agentProcess(here, point);
      const id = await submitWith(here, SCRIPT, INPUT, ['out']);
      expect(await first.ended).toBe('SIGKILL');
      rig.agent(here);
      const job = await rig.ended(id);
      expect(job).toMatchObject({ state: JobState.FAILED, exitCode: 3, epoch: '1' });
      expect(await brought(id)).toEqual(OUTPUT);
      expect(job.files!.collected).toMatchObject([{ epoch: '1', files: 1, notes: [] }]);
      expect(await rig.log(here)).toBe('started\n');
      await until('nothing of it is left', async () => (await sandboxes(here)).length === 0);
      const told = (await rig.events(id)).map(({ kind }) => kind);
      expect(told.filter((kind) => kind === 'files' || kind === 'failed')).toEqual(['files', 'failed']);
    },
  );
});

describe('files', () => {
  test('what a job changes of what it was sent does not change what it was sent: a retry begins with that', async () => {
    const here = await cluster();
    rig.agent(here);
    const script = 'cat state; echo spoiled > state; test -e $SCRATCH/again || { touch $SCRATCH/again; exit 1; }';
    const id = await submitWith(here, script, { state: 'fresh' }, ['state'], {
      retry: { limit: 1, on: ['exit'], delay: 0 },
    });
    expect(await rig.ended(id)).toMatchObject({ state: JobState.COMPLETED, epoch: '2' });
    expect((await rig.output(id, '2')).stdout).toBe('fresh');
    expect(await brought(id, '1')).toEqual({ state: 'spoiled\n' });
    expect(await brought(id, '2')).toEqual({ state: 'spoiled\n' });
  });

  test('limits: what is too large, too many or too much stays behind, and is said', async () => {
    const here = await cluster();
    rig.agent(here);
    const script =
      'head -c 1000001 /dev/zero > large; for i in 1 2 3; do head -c 900000 /dev/urandom > part$i; done; mkdir many; for i in $(seq 30); do : > many/$i; done';
    const id = await submitWith(here, script, {}, ['large', 'part*', 'many/**']);
    const job = await rig.ended(id);
    expect(job).toMatchObject({ state: JobState.COMPLETED });
    const [{ files, notes }] = job.files!.collected as [NonNullable<Job['files']>['collected'][number]];
    expect(files).toBe(20);
    const said = notes.join('\n');
    expect(said).toContain('large has 977 KiB (1000001 bytes); a file may have at most 977 KiB (1000000 bytes)');
    // In order of names, files before those in folders.
    expect(said).toContain('part3 does not fit: a job brings at most 1.9 MiB (2000000 bytes) back in all');
    expect(said).toContain('many/9: a job brings at most 20 files back');
    expect(said).not.toContain('part2');
  });

  test('a folder that was exchanged for a link leads nowhere', async () => {
    const here = await cluster();
    rig.agent(here);
    const id = await submitWith(here, 'mkdir d; ln -s /etc e; ln -s / d/up; echo x > d/x', {}, ['**/*']);
    expect(await rig.ended(id)).toMatchObject({ state: JobState.COMPLETED });
    expect(await brought(id)).toEqual({ 'd/x': 'x\n' });
  });

  test('the way to the folder of sandboxes may have a link', async () => {
    const here = await cluster();
    await mkdir(join(here.scratch, 'real'));
    await chmod(join(here.scratch, 'real'), 0o755);
    const link = join(here.scratch, 'link');
    await symlink('real', link);
    rig.agent(here, { sandboxes: join(link, 'sandboxes') });
    const id = await submitWith(here, 'cat in/a > out', { 'in/a': 'x' }, ['out']);
    expect(await rig.ended(id)).toMatchObject({ state: JobState.COMPLETED });
    expect(await brought(id)).toEqual({ out: 'x' });
    const [own = ''] = await readdir(join(link, 'sandboxes'));
    await until('nothing of it is left', async () => (await readdir(join(link, 'sandboxes', own))).length === 0);
  });

  test('jobs whose files do not come keep no other waiting', async () => {
    const here = await cluster();
    let isStuck = true;
    const stuck: string[] = [];
    rig.agent(here, {
      reached(point, key) {
        if (isStuck && point === 'sandboxMade' && stuck.includes(key.jobId))
          throw new RainbowError('unavailable', 'not now');
      },
    });
    for (const text of ['b', 'c']) stuck.push(await submitWith(here, 'cat a', { a: text }, []));
    const id = await submitWith(here, 'cat a', { a: 'd' }, []);
    expect(await rig.ended(id)).toMatchObject({ state: JobState.COMPLETED });
    isStuck = false;
    for (const other of stuck) expect(await rig.ended(other)).toMatchObject({ state: JobState.COMPLETED });
  });

  test('a content that is not what the list says ends the job, and is not asked for without end', async () => {
    const here = await cluster();
    const id = await submitWith(here, 'cat a', { a: 'will be spoiled' }, []);
    const database = new DatabaseSync(join(rig.root, 'rainbow.db'));
    database
      .prepare('UPDATE blob_pieces SET data = ? WHERE blob_id = (SELECT id FROM blobs WHERE sha256 = ?)')
      .run(Buffer.from('has been spoilt'), entry('a', 'will be spoiled').sha256);
    database.close();
    rig.agent(here);
    const job = await rig.ended(id);
    expect(job).toMatchObject({ state: JobState.FAILED });
    expect(job.reason!.message).toContain('a is not as the list of files says: 15 bytes with the digest');
  });

  test('a job that is canceled while its files come never starts', async () => {
    const here = await cluster();
    const gate = Promise.withResolvers<void>();
    rig.agent(here, { reached: (point) => (point === 'filePlaced' ? gate.promise : undefined) });
    const id = await submitWith(here, SCRIPT, INPUT, ['out']);
    await until('they are on their way', async () => (await sandboxes(here)).length === 1);
    await rig.client.jobs.cancel({ id });
    gate.resolve();
    expect(await rig.ended(id)).toMatchObject({ state: JobState.CANCELED });
    expect(await rig.log(here)).toBe('');
    await until('nothing of it is left', async () => (await sandboxes(here)).length === 0);
  });

  test('a folder that cannot be used ends the agent’s start, with what to do', async () => {
    const here = await cluster();
    const ended = await rig.agent(here, { sandboxes: '/dev/null/files' }).stop();
    expect(ended).toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('--sandboxes') as string,
    });
  });

  test('an agent that is started anew removes what no job of its journal has', async () => {
    const here = await cluster();
    const first = rig.agent(here);
    const id = await submitWith(here, 'cat a', { a: 'x' }, []);
    await rig.ended(id);
    await first.stop();
    const all = join(here.options.stateDir, 'files');
    const [own = ''] = await readdir(all);
    await mkdir(join(all, own, '999.1', 'files'), { recursive: true });
    rig.agent(here);
    await until('it is gone', async () => (await sandboxes(here)).length === 0);
    expect(await sandboxes(here)).toEqual([]);
  });

  test.runIf(process.getuid?.() === 0)(
    'other users find the way to their files, and read nothing of root’s',
    async () => {
      const here = await cluster();
      rig.agent(here);
      const script = 'touch $SCRATCH/runs; while [ ! -e $SCRATCH/go ]; do sleep 0.05; done';
      const id = await submitWith(here, script, { a: 'x' }, ['a']);
      await until('it runs', async () => (await readdir(here.scratch)).includes('runs'));
      const open: string[] = [];
      for (const entry of await readdir(here.options.stateDir, { recursive: true, withFileTypes: true })) {
        // The program that runs a job: the same for all.
        if (entry.name === 'shim') continue;
        const path = join(entry.parentPath, entry.name);
        const { mode, uid } = await stat(path);
        if (uid === 0 && (mode & (entry.isDirectory() ? 0o066 : 0o077)) !== 0) open.push(`${path} ${mode.toString(8)}`);
      }
      expect(open).toEqual([]);
      await writeFile(join(here.scratch, 'go'), '');
      await rig.ended(id);
    },
  );

  test.runIf(process.getuid?.() === 0)('what only root could remove of a job’s files stays, and is said', async () => {
    const here = await cluster();
    const first = rig.agent(here);
    const id = await submitWith(here, 'touch $SCRATCH/runs; while [ ! -e $SCRATCH/go ]; do sleep 0.05; done', {}, [
      'x',
    ]);
    await until('it runs', async () => (await readdir(here.scratch)).includes('runs'));
    const all = join(here.options.stateDir, 'files');
    const [own = ''] = await readdir(all);
    const roots = join(all, own, `${id}.1`, 'files', 'roots');
    await mkdir(join(roots, 'folder'), { recursive: true });
    await writeFile(join(here.scratch, 'go'), '');
    await rig.ended(id);
    await until('said', async () => first.said.some((line) => /its folder could not be removed: ENOTEMPTY/.test(line)));
    expect(await readdir(roots)).toEqual(['folder']);
    await first.stop();
    const second = rig.agent(here);
    await until('said', async () => second.said.some((line) => /1 could not be removed: ENOTEMPTY/.test(line)));
    expect(await readdir(roots)).toEqual(['folder']);
  });
});
