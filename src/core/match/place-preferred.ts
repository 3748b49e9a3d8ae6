/** Where to put a job of which some nodes suit the image better: on those if they are enough, else on any that do. */
import { byPreference } from '../image/constrain.ts';
import type { Request } from '../jobspec/jobspec.ts';
import type { Matcher, Witness } from './matcher.ts';

export function placePreferred(
  matcher: Matcher,
  cluster: string,
  request: Request,
  on: 'free' | 'all',
): Witness | null {
  for (const preferred of byPreference(request)) {
    const witness = matcher.place(cluster, preferred.request, on);
    if (witness !== null) return witness;
  }
  return null;
}
