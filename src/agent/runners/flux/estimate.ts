/**
 * When Flux itself expects to start a job: for whoever bids. Whether it ever can is asked of the feasibility service
 * (about a millisecond; no command asks it, so a few lines of Python do). When, only some queue policies say (`easy`,
 * `hybrid`, `conservative` of Fluxion), and only of jobs that wait: `t_estimate`. Else our own estimate has to do.
 */
import { RainbowError } from '../../../core/errors.ts';
import { failed, type Flux } from './commands.ts';
import { readJobList } from './records.ts';

export type Estimate =
  /** Milliseconds since 1970. */
  | { readonly kind: 'at'; readonly start: number }
  /** It can never run as it is asked for; in Flux's words. */
  | { readonly kind: 'never'; readonly why: string }
  /** Flux does not say. */
  | { readonly kind: 'unknown' };

/** Of a job that is in Flux's queue. Throws `unavailable` where the instance is away. */
export async function estimateQueued(flux: Flux, id: string): Promise<Estimate> {
  const answer = await flux.ask(['job', 'list-ids', id]);
  if (answer.code !== 0) throw failed('flux job list-ids', answer);
  const [record] = readJobList(answer.stdout);
  const start = record?.startedAt ?? record?.expectedStart ?? null;
  return start === null ? { kind: 'unknown' } : { kind: 'at', start };
}

/** Prints `yes`, `never WHY`, or `unknown` where there is no such service. */
const PROGRAM = `
import errno, json, sys
import flux
try:
    flux.Flux().rpc("feasibility.check", {"jobspec": json.load(sys.stdin)}).get()
    print("yes")
except OSError as error:
    print("unknown" if error.errno == errno.ENOSYS else "never " + str(error.strerror))
`;

/** Could it ever run? `jobspec`: as it would be submitted. Throws as above. */
export async function isFeasible(flux: Flux, jobspec: string): Promise<Estimate | { readonly kind: 'yes' }> {
  const answer = await flux.ask(['python', '-c', PROGRAM], { input: jobspec });
  if (answer.code !== 0) throw failed('feasibility.check', answer);
  return readFeasible(answer.stdout);
}

/** Throws `unavailable` where that is no answer. */
export function readFeasible(stdout: string): Estimate | { readonly kind: 'yes' } {
  const said = stdout.trim();
  if (said === 'yes') return { kind: 'yes' };
  if (said === 'unknown') return { kind: 'unknown' };
  if (said.startsWith('never ')) return { kind: 'never', why: said.slice(6) };
  throw new RainbowError('unavailable', `the feasibility service said ${JSON.stringify(said.slice(0, 200))}`);
}
