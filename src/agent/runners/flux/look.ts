/** All jobs: those that are there (`flux job list`) and those that ended since the last look (`list-inactive`). */
import { RainbowError } from '../../../core/errors.ts';
import { failed, type Flux } from './commands.ts';
import { readJobList, type FluxRecord } from './records.ts';

/** Ends are asked for again for so long: an end may be stamped a little before it is listed. */
const OVERLAP_MS = 60_000;

/**
 * Each call is a look. A job that ended between the two questions is there once, as ended. Throws `unavailable` where
 * the instance cannot be asked.
 */
export function createLook(flux: Flux): () => Promise<readonly FluxRecord[]> {
  /** By Flux's own clock. The first look is at all that it still knows. */
  let endedSince = 0;
  const list = async (args: readonly string[]): Promise<readonly FluxRecord[]> => {
    const answer = await flux.ask(['job', ...args]);
    if (answer.code === 0) return readJobList(answer.stdout);
    const error = failed(`flux job ${args[0]}`, answer);
    // Whatever it complains of, nothing is known of any job.
    throw error.code === 'unavailable' ? error : new RainbowError('unavailable', error.message);
  };
  return async () => {
    const before = endedSince;
    // Another instance may answer after one that fails, with a clock and a history of its own.
    endedSince = 0;
    const active = await list(['list']);
    const ended = await list(['list-inactive', '-s', String(Math.max(0, before - OVERLAP_MS) / 1000)]);
    endedSince = ended.reduce((last, { endedAt }) => Math.max(last, endedAt ?? 0), before);
    return [...new Map([...active, ...ended].map((record) => [record.id, record])).values()];
  };
}
