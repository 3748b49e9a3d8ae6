/**
 * Does a job run in its image on a cluster, must it, and what stands in the way? (docs/decisions/0022) Pure.
 *
 * `attributes.user.image` and `attributes.system.image` (what `submit --image`, scripts and Kubernetes Jobs write) ask for
 * the image: where it cannot be run, something is lost. `attributes.image` is the prototype's word, which says first of all
 * what the nodes must be good for: a job that names its image so runs without it where there are no containers.
 */
import type { Jobspec } from '../jobspec/jobspec.ts';
import { checkImage, readReference } from '../image/reference.ts';
import { Attributes } from '../translate/attributes.ts';
import { isRuntime, spelledFor, type Containers } from './runtimes.ts';

/** Only where there is a runtime, and the image's name is one that it can fetch. */
export function runsInImage({ image }: Pick<Jobspec, 'image'>, containers: Containers): boolean {
  return image !== null && isRuntime(containers) && spelledFor(containers, image) !== null;
}

/** In words, what would be lost where its image must be run and cannot; null where nothing is. `text`: the jobspec. */
export function imageLoss(jobspec: Pick<Jobspec, 'image'>, text: string, containers: Containers): string | null {
  const { image } = jobspec;
  if (image === null || containers === '' || runsInImage(jobspec, containers) || !isAskedFor(text)) return null;
  return isRuntime(containers)
    ? `the image ${image} (no name of an image in a registry: NAME, NAME:TAG or NAME@sha256:…)`
    : `the image ${image} (no containers are run there)`;
}

/** For who submits: throws `invalid_input` where it asks for an image by what is no image's name. `text`: the jobspec. */
export function checkAskedImage({ image }: Pick<Jobspec, 'image'>, text: string): void {
  if (image === null || readReference(image) !== null || !isAskedFor(text)) return;
  const inSystem = new Attributes(text).peek('system', 'image') !== undefined;
  checkImage(image, inSystem ? 'attributes.system.image' : 'attributes.user.image');
}

function isAskedFor(text: string): boolean {
  const attributes = new Attributes(text);
  return attributes.peek('system', 'image') !== undefined || attributes.peek('image') === undefined;
}
