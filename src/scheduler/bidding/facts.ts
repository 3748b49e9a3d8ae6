/** What a policy may know of a job. `walltime` in seconds, `submittedAt` in milliseconds since 1970. */
import type { JobFacts } from '../../core/select/policy.ts';

export function factsOf(
  job: { readonly priority: number; readonly deadline?: number | null },
  walltime: number,
  submittedAt: number,
): JobFacts {
  return { walltime, priority: job.priority, submittedAt, deadline: job.deadline ?? null };
}
