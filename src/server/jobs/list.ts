/**
 * List: the caller's jobs and arrays in pages; or the tasks of one array. A page begins behind a job, not at a count, so
 * jobs that arrive in between neither repeat nor hide any.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampMs, type Timestamp } from '@bufbuild/protobuf/wkt';
import { invalid, RainbowError } from '../../core/errors.ts';
import { checkName } from '../../core/names.ts';
import type { JobSchema } from '../../gen/rainbow/v1/job_pb.js';
import { JobOrder, type JobService, type ListJobsRequest } from '../../gen/rainbow/v1/jobs_pb.js';
import type { ArrayRecord, JobFilter, JobId, JobRecord } from '../../store/store.ts';
import type { Person } from '../authenticate.ts';
import type { Handlers } from '../call.ts';
import { checkJobId, checkJobName, checkText, quoted } from '../input.ts';
import { LIMITS } from '../limits.ts';
import type { Parts } from '../parts.ts';
import { arrayToWire, jobToWire, stateFromWire } from './convert.ts';
import { jobOrArrayOf } from './own.ts';

type Order = NonNullable<JobFilter['sort']>;

export function list(parts: Parts): Handlers<typeof JobService>['list'] {
  return async (request, call) => {
    const person = parts.authenticator.person(call);
    const limit = limitOf(request);
    const order = orderOf(request);
    // One more than asked for says whether there is another page.
    const filter = { ...(await filterOf(parts, person, request)), sort: order, limit: limit + 1 };
    const jobs = await parts.store.jobs.list(filter);
    const arrays = filter.array === undefined ? await parts.store.arrays.list(filter) : [];
    const found = merged(jobs, arrays, order, request.oldestFirst);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    const more = found.length > limit && last !== undefined;
    return {
      jobs: page.map((each): MessageInitShape<typeof JobSchema> =>
        'counts' in each ? arrayToWire(each) : jobToWire(each),
      ),
      nextPageToken: more ? pageToken(order, request.oldestFirst, keyOf(last, order), last.id) : '',
    };
  };
}

function limitOf({ limit }: ListJobsRequest): number {
  if (limit < 0) throw invalid('limit', `${limit} is negative; 1 to ${LIMITS.page}, or 0 for the default`);
  return Math.min(limit === 0 ? LIMITS.pageDefault : limit, LIMITS.page);
}

function orderOf({ order, oldestFirst }: ListJobsRequest): Order {
  switch (order) {
    case JobOrder.UNSPECIFIED:
    case JobOrder.SUBMITTED:
      return 'submitted';
    case JobOrder.ENDED:
      return 'ended';
    case JobOrder.PRIORITY:
      if (oldestFirst) throw invalid('oldest_first', 'jobs by priority are highest first; leave it out');
      return 'priority';
    default:
      throw invalid('order', `${String(order)} is not known; use SUBMITTED, PRIORITY or ENDED`);
  }
}

async function filterOf(parts: Parts, person: Person, request: ListJobsRequest): Promise<Omit<JobFilter, 'limit'>> {
  const operator = person.kind === 'operator';
  if (request.all && !operator) {
    throw new RainbowError('permission_denied', "all: everybody's jobs are for operators; leave it out for yours");
  }
  if (request.owner !== '' && !request.all) {
    throw invalid('owner', 'goes with all, and is for operators; leave it out for your own jobs');
  }
  const states = [...new Set(request.states.map((state, i) => stateFromWire(state, `states[${i}]`)))];
  const array = request.array === '' || request.array === '0' ? null : checkJobId(request.array, 'array');
  if (array !== null) {
    const found = await jobOrArrayOf(parts, person, array);
    if (found.array === null) throw invalid('array', `job ${array} is no array; ask for it by itself`);
  } else if (request.arrayIndices.length > 0) {
    throw invalid('array_indices', 'are those of an array; say which');
  }
  if (request.arrayIndices.length > LIMITS.page) throw invalid('array_indices', `at most ${LIMITS.page}`);
  const owner = array !== null ? null : request.all ? request.owner : person.owner;
  const since = timeOf(request.since, 'since');
  const until = timeOf(request.until, 'until');
  return {
    ...(owner === null || owner === '' ? {} : { owner: checkText(owner, 'owner') }),
    ...(states.length === 0 ? {} : { states }),
    ...(request.cluster === '' ? {} : { cluster: checkName(request.cluster, 'cluster') }),
    ...(request.name === '' ? {} : { name: checkJobName(request.name, 'name') }),
    ...(array === null ? {} : { array }),
    ...(request.arrayIndices.length === 0 ? {} : { indices: request.arrayIndices }),
    ...(since === null ? {} : { since }),
    ...(until === null ? {} : { until }),
    ...readPageToken(request.pageToken, orderOf(request), request.oldestFirst),
    oldestFirst: request.oldestFirst,
  };
}

function timeOf(at: Timestamp | undefined, place: string): number | null {
  if (at === undefined) return null;
  const ms = Math.trunc(timestampMs(at));
  if (!Number.isSafeInteger(ms) || ms < 0) throw invalid(place, 'is no time after 1970');
  return ms;
}

type Listed = JobRecord | ArrayRecord;

/** Both are in order; equal keys by id, in the direction of the order. */
function merged(
  jobs: readonly JobRecord[],
  arrays: readonly ArrayRecord[],
  order: Order,
  oldestFirst: boolean,
): readonly Listed[] {
  if (arrays.length === 0) return jobs;
  const upward = order === 'priority' || oldestFirst;
  const place = (each: Listed): number => (order === 'priority' ? -each.priority : keyOf(each, order));
  const byId = (a: JobId, b: JobId): number => (BigInt(a) < BigInt(b) ? -1 : 1);
  return [...jobs, ...arrays].sort((a, b) => {
    const difference = place(a) - place(b) || byId(a.id, b.id);
    return upward ? difference : -difference;
  });
}

/** What the order goes by, before the id. */
function keyOf(each: Listed, order: Order): number {
  if (order === 'ended') return each.endedAt ?? 0;
  return order === 'priority' ? each.priority : 0;
}

/** Opaque to callers: the order, and the last job of the page before. */
function pageToken(order: Order, oldestFirst: boolean, key: number, id: JobId): string {
  return Buffer.from(`${order}${oldestFirst ? '+' : '-'} ${key} ${id}`).toString('base64url');
}

function readPageToken(token: string, order: Order, oldestFirst: boolean): { after?: JobId; afterKey?: number } {
  if (token === '') return {};
  const text = token.length > 96 ? '' : Buffer.from(token, 'base64url').toString('latin1');
  const wrong = (): Error =>
    invalid('page_token', `${quoted(token)} is not one of this listing; begin again without it, with the same order`);
  const [listing, key = '', id = ''] = text.split(' ');
  if (listing !== `${order}${oldestFirst ? '+' : '-'}` || !/^-?\d{1,16}$/.test(key)) throw wrong();
  try {
    return { after: checkJobId(id, 'page_token'), afterKey: Number(key) };
  } catch {
    throw wrong();
  }
}
