/**
 * List: the caller's jobs in pages. A page begins after an id, not at a count, so jobs that arrive in between neither
 * repeat nor hide any.
 */
import { invalid, RainbowError } from '../../core/errors.ts';
import { checkName } from '../../core/names.ts';
import type { JobService } from '../../gen/rainbow/v1/jobs_pb.js';
import type { JobId } from '../../store/store.ts';
import type { Handlers } from '../call.ts';
import { checkJobId, checkJobName, quoted } from '../input.ts';
import { LIMITS } from '../limits.ts';
import type { Parts } from '../parts.ts';
import { jobToWire, stateFromWire } from './convert.ts';

export function list(parts: Parts): Handlers<typeof JobService>['list'] {
  return async (request, call) => {
    const person = parts.authenticator.person(call);
    if (request.all && person.kind !== 'operator') {
      throw new RainbowError('permission_denied', "all: everybody's jobs are for operators; leave it out for yours");
    }
    if (request.limit < 0)
      throw invalid('limit', `${request.limit} is negative; 1 to ${LIMITS.page}, or 0 for the default`);
    const limit = Math.min(request.limit === 0 ? LIMITS.pageDefault : request.limit, LIMITS.page);
    const states = [...new Set(request.states.map((state, i) => stateFromWire(state, `states[${i}]`)))];
    const after = readPageToken(request.pageToken, request.oldestFirst);
    // One more than asked for says whether there is another page.
    const found = await parts.store.jobs.list({
      ...(request.all ? {} : { owner: person.owner }),
      ...(states.length === 0 ? {} : { states }),
      ...(request.cluster === '' ? {} : { cluster: checkName(request.cluster, 'cluster') }),
      ...(request.name === '' ? {} : { name: checkJobName(request.name, 'name') }),
      ...(after === null ? {} : { after }),
      oldestFirst: request.oldestFirst,
      limit: limit + 1,
    });
    const page = found.slice(0, limit);
    return {
      jobs: page.map((job) => jobToWire(job)),
      nextPageToken: found.length > limit ? pageToken(page.at(-1)!.id, request.oldestFirst) : '',
    };
  };
}

/** Opaque to callers: the order and the last id of the page before. */
function pageToken(id: JobId, oldestFirst: boolean): string {
  return Buffer.from(`${oldestFirst ? 'o' : 'n'}${id}`).toString('base64url');
}

function readPageToken(token: string, oldestFirst: boolean): JobId | null {
  if (token === '') return null;
  const text = token.length > 64 ? '' : Buffer.from(token, 'base64url').toString('latin1');
  const wrong = (): Error =>
    invalid(
      'page_token',
      `${quoted(token)} is not one of this listing; begin again without it, with the same oldest_first`,
    );
  if (text[0] !== (oldestFirst ? 'o' : 'n')) throw wrong();
  try {
    return checkJobId(text.slice(1), 'page_token');
  } catch {
    throw wrong();
  }
}
