/** Names of images as each runtime spells them, what is refused, and the words that start one. */
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { carry } from '../translate/carrier.ts';
import { lostOn, nativeRendering } from '../translate/native.ts';
import { unheededOn } from '../translate/unheeded.ts';
import { checkAskedImage, imageLoss } from './job-image.ts';
import { jobspecFromFlags } from '../jobspec/flags.ts';
import { imageWords, pyxisOptions, shownInImage } from './run.ts';
import { containersNamed, RUNTIMES, spelledFor, type Containers } from './runtimes.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('an image is spelled as its runtime knows it', () => {
  test.each([
    ['debian:12', 'docker.io/library/debian:12', 'debian:12'],
    ['debian', 'docker.io/library/debian:latest', 'debian:latest'],
    ['me/app:1', 'docker.io/me/app:1', 'me/app:1'],
    ['docker.io/library/debian:12', 'docker.io/library/debian:12', 'library/debian:12'],
    ['ghcr.io/me/app:1', 'ghcr.io/me/app:1', 'ghcr.io#me/app:1'],
    ['docker://ghcr.io/me/app:1', 'ghcr.io/me/app:1', 'ghcr.io#me/app:1'],
    ['a.sif:1', 'docker.io/library/a.sif:1', 'a.sif:1'],
    // Not podman's own storage: the registry is always in front.
    ['containers-storage:a', 'docker.io/library/containers-storage:a', 'containers-storage:a'],
    ['localhost:5000/app:1', 'localhost:5000/app:1', 'localhost:5000#app:1'],
    [`ghcr.io/me/app@${DIGEST}`, `ghcr.io/me/app@${DIGEST}`, `ghcr.io#me/app@${DIGEST}`],
    // With both, the digest says which it is; those that fetch it take no tag beside it.
    [`ghcr.io/me/app:1@${DIGEST}`, `ghcr.io/me/app@${DIGEST}`, `ghcr.io#me/app@${DIGEST}`],
  ])('%s', (image, whole, pyxis) => {
    expect(spelledFor('podman', image)).toBe(whole);
    expect(spelledFor('charliecloud', image)).toBe(whole);
    expect(spelledFor('apptainer', image)).toBe(`docker://${whole}`);
    expect(spelledFor('singularity', image)).toBe(`docker://${whole}`);
    expect(spelledFor('pyxis', image)).toBe(pyxis);
  });

  test.each([
    '--privileged',
    '-v/:/host:rw',
    '--',
    '-',
    '/bin/sh',
    './a',
    'a.sif',
    'ghcr.io/me/a.sif',
    '../a',
    'a b',
    'a;id',
    'a$(id)',
    'a`id`',
    "a'b",
    'a"b',
    'a\nb',
    'a,b',
    'a:1:2',
    'a:-x',
    '@sha256:1',
    'a@sha256:1',
    'UPPER',
    'docker-archive:/etc/passwd',
    '',
    'library://a/b',
    'docker://--privileged',
    'host#a',
    '--privileged/a',
    '-x.y/a',
  ])('what is no name in a registry is none for anybody: %j', (image) => {
    expect(RUNTIMES.map((runtime) => spelledFor(runtime, image))).toEqual(RUNTIMES.map(() => null));
    expect(imageWords({ image }, { name: 'podman' }, [])).toEqual([]);
  });
});

describe('the words that start it', () => {
  test('a program, its name of the image and of variables, and nothing of them in the script', () => {
    const words = imageWords({ image: 'debian:12' }, { name: 'podman', program: '/opt/podman' }, [
      'A',
      'A',
      'b.c',
      '_D',
    ]);
    expect(words.slice(0, 2)).toEqual(['/bin/sh', '-c']);
    expect(words.slice(3)).toEqual(['/opt/podman', 'docker.io/library/debian:12', 'A', '_D', '--']);
    expect(words[2]).toBe(imageWords({ image: 'other:1' }, { name: 'podman' }, [])[2]);
    expect(imageWords({ image: 'debian' }, { name: 'charliecloud' }, [])[3]).toBe('ch-run');
  });

  test.each<[string | null, Containers]>([
    [null, 'podman'],
    ['debian:12', 'none'],
    ['debian:12', ''],
    ['debian:12', 'pyxis'],
  ])('none for %s with %j', (image, name) => expect(imageWords({ image }, { name }, [])).toEqual([]));

  test('pyxis is options of srun', () => {
    expect(pyxisOptions({ image: 'ghcr.io/a/b:1' }, { name: 'pyxis' }, ['$PWD', '$rb_run'])).toEqual([
      "'--container-image=ghcr.io#a/b:1'",
      '--no-container-entrypoint',
      '"--container-mounts=$PWD:$PWD,$rb_run:$rb_run"',
      '"--container-workdir=$PWD"',
    ]);
    expect(pyxisOptions({ image: 'ghcr.io/a/b:1' }, { name: 'apptainer' }, ['$PWD'])).toEqual([]);
    expect(shownInImage({ image: 'a:1' }, { name: 'pyxis' }, ['b', 'c d'])).toMatch(
      /^srun --container-image=a:1 .* b 'c d'$/,
    );
  });

  test('what somebody says that this version does not know is not said', () => {
    expect(['podman', 'none', '', 'docker', '__proto__'].map(containersNamed)).toEqual(['podman', 'none', '', '', '']);
  });
});

const jobspec = (
  attributes: string,
  resources = 'resources: [{type: slot, count: 1, label: t, with: [{type: core, count: 1}]}]',
) =>
  `{version: 1, ${resources}, tasks: [{command: [hostname], slot: t, count: {per_slot: 1}}], attributes: {${attributes}}}`;
const USER = jobspec('system: {duration: 60}, user: {image: debian:12}');
const SYSTEM = jobspec('system: {duration: 60, image: debian:12}');
const NAMED = jobspec('system: {duration: 60}, image: debian:12');
const WRONG = jobspec('system: {duration: 60}, user: {image: --privileged}');

describe('a cluster that cannot run it', () => {
  test.each(['process', 'slurm', 'flux'])(
    '%s: who asks for an image does without only where that is allowed',
    (runner) => {
      for (const asked of [USER, SYSTEM]) {
        expect(lostOn(asked, runner, 'none')).toEqual(['the image debian:12 (no containers are run there)']);
        expect(lostOn(asked, runner, 'podman')).toEqual([]);
      }
      // The prototype's word: what its nodes must be good for.
      for (const name of ['none', 'podman'] as const) expect(lostOn(NAMED, runner, name)).toEqual([]);
      expect(lostOn(WRONG, runner, 'podman')[0]).toMatch(/^the image --privileged \(no name of an image/);
    },
  );

  test('of a cluster whose agent does not say, it is as it was', () => {
    expect(lostOn(USER, 'process')).toEqual([]);
    expect(lostOn(USER, 'slurm')[0]).toContain('attributes.user.image');
    expect(lostOn(USER, 'flux')[0]).toContain('attributes.user.image');
    expect(imageLoss({ image: 'debian:12' }, USER, '')).toBeNull();
    expect(unheededOn({ image: 'debian:12' }, 'process', '')).toHaveLength(1);
    expect(unheededOn({ image: 'debian:12' }, 'slurm', '')).toEqual([]);
    expect(unheededOn({ image: 'debian:12' }, '', 'none')).toEqual([]);
  });

  test('where it runs without, that is said', () => {
    expect(unheededOn({ image: 'debian:12' }, 'slurm', 'none')).toEqual([
      'its agent starts the program on the machine itself, so the image debian:12 is not used there',
    ]);
    expect(unheededOn({ image: '--privileged' }, 'process', 'podman')).toHaveLength(1);
    expect(unheededOn({ image: 'debian:12' }, 'process', 'podman')).toEqual([]);
    expect(unheededOn({ image: null }, 'process', 'none')).toEqual([]);
  });
});

test.each(['./a.sif', 'a.sif', '/no/such.sif', '--privileged'])(
  'who submits is told that %s is no image, unless it is the word of the prototype',
  (image) => {
    for (const [where, place] of [
      [`user: {image: ${image}}`, 'attributes.user.image'],
      [`system: {image: ${image}}`, 'attributes.system.image'],
    ] as const) {
      expect(() => checkAskedImage({ image }, jobspec(where))).toThrow(
        expect.objectContaining({
          code: 'invalid_input',
          message: expect.stringMatching(
            new RegExp(`^${place}: .* is no name of an image in a registry: NAME`),
          ) as string,
        }),
      );
    }
    checkAskedImage({ image }, jobspec(`image: ${image}`));
    expect(() => jobspecFromFlags({ command: ['a'], image })).toThrow(/^--image: .* is no name of an image/);
  },
);

describe('a dry run', () => {
  test.each(['process', 'slurm', 'flux'])('shows it for %s', (runner) => {
    const { text, lost } = nativeRendering(USER, runner, 'apptainer')!;
    expect(text).toMatch(/^# in its image: apptainer exec .* docker:\/\/docker\.io\/library\/debian:12 hostname$/m);
    expect(lost).toEqual([]);
    expect(nativeRendering(USER, runner, 'none')).toMatchObject({
      text: expect.not.stringContaining('in its image') as string,
      lost: ['the image debian:12 (no containers are run there)'],
    });
  });

  test.each(['process', 'slurm', 'flux'])('of a script for %s it shows the name, not how it travels', (runner) => {
    const command = carry({ script: '#!/bin/bash -e\nhostname\n', name: 'img.sh', args: ['a b'] });
    const spec = parse(USER) as { tasks: { command: readonly string[]; count: object }[] };
    Object.assign(spec.tasks[0]!, { command, count: { total: 1 } });
    const { text } = nativeRendering(JSON.stringify(spec), runner, 'podman')!;
    expect(text).toMatch(/^# in its image: podman run .* docker.io\/library\/debian:12 \/bin\/bash -e img.sh 'a b'$/m);
    expect(text).not.toContain('rb_');
  });

  test('plain machines without an image have nothing to show', () => {
    expect(nativeRendering(jobspec('system: {duration: 60}'), 'process', 'podman')).toBeNull();
  });
});
