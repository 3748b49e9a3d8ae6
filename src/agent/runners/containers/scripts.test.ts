/**
 * What runtimes that are not on this machine are started with: their documentation's words, taken down by a program of that
 * name in their place. The scripts, the wrapper of Slurm's jobs and the shell that reads them are the real ones.
 * Sources: apptainer's user guide 1.3 (bind paths, environment), pyxis's wiki (usage), enroot's `import`.
 */
import { execFile } from 'node:child_process';
import { chown, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { imageWords } from '../../../core/containers/run.ts';
import type { Runtime } from '../../../core/containers/runtimes.ts';
import { carry } from '../../../core/translate/carrier.ts';
import { fluxJobOf, nativeJobspec } from '../flux/submit.ts';
import type { Order } from '../runner.ts';
import { nativeSubmission, slurmJobOf } from '../slurm/submit.ts';

let folder: string;
let bin: string;
let work: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'rainbow-scripts-')));
  [bin, work] = [join(folder, 'bin'), join(folder, 'a place')];
  await mkdir(bin);
  await mkdir(work);
});
afterEach(() => rm(folder, { recursive: true }));

/** Takes down its words, one a line, and what of its environment is asked for; then ends with 3. */
const recorder = (name: string): Promise<void> =>
  writeFile(join(bin, name), `#!/bin/sh\nprintf '%s\\n' "$@" >"${folder}/words"\nenv >"${folder}/env"\nexit 3\n`, {
    mode: 0o755,
  });
const words = async (): Promise<string[]> => (await readFile(join(folder, 'words'), 'utf8')).trimEnd().split('\n');

async function start(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd = work,
): Promise<{ readonly code: number; readonly stderr: string }> {
  const all = { PATH: `${bin}:/usr/bin:/bin`, HOME: work, ...env };
  return new Promise((resolve) => {
    execFile(command[0]!, command.slice(1), { cwd, env: all }, (error, _, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stderr }),
    );
  });
}

const inImage = (name: Runtime, variables: readonly string[], ...command: string[]): readonly string[] => [
  ...imageWords({ image: 'ghcr.io/me/app:1' }, { name }, variables),
  ...command,
];

describe('apptainer and singularity', () => {
  test.each([
    ['apptainer', 'APPTAINERENV'],
    ['singularity', 'SINGULARITYENV'],
  ] as const)('%s exec, in the same directory; what the job sets counts over the image’s', async (name, prefix) => {
    await recorder(name);
    const files = join(folder, 'files');
    await mkdir(files);
    const env = { WORD: 'a "b" $(c) \'d\'', RAINBOW_FILES: files, RAINBOW_JOB_DIR: `${folder}/not there` };
    const { code } = await start(inImage(name, ['WORD', 'PATH'], 'prog', '--flag', 'x y'), env);
    expect(code).toBe(3);
    expect(await words()).toEqual([
      'exec',
      '--pwd',
      work,
      '--bind',
      work,
      '--bind',
      files,
      'docker://ghcr.io/me/app:1',
      'prog',
      '--flag',
      'x y',
    ]);
    const lines = (await readFile(join(folder, 'env'), 'utf8')).split('\n');
    expect(lines).toContain(`${prefix}_WORD=${env.WORD}`);
    expect(lines).toContain(`${prefix}_PATH=${bin}:/usr/bin:/bin`);
  });

  test('where it is not, that is said; a directory that it would read as two is not given to it', async () => {
    expect(await start(inImage('apptainer', [], 'true'))).toMatchObject({
      code: 127,
      stderr: expect.stringContaining('apptainer: there is no such program on') as string,
    });
    await recorder('apptainer');
    const odd = join(folder, 'a:b');
    await mkdir(odd);
    expect(await start(inImage('apptainer', [], 'true'), {}, odd)).toMatchObject({
      code: 126,
      stderr: expect.stringContaining('cannot be given to a container') as string,
    });
  });
});

test('podman: nothing that it does not need, and the variables of the job by name alone', async () => {
  await recorder('podman');
  expect(await start(inImage('podman', ['WORD'], 'prog', '--rm'), { WORD: 'secret' })).toMatchObject({ code: 3 });
  const all = await words();
  expect(all.slice(0, 3)).toEqual(['--cgroup-manager=cgroupfs', 'run', '--rm']);
  expect(all).toEqual(expect.arrayContaining(['--network=host', '--userns=keep-id', '--entrypoint=', '--env=WORD']));
  expect(all).toEqual(expect.arrayContaining([`--workdir=${work}`, `--volume=${work}:${work}`, '--volume=/tmp:/tmp']));
  expect(all.slice(-3)).toEqual(['ghcr.io/me/app:1', 'prog', '--rm']);
  expect(all.join(' ')).not.toMatch(/secret|privileged/);
});

test.each(['podman', 'apptainer', 'singularity'] as const)(
  '%s is started without touching the job’s variables, whatever they are called',
  async (name) => {
    await recorder(name);
    const env = Object.fromEntries(
      ['image', 'here', 'seen', 'dir', 'name', 'names', 'init', 'monitor', 'storage', 'folder'].map((each) => [
        each,
        'mine',
      ]),
    );
    await start(inImage(name, Object.keys(env), 'true'), env);
    const lines = (await readFile(join(folder, 'env'), 'utf8')).split('\n');
    for (const each of Object.keys(env)) expect(lines).toContain(`${each}=mine`);
  },
);

test('charliecloud uses no images of a folder that somebody else made where those of its user would be', async () => {
  await recorder('ch-run');
  const name = `rainbow-test-${process.pid}`;
  const storage = `/var/tmp/${name}.ch`;
  await mkdir(join(folder, 'img', 'ghcr.io%me%app+1'), { recursive: true });
  await symlink(folder, storage);
  try {
    expect(await start(inImage('charliecloud', [], 'true'), { USER: name })).toMatchObject({
      code: 125,
      stderr: expect.stringContaining(`${storage} is not a folder of`) as string,
    });
    // Who names one knows whose it is.
    expect(await start(inImage('charliecloud', [], 'true'), { USER: name, CH_IMAGE_STORAGE: folder })).toMatchObject({
      code: 3,
    });
    await rm(storage);
    await mkdir(join(storage, 'img', 'ghcr.io%me%app+1'), { recursive: true });
    expect(await start(inImage('charliecloud', [], 'true'), { USER: name })).toMatchObject({ code: 3 });
    // Only root can give one away.
    if (process.getuid?.() !== 0) return;
    await chown(storage, 65_534, 65_534);
    expect(await start(inImage('charliecloud', [], 'true'), { USER: name })).toMatchObject({ code: 125 });
  } finally {
    await rm(storage, { recursive: true });
  }
});

const KEY = { jobId: '7', epoch: 1, realm: '00000001', nonce: '0'.repeat(12) };
const order = (command: readonly string[], more: object = {}, count: object = { per_slot: 1 }, slots = 1): Order => {
  const jobspec = JSON.stringify({
    version: 1,
    resources: [{ type: 'slot', count: slots, label: 't', with: [{ type: 'core', count: 1 }] }],
    tasks: [{ command, slot: 't', count }],
    attributes: { system: { duration: 60, environment: { WORD: 'w' } }, user: { image: 'ghcr.io/me/app:1' } },
  });
  return { jobId: '7', epoch: 1, name: 'a job', owner: 'ada', jobspec, walltime: 60, priority: 0, ...more };
};

describe('a job of Slurm', () => {
  /** Runs what sbatch is given, as slurmd would: in the directory where it begins. */
  async function run(given: Order, name: Runtime): Promise<{ readonly code: number; readonly stderr: string }> {
    const runDir = join(folder, 'job', 'run');
    await mkdir(runDir, { recursive: true });
    await writeFile(join(folder, 'job', 'order.json'), '{}');
    const containers = { name };
    const where = { cluster: 'red', runDir, cwd: work, containers };
    const { script } = nativeSubmission(slurmJobOf(given, containers), given, KEY, where);
    await writeFile(join(folder, 'script'), script);
    return start(['/bin/sh', join(folder, 'script')], { SLURM_JOB_ID: '9' });
  }

  test('with pyxis srun starts it in its image, also where there is one task', async () => {
    await recorder('srun');
    const runDir = join(folder, 'job', 'run');
    expect(await run(order(['prog', 'x y']), 'pyxis')).toMatchObject({ code: 3 });
    expect(await words()).toEqual([
      '--nodes=1',
      '--ntasks=1',
      '--container-image=ghcr.io#me/app:1',
      '--no-container-entrypoint',
      `--container-mounts=${work}:${work},${runDir}:${runDir}`,
      `--container-workdir=${work}`,
      'prog',
      'x y',
    ]);
    expect(await readFile(join(runDir, 'end.0.0'), 'utf8')).toBe('status 3\ncomplete\n');
  });

  test('with pyxis, several tasks and a script of its own', async () => {
    await recorder('srun');
    await run(order(['prog'], {}, { per_slot: 1 }, 4), 'pyxis');
    expect((await words())[0]).toBe('--container-image=ghcr.io#me/app:1');
    await rm(join(folder, 'job'), { recursive: true });
    await run(order(carry({ script: '#!/bin/bash\nhostname\n', name: 's', args: ['a b'] }), {}, { total: 1 }), 'pyxis');
    expect((await words()).slice(-3)).toEqual(['/bin/bash', join(folder, 'job', 'run', 'script.0.0'), 'a b']);
  });

  test('with a program it is started by that, on each node; a script is one in the image', async () => {
    await recorder('apptainer');
    await writeFile(join(bin, 'srun'), '#!/bin/sh\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n', {
      mode: 0o755,
    });
    const runDir = join(folder, 'job', 'run');
    expect(await run(order(['prog', 'x y'], {}, { per_slot: 1 }, 4), 'apptainer')).toMatchObject({ code: 3 });
    expect(await words()).toEqual([
      'exec',
      '--pwd',
      work,
      '--bind',
      work,
      '--bind',
      runDir,
      'docker://ghcr.io/me/app:1',
      'prog',
      'x y',
    ]);
    await rm(join(folder, 'job'), { recursive: true });
    await run(
      order(carry({ script: '#!/bin/bash\nhostname\n', name: 's', args: ['a b'] }), {}, { total: 1 }),
      'apptainer',
    );
    expect((await words()).slice(-4)).toEqual([
      'docker://ghcr.io/me/app:1',
      '/bin/bash',
      join(runDir, 'script.0.0'),
      'a b',
    ]);
  });

  test('a search path that is good in the image alone: it is started, and how it ended is known', async () => {
    await recorder('apptainer');
    const given = order(carry({ script: '#!/bin/bash\nhostname\n', name: 's', args: ['x'] }), {}, { total: 1 });
    const spec = JSON.parse(given.jobspec) as { attributes: { system: { environment: object } } };
    Object.assign(spec.attributes.system.environment, { PATH: bin });
    expect(await run({ ...given, jobspec: JSON.stringify(spec) }, 'apptainer')).toEqual({ code: 3, stderr: '' });
    const runDir = join(folder, 'job', 'run');
    expect((await words()).slice(-3)).toEqual(['/bin/bash', join(runDir, 'script.0.0'), 'x']);
    expect(await readFile(join(runDir, 'end.0.0'), 'utf8')).toBe('status 3\ncomplete\n');
  });

  test('without any it is refused, unless its owner allows that: then it runs without', async () => {
    const given = order(['prog']);
    expect(() => slurmJobOf(given, { name: 'none' })).toThrow(
      'the image ghcr.io/me/app:1 (no containers are run there)',
    );
    const spec = JSON.parse(given.jobspec) as { attributes: object };
    const allowed = {
      ...given,
      jobspec: JSON.stringify({ ...spec, attributes: { ...spec.attributes, rainbow: { allowLossy: true } } }),
    };
    expect(
      nativeSubmission(slurmJobOf(allowed, { name: 'none' }), allowed, KEY, { cluster: 'red', runDir: '/r', cwd: '/' })
        .script,
    ).not.toContain('ghcr.io');
  });
});

describe('a job of Flux', () => {
  const tasksOf = (given: Order, name: Runtime): readonly string[] => {
    const containers = { name };
    const where = { cluster: 'blue', runDir: '/r', environment: {}, containers };
    const text = nativeJobspec(fluxJobOf(given, containers), given, KEY, where);
    return (JSON.parse(text) as { tasks: { command: string[] }[] }).tasks[0]!.command;
  };

  test('its command is started by the runtime', async () => {
    await recorder('apptainer');
    const command = tasksOf(order(['prog', 'x y']), 'apptainer');
    expect(await start(command)).toMatchObject({ code: 3 });
    expect((await words()).slice(-3)).toEqual(['docker://ghcr.io/me/app:1', 'prog', 'x y']);
    expect(tasksOf(order(['prog'], { sandbox: '/box' }), 'apptainer').slice(-2)).toEqual(['--', 'prog']);
  });

  test('a script runs in its image, the Flux instance around it does not', () => {
    const command = tasksOf(
      order(carry({ script: '#!/bin/sh\n', name: 's', args: ['a'] }), {}, { total: 1 }),
      'podman',
    );
    expect(command.slice(0, 4)).toEqual(['flux', 'broker', '/bin/sh', '-c']);
    expect(command.slice(-5)).toEqual(['ghcr.io/me/app:1', 'WORD', '--', '{{tmpdir}}/script', 'a']);
    // Flux fills in what is in such braces: nothing else of it is.
    expect(command.filter((word) => word.includes('{{'))).toEqual(['{{tmpdir}}/script']);
  });

  test('without any it is refused', () => {
    expect(() => fluxJobOf(order(['prog']))).toThrow('the image ghcr.io/me/app:1 (no containers are run there)');
  });
});
