/**
 * Which program runs containers on a cluster: as its operator says (`--containers`), else what the agent's own machine has,
 * the first of `RUNTIMES`. Of a batch system that is the machine where jobs are submitted from: where its nodes have
 * something else, the operator has to say so.
 */
import { access, constants, readFile, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { NO_CONTAINERS, type ContainerRuntime } from '../../../core/containers/run.ts';
import { isRuntime, PROGRAMS, RUNTIMES, type Runtime } from '../../../core/containers/runtimes.ts';
import { invalid } from '../../../core/errors.ts';

export interface ContainersOf {
  /** A name in runners.ts. */
  readonly runner: string;
  /** The agent's own. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * Has whoever the jobs run as a range of uids to give away (subuid(5))? Without, podman runs nothing for him. null: they
   * run as several users, so it is not known.
   */
  readonly hasRange: () => Promise<boolean | null>;
  /** Does srun know pyxis's options? Asked of the slurm runner alone. */
  readonly hasPyxis: () => Promise<boolean>;
}

/**
 * `asked`: a runtime, `none`, or `auto`. Throws `invalid_input` for another word, for pyxis without Slurm, and for a runtime
 * that is not there where jobs run on this very machine.
 */
export async function findContainers(asked: string, of: ContainersOf): Promise<ContainerRuntime> {
  if (asked === 'none') return NO_CONTAINERS;
  if (asked !== 'auto' && !isRuntime(asked)) {
    throw invalid('--containers', `there is no ${JSON.stringify(asked)}; there is: auto, none, ${RUNTIMES.join(', ')}`);
  }
  if (asked === 'pyxis' && of.runner !== 'slurm')
    throw invalid('--containers', 'pyxis is a part of Slurm: --runner slurm');
  if (asked !== 'auto') {
    const found = await runtimeHere(asked, of);
    if (found === null && of.runner === 'process') {
      throw invalid(
        '--containers',
        `this machine has no ${asked} on its search path: install it, say auto for what is there, or none`,
      );
    }
    return found ?? { name: asked };
  }
  for (const runtime of RUNTIMES) {
    const found = await runtimeHere(runtime, of);
    if (found === null || (runtime === 'podman' && (await of.hasRange()) === false)) continue;
    return found;
  }
  return NO_CONTAINERS;
}

/** What an operator is told of it when the agent starts. `user`: whom all jobs run as; null: several. */
export function containersNotice(
  { name }: ContainerRuntime,
  asked: string,
  hasRange: boolean | null,
  user: { readonly name: string } | null,
): readonly string[] {
  if (name === 'none') {
    return asked === 'none'
      ? []
      : ['no container runtime found: jobs that ask for an image go elsewhere (docs/containers.md)'];
  }
  const said = `images of jobs are run by ${name}`;
  if (name !== 'podman' || hasRange !== false) return [said];
  return [
    said,
    `podman needs ranges of uids and gids for ${user?.name ?? 'the jobs’ user'}, and this machine's /etc/subuid and ` +
      '/etc/subgid do not have both: where a directory service has none either, jobs with an image fail (docs/containers.md)',
  ];
}

/** Of uids and of gids; by the files that say it for users of this machine; a directory service may say it for others. */
export async function hasRangeOfUids(
  user: { readonly name: string; readonly uid: number },
  files: readonly string[] = ['/etc/subuid', '/etc/subgid'],
): Promise<boolean> {
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (!text.split('\n').some((line) => [user.name, String(user.uid)].includes(line.split(':')[0] ?? '')))
      return false;
  }
  return true;
}

async function runtimeHere(
  name: Runtime,
  { runner, environment, hasPyxis }: ContainersOf,
): Promise<ContainerRuntime | null> {
  if (name === 'pyxis') return runner === 'slurm' && (await hasPyxis()) ? { name } : null;
  const program = await onPath(PROGRAMS[name], environment['PATH'] ?? '');
  if (program === null) return null;
  // The nodes of a batch system may have it elsewhere: there it is looked for where the job runs.
  return runner === 'process' ? { name, program } : { name };
}

async function onPath(name: string, path: string): Promise<string | null> {
  for (const folder of path.split(delimiter)) {
    if (!folder.startsWith('/')) continue;
    const file = join(folder, name);
    try {
      await access(file, constants.X_OK);
      if ((await stat(file)).isFile()) return file;
    } catch {
      // The next folder may have it.
    }
  }
  return null;
}
