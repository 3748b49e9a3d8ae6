/** What a scheduler of its own is told of a job: all of it, or nothing is submitted. Pure. */
import type { ContainerRuntime } from '../../../core/containers/run.ts';
import { RainbowError } from '../../../core/errors.ts';
import { readJobspec } from '../../../core/jobspec/read.ts';
import { lossAllowed, lostOn } from '../../../core/translate/native.ts';

/**
 * Throws `invalid_input` where the jobspec is none, `failed_precondition` where it is none that the scheduler can be told
 * (`render` throws), or some of it would be lost and its owner has not said that this may be.
 */
export function toldOf<T>(
  jobspec: string,
  {
    runner,
    called,
    containers,
  }: { readonly runner: 'slurm' | 'flux'; readonly called: string; readonly containers: ContainerRuntime },
  render: (jobspec: string) => T,
): T {
  readJobspec(jobspec);
  let job: T;
  try {
    job = render(jobspec);
  } catch (error) {
    if (!(error instanceof RainbowError)) throw error;
    throw new RainbowError('failed_precondition', `${called} cannot be told this job: ${error.message}`, {
      cause: error,
    });
  }
  const lost = lossAllowed(jobspec) ? [] : lostOn(jobspec, runner, containers.name);
  if (lost.length > 0) {
    throw new RainbowError(
      'failed_precondition',
      `${called} cannot be told all of it: ${lost.join('; ')}. Allow it with attributes.rainbow.allowLossy, or leave it out`,
    );
  }
  return job;
}
