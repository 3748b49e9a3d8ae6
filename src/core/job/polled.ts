/**
 * Is the job held by a polling prototype client? Such a lease has an end until it is accepted, and an acceptance
 * without a native id; what an agent accepted always has one (its own, or the job's id and epoch). Nobody can tell a
 * polling client anything.
 */
export function isPolled(job: {
  readonly leaseExpiresAt: number | null;
  readonly acceptedAt: number | null;
  readonly nativeId: string | null;
}): boolean {
  return job.leaseExpiresAt !== null || (job.acceptedAt !== null && job.nativeId === null);
}
