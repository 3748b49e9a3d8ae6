/**
 * Does a cluster take this job now? Not while it is drained, and not where the job, started now, would run into a window
 * of maintenance. Pure. Where it stops: a job that waits in a cluster's own queue may start later than now; Slurm is told
 * windows by its own reservations.
 */
export interface Serving {
  readonly drained: { readonly reason: string } | null;
  /** Milliseconds since 1970. */
  readonly windows: readonly { readonly from: number; readonly until: number; readonly reason: string }[];
}

/** Why a cluster comes last from which nobody has ever called in, neither an agent nor a client that polls. */
export const UNHEARD = 'nobody has called in for it yet, and another that fits has an agent';

/** Why not, in words; null: it does. `walltime`: seconds. */
export function whyNotServing({ drained, windows }: Serving, now: number, walltime: number): string | null {
  if (drained !== null) return `it is drained${drained.reason === '' ? '' : `: ${drained.reason}`}`;
  const until = now + walltime * 1000;
  const window = windows.find((each) => each.until > now && each.from < until);
  if (window === undefined) return null;
  const what = `maintenance from ${iso(window.from)} until ${iso(window.until)}`;
  const why = window.reason === '' ? '' : ` (${window.reason})`;
  return window.from <= now ? `${what}${why} is under way` : `with its time limit it would run into ${what}${why}`;
}

function iso(at: number): string {
  // oxlint-disable-next-line no-restricted-globals -- arithmetic on a given time, no clock
  return new Date(at).toISOString().replace(/:\d\d\.\d{3}Z$/, 'Z');
}
