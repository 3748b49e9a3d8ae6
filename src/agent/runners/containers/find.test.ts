/** What is found on a search path, and what an operator may say. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { containersNotice, findContainers, hasRangeOfUids, type ContainersOf } from './find.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rainbow-find-'));
});
afterEach(() => rm(folder, { recursive: true }));

const on = (runner: string, has = false, hasRange: boolean | null = true): ContainersOf => ({
  runner,
  environment: { PATH: `relative:${folder}/none:${folder}` },
  hasRange: async () => hasRange,
  hasPyxis: async () => has,
});
const put = (name: string, mode = 0o755): Promise<void> => writeFile(join(folder, name), '#!/bin/sh\n', { mode });

test('the first that is there, in a fixed order', async () => {
  expect(await findContainers('auto', on('process'))).toEqual({ name: 'none' });
  await put('ch-run');
  expect(await findContainers('auto', on('process'))).toEqual({
    name: 'charliecloud',
    program: join(folder, 'ch-run'),
  });
  await put('podman');
  // podman gives uids away, which not everybody has.
  expect(await findContainers('auto', on('process', false, false))).toMatchObject({ name: 'charliecloud' });
  expect(await findContainers('auto', on('process'))).toMatchObject({ name: 'podman' });
  for (const runner of ['slurm', 'flux'])
    expect(await findContainers('auto', on(runner, false, false))).toEqual({ name: 'charliecloud' });
  // Of several users nobody knows.
  expect(await findContainers('auto', on('slurm', false, null))).toEqual({ name: 'podman' });
  // Of a batch system the nodes may have it elsewhere.
  expect(await findContainers('auto', on('flux'))).toEqual({ name: 'podman' });
  await put('singularity');
  expect(await findContainers('auto', on('flux'))).toEqual({ name: 'singularity' });
  await put('apptainer');
  expect(await findContainers('auto', on('slurm'))).toEqual({ name: 'apptainer' });
  expect(await findContainers('auto', on('slurm', true))).toEqual({ name: 'pyxis' });
  expect(await findContainers('auto', on('flux', true))).toEqual({ name: 'apptainer' });
});

test('what cannot be run, or is a folder, is not there', async () => {
  await put('podman', 0o644);
  await mkdir(join(folder, 'apptainer'));
  expect(await findContainers('auto', on('process'))).toEqual({ name: 'none' });
});

test('what the operator says counts; where it cannot be, he is told', async () => {
  await put('podman');
  expect(await findContainers('none', on('process'))).toEqual({ name: 'none' });
  expect(await findContainers('apptainer', on('slurm'))).toEqual({ name: 'apptainer' });
  expect(await findContainers('pyxis', on('slurm'))).toEqual({ name: 'pyxis' });
  for (const [asked, runner, said] of [
    ['docker', 'process', 'there is: auto, none, pyxis'],
    ['pyxis', 'flux', '--runner slurm'],
    ['apptainer', 'process', 'no apptainer on its search path: install it, say auto for'],
  ] as const) {
    await expect(findContainers(asked, on(runner))).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(said) as string,
    });
  }
});

test('an operator is told what runs images, that nothing does, and that podman lacks uids', () => {
  const ada = { name: 'ada' };
  expect(containersNotice({ name: 'none' }, 'auto', false, ada)).toEqual([
    'no container runtime found: jobs that ask for an image go elsewhere (docs/containers.md)',
  ]);
  expect(containersNotice({ name: 'none' }, 'none', false, ada)).toEqual([]);
  expect(containersNotice({ name: 'charliecloud' }, 'auto', false, ada)).toEqual([
    'images of jobs are run by charliecloud',
  ]);
  expect(containersNotice({ name: 'podman' }, 'podman', null, null)).toHaveLength(1);
  expect(containersNotice({ name: 'podman' }, 'podman', false, ada)[1]).toMatch(
    /ranges of uids and gids for ada.*subuid/,
  );
});

test('a range of uids without one of gids is none', async () => {
  const files = ['uids', 'gids'].map((name) => join(folder, name));
  await writeFile(files[0]!, 'bob:1:2\nada:100000:65536\n');
  await writeFile(files[1]!, '');
  const ada = { name: 'ada', uid: 1234 };
  expect(await hasRangeOfUids(ada, files)).toBe(false);
  await writeFile(files[1]!, '1234:100000:65536\n');
  expect(await hasRangeOfUids(ada, files)).toBe(true);
  expect(await hasRangeOfUids({ name: 'ad', uid: 123 }, files)).toBe(false);
});
