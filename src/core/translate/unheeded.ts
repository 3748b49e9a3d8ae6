/**
 * What a runner takes a job with and does not act on. Unlike what a scheduler cannot be told (native.ts) it is in nobody's
 * way; but its owner is to know. Pure.
 */
import { runsInImage } from '../containers/job-image.ts';
import type { Containers } from '../containers/runtimes.ts';
import type { Jobspec } from '../jobspec/jobspec.ts';

/** In words, each a sentence about the cluster; empty where all is heeded. `runner`: '' where it is not known. */
export function unheededOn(
  { image }: Pick<Jobspec, 'image'>,
  runner: string,
  containers: Containers,
): readonly string[] {
  if (image === null || runner === '' || runsInImage({ image }, containers)) return [];
  // What an agent of before does with it, which does not say whether it runs containers.
  if (containers === '' && runner !== 'process') return [];
  return [`its agent starts the program on the machine itself, so the image ${image} is not used there`];
}
