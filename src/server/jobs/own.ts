/**
 * Whose job it is. Another's job and no job are the same answer, so that ids tell nothing about others.
 */
import { RainbowError } from '../../core/errors.ts';
import type { JobId, JobRecord } from '../../store/store.ts';
import type { Person } from '../authenticate.ts';
import type { CallContext } from '../call.ts';
import type { Parts } from '../parts.ts';
import { checkJobId } from '../input.ts';

/** The caller's own job, or for an operator anybody's. Throws `not_found` otherwise. */
export async function ownJob(parts: Parts, call: CallContext, id: string): Promise<JobRecord> {
  const person = parts.authenticator.person(call);
  return jobOf(parts, person, checkJobId(id, 'id'));
}

export async function jobOf(parts: Parts, person: Person, id: JobId): Promise<JobRecord> {
  const job = await parts.store.jobs.get(id);
  if (job === null || (person.kind !== 'operator' && job.owner !== person.owner)) throw noSuchJob(id);
  return job;
}

export function noSuchJob(id: JobId): RainbowError {
  return new RainbowError('not_found', `there is no job ${id} of yours; list yours with "rainbow jobs"`);
}
