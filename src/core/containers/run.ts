/** How a job's command is started in its image. Pure. */
import type { Jobspec } from '../jobspec/jobspec.ts';
import { quoteWord } from '../translate/words.ts';
import { isRuntime, PROGRAMS, spelledFor, type Containers } from './runtimes.ts';
import { SCRIPTS, SHOWN } from './scripts.ts';

/** What runs the images of a cluster's jobs. */
export interface ContainerRuntime {
  readonly name: Containers;
  /** Its program, where that is known to be somewhere else than on the nodes' search path. */
  readonly program?: string;
}

export const NO_CONTAINERS: ContainerRuntime = { name: 'none' };

/**
 * What stands before a command so that it runs in the job's image: words, nothing of which a shell is to read. None where it
 * does not run in one, or where it is not a program that starts it in one (pyxis: `pyxisOptions`). `variables`: names that
 * the job itself sets.
 */
export function imageWords(
  { image }: Pick<Jobspec, 'image'>,
  { name, program }: ContainerRuntime,
  variables: readonly string[],
): readonly string[] {
  const spelled = image === null || !isRuntime(name) ? null : spelledFor(name, image);
  if (spelled === null || !isRuntime(name) || name === 'pyxis') return [];
  // What a shell does not know goes in as part of the environment alone.
  const names = [...new Set(variables)].filter((each) => /^[A-Za-z_]\w*$/.test(each));
  return ['/bin/sh', '-c', SCRIPTS[name], program ?? PROGRAMS[name], spelled, ...names, '--'];
}

/**
 * Words for a shell: options of srun by which pyxis runs it in its image, with these directories (expressions of a shell)
 * under their own names. Empty where it is not pyxis that does.
 */
export function pyxisOptions(
  { image }: Pick<Jobspec, 'image'>,
  { name }: ContainerRuntime,
  directories: readonly string[],
): readonly string[] {
  const spelled = image === null || name !== 'pyxis' ? null : spelledFor(name, image);
  if (spelled === null) return [];
  return [
    quoteWord(`--container-image=${spelled}`),
    '--no-container-entrypoint',
    `"--container-mounts=${directories.map((each) => `${each}:${each}`).join(',')}"`,
    '"--container-workdir=$PWD"',
  ];
}

/** To be shown, not to be run; null where it does not run in an image. */
export function shownInImage(
  jobspec: Pick<Jobspec, 'image'>,
  { name }: ContainerRuntime,
  command: readonly string[],
): string | null {
  const { image } = jobspec;
  const spelled = image === null || !isRuntime(name) ? null : spelledFor(name, image);
  if (spelled === null || !isRuntime(name)) return null;
  const start = name === 'pyxis' ? ['srun', ...pyxisOptions(jobspec, { name }, ['$PWD'])] : [SHOWN[name]];
  const named = name === 'pyxis' ? [] : [quoteWord(spelled)];
  const dashes = name === 'charliecloud' ? ['--'] : [];
  return [...start, ...named, ...dashes, ...command.map(quoteWord)].join(' ');
}
