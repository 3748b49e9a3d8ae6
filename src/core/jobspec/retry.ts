/**
 * `attributes.rainbow.retry` of a jobspec: `limit`, and perhaps `on` (a list), `where`, `delay` (seconds). Kubernetes'
 * backoffLimit is read into it (translate/kubernetes/read.ts). Most jobspecs have none, and are not read for it again.
 */
import { retryPolicy, splitConditions, type RetryPolicy } from '../job/retry.ts';
import { readDocument } from './document.ts';
import { child, items, kindOf, number, refuseMisspelt, text, wrong } from './place.ts';
import type { Place } from './place.ts';

const KEYS = ['limit', 'on', 'where', 'delay'];

/** Null where it says nothing, or that it is not to be tried again. Throws `invalid_input` with the place. */
export function readRetry(jobspec: string): RetryPolicy | null {
  if (!jobspec.includes('retry')) return null;
  const document: Place = { node: readDocument(jobspec, 'jobspec'), path: '' };
  let place: Place | null = document;
  for (const key of ['attributes', 'rainbow', 'retry']) {
    if (place === null || place.node.kind !== 'map') return null;
    place = child(place, key);
  }
  if (place === null) return null;
  if (place.node.kind !== 'map') throw wrong(place, `must be a map with a limit, not ${kindOf(place)}`);
  refuseMisspelt(place, KEYS);
  const limit = child(place, 'limit');
  if (limit === null) throw wrong(place, '`limit` is missing: how often it is tried again');
  const on = child(place, 'on');
  const where = child(place, 'where');
  const delay = child(place, 'delay');
  const policy = retryPolicy(
    {
      limit: number(limit),
      on: on === null ? [] : conditions(on),
      where: where === null ? '' : text(where),
      delay: delay === null ? null : number(delay),
    },
    'attributes.rainbow.retry',
  );
  return policy.limit === 0 ? null : policy;
}

function conditions(place: Place): readonly string[] {
  if (place.node.kind === 'scalar') return splitConditions(text(place));
  return items(place).map(text);
}
