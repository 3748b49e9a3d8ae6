/** What an image needs, as part of what the job asks for. */
import type { Jobspec } from '../jobspec/jobspec.ts';
import type { Compatibility } from './compatibility.ts';

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
