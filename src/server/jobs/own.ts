/**
 * Whose job it is. Another's job and no job are the same answer, so that ids tell nothing about others.
 */
import { RainbowError } from '../../core/errors.ts';
import type { ArrayRecord, JobId, JobRecord } from '../../store/store.ts';
import type { Person } from '../authenticate.ts';
import type { CallContext } from '../call.ts';
import type { Parts } from '../parts.ts';
import { checkJobId } from '../input.ts';

/** What has this id: one of them. */
export type Found =
  | { readonly job: JobRecord; readonly array: null }
  | { readonly job: null; readonly array: ArrayRecord };

/** The caller's own job, or for an operator anybody's. Throws `not_found` otherwise. */
export async function ownJob(parts: Parts, call: CallContext, id: string): Promise<JobRecord> {
  const { job, array } = await ownJobOrArray(parts, call, id);
  if (job !== null) return job;
  throw new RainbowError(
    'failed_precondition',
    `${array.id} is an array of ${array.tasks} tasks; name one of them by its own id: "rainbow jobs --array ${array.id}" lists them`,
  );
}

/** The same, or an array. */
export async function ownJobOrArray(parts: Parts, call: CallContext, id: string): Promise<Found> {
  return jobOrArrayOf(parts, parts.authenticator.person(call), checkJobId(id, 'id'));
}

export async function jobOrArrayOf(parts: Parts, person: Person, id: JobId): Promise<Found> {
  const mine = ({ owner }: { readonly owner: string }): boolean => person.kind === 'operator' || owner === person.owner;
  const job = await parts.store.jobs.get(id);
  if (job !== null && mine(job)) return { job, array: null };
  const array = job === null ? await parts.store.arrays.get(id) : null;
  if (array !== null && mine(array)) return { job: null, array };
  throw await noSuchJob(parts, id);
}

/** The same words whether it is another's, was deleted, or (while ended jobs are kept for ever) never was. */
export async function noSuchJob(parts: Parts, id: JobId): Promise<RainbowError> {
  const { retention } = parts.settings;
  const list = `list yours with "rainbow jobs"`;
  const none = `there is no job ${id} of yours; ${list}`;
  if (retention === '' || !(await parts.store.retention.wasGiven(id))) return new RainbowError('not_found', none);
  const message = `job ${id} is none of yours, or it ended and was deleted: this server keeps ended jobs ${retention}; ${list}`;
  return new RainbowError('not_found', message);
}
