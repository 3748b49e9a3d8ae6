/** Tasks of an array as people name them: `5[3]` or `5_3` is the task with index 3 of array 5. */
import type { RainbowClient } from '../client/client.ts';
import { RainbowError } from '../core/errors.ts';
import type { Job } from '../gen/rainbow/v1/job_pb.js';

const TASK = /^([1-9]\d{0,18})(?:\[(\d{1,10})\]|_(\d{1,10}))$/;

/** The id that the server knows it by. A job's own number needs no question. */
export async function idOf(client: RainbowClient, named: string, signal: AbortSignal): Promise<string> {
  const found = TASK.exec(named);
  if (found === null) return named;
  const [, array = '', inBrackets, behind] = found;
  const index = Number(inBrackets ?? behind);
  const { jobs } = await client.jobs.list({ array, arrayIndices: [index], limit: 1 }, { signal });
  const id = jobs[0]?.id;
  if (id === undefined) throw new RainbowError('not_found', `array ${array} has no task with index ${index}`);
  return id;
}

/** All tasks of an array, in order of their index; a page at a time. */
export async function* tasksOf(client: RainbowClient, array: string, signal: AbortSignal): AsyncGenerator<Job> {
  let pageToken = '';
  do {
    const page = await client.jobs.list({ array, oldestFirst: true, limit: 1000, pageToken }, { signal });
    yield* page.jobs;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
}

/** What a person calls it: a task by its array, else its number. */
export function jobName(job: Pick<Job, 'id' | 'arrayId' | 'arrayIndex'>): string {
  return job.arrayIndex === undefined ? job.id : `${job.arrayId}[${job.arrayIndex}]`;
}
