/**
 * What a runner takes a job with and does not act on. Unlike what a scheduler cannot be told (native.ts) it is in nobody's
 * way; but its owner is to know. Pure.
 */
import type { Jobspec } from '../jobspec/jobspec.ts';

/** In words, each a sentence about the cluster; empty where all is heeded. `runner`: '' where it is not known. */
export function unheededOn({ image }: Pick<Jobspec, 'image'>, runner: string): readonly string[] {
  if (image === null || runner !== 'process') return [];
  return [`its agent starts programs on the machine itself, so the image ${image} is not used there`];
}
