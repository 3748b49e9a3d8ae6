/**
 * What can run a job's image on a cluster, and what each of them calls that image. Pure.
 *
 * Invariant: an image's name is hostile. Only a name that the distribution specification's grammar knows is ever written
 * down, with its registry in front: so none begins with a dash, and none holds what a shell or a list of options reads.
 */
import { readReference, type Reference } from '../image/reference.ts';

/** `pyxis` is a part of Slurm's srun, the others are programs. In the order in which an agent looks for them. */
export const RUNTIMES = ['pyxis', 'apptainer', 'singularity', 'podman', 'charliecloud'] as const;
export type Runtime = (typeof RUNTIMES)[number];
/** What an agent says of its cluster; '' is not said: a prototype client, or an agent of before. */
export type Containers = Runtime | 'none' | '';

/** What is looked for on the search path; pyxis has none of its own. */
export const PROGRAMS: Readonly<Record<Exclude<Runtime, 'pyxis'>, string>> = {
  apptainer: 'apptainer',
  singularity: 'singularity',
  podman: 'podman',
  charliecloud: 'ch-run',
};

export function isRuntime(name: string): name is Runtime {
  return (RUNTIMES as readonly string[]).includes(name);
}

/** What somebody else's word stands for: '' where this version does not know it. */
export function containersNamed(name: string): Containers {
  return name === 'none' || isRuntime(name) ? name : '';
}

/** As that runtime wants to be told; null where the name is none that it could fetch. A digest counts over a tag. */
export function spelledFor(runtime: Runtime, image: string): string | null {
  const reference = readReference(image);
  if (reference === null) return null;
  const what = reference.digest === '' ? `:${reference.tag}` : `@${reference.digest}`;
  switch (runtime) {
    case 'pyxis': {
      // Without a registry it is Docker's, as with `docker pull`.
      const { registry, repository } = reference;
      return registry === '' || registry === 'docker.io' ? `${repository}${what}` : `${registry}#${repository}${what}`;
    }
    case 'apptainer':
    case 'singularity':
      return `docker://${wholeName(reference)}${what}`;
    default:
      return `${wholeName(reference)}${what}`;
  }
}

/** With its registry: a machine's own list of registries to try would make a short name mean several things. */
function wholeName({ registry, repository }: Reference): string {
  if (registry !== '' && registry !== 'docker.io') return `${registry}/${repository}`;
  return `docker.io/${repository.includes('/') ? repository : `library/${repository}`}`;
}
