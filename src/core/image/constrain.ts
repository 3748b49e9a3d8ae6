/** What an image needs, as part of what the job asks for; and which of several ways to meet it is preferred. */
import type { Jobspec, Request } from '../jobspec/jobspec.ts';
import { atLeast, weightsOf, type Compatibility } from './compatibility.ts';

const constrained = new WeakMap<Jobspec, WeakMap<Compatibility, Jobspec>>();

/** The same objects give the same object, of which the matcher knows the answers. */
export function constrain(jobspec: Jobspec, needs: Compatibility): Jobspec {
  let known = constrained.get(jobspec);
  if (known === undefined) constrained.set(jobspec, (known = new WeakMap()));
  let made = known.get(needs);
  if (made === undefined) {
    made = { ...jobspec, request: { ...jobspec.request, image: needs } };
    known.set(needs, made);
  }
  return made;
}

/** Heavier sets that are tried apart; the rest together. */
const MOST_WEIGHTS = 8;

export interface Preference {
  readonly weight: number;
  readonly request: Request;
}

const preferences = new WeakMap<Request, readonly Preference[]>();

/**
 * The request with only its heaviest sets, then with those of the next weight too, and so on: the best first. The last
 * is the request itself. One that asks for no image is its own only preference, of weight 0.
 */
export function byPreference(request: Request): readonly Preference[] {
  const needs = request.image ?? null;
  if (needs === null) return [{ weight: 0, request }];
  let made = preferences.get(request);
  if (made === undefined) {
    const weights = weightsOf(needs);
    const last = weights.at(-1) ?? 0;
    made = [
      ...weights
        .slice(0, Math.min(weights.length - 1, MOST_WEIGHTS))
        .map((weight) => ({ weight, request: { ...request, image: atLeast(needs, weight) } })),
      { weight: last, request },
    ];
    preferences.set(request, made);
  }
  return made;
}
