/**
 * Match: which clusters could hold a jobspec, why not the others, and which change would open most of them. Nothing is
 * stored; anybody may ask. Which vertices it would take is told only to those who may use the cluster.
 */
import { checkAskedImage } from '../../core/containers/job-image.ts';
import { RainbowError } from '../../core/errors.ts';
import type { Jobspec } from '../../core/jobspec/jobspec.ts';
import type { JobService } from '../../gen/rainbow/v1/jobs_pb.js';
import type { Handlers } from '../call.ts';
import { parseJobspec } from '../input.ts';
import { imageNeeds } from '../images/needs.ts';
import type { Parts } from '../parts.ts';
import { ownerOf } from '../authenticate.ts';
import { openCredentials, restrict } from './candidates.ts';
import { candidateToWire, openingToWire, structOf } from './convert.ts';

export function match(parts: Parts): Handlers<typeof JobService>['match'] {
  return async (request, call) => {
    const principal = parts.authenticator.principal(call);
    const opened =
      request.credentials.length === 0
        ? {
            clusters: parts.scheduler.registry
              .list()
              .map(({ name }) => name)
              .sort(),
          }
        : await openCredentials(parts, call, request.credentials);
    const candidates = restrict(opened.clusters, request.clusters);
    const isKnown = principal.kind === 'operator' || request.credentials.length > 0;
    // Whose job it would be, if that is known.
    const bearer = request.credentials.length > 0 ? ownerOf(request.credentials) : undefined;
    const owner = 'owner' in principal ? principal.owner : bearer;
    const asked = parseJobspec(request.jobspec, 'jobspec');
    checkAskedImage(asked, request.jobspec);
    const { jobspec } = await imageNeeds(parts, asked, request.compatibility, isKnown);
    if (request.placement && request.credentials.length === 0 && principal.kind !== 'operator') {
      throw new RainbowError(
        'unauthenticated',
        'a placement names the nodes of a cluster: send the names and tokens of the clusters that you may use',
      );
    }
    const results = parts.scheduler.match(jobspec, candidates, owner, request.jobspec);
    const openings = parts.scheduler.openings(jobspec, results).map(openingToWire);
    if (!request.placement) return { candidates: results.map(candidateToWire), openings };
    const placed = results.map(async (result) => {
      const placement = result.satisfiable.fits === 'yes' ? await placementOf(parts, jobspec, result.cluster) : null;
      return { ...candidateToWire(result), ...(placement === null ? {} : { placement }) };
    });
    return { candidates: await Promise.all(placed), openings };
  };
}

/** Null where the cluster was changed or deleted meanwhile. */
async function placementOf(parts: Parts, jobspec: Jobspec, cluster: string) {
  const witness = parts.scheduler.place(jobspec, cluster);
  if (witness === null) return null;
  const start = Math.floor(parts.system.clock.now() / 1_000);
  const end = jobspec.walltime === null ? 0 : start + Math.ceil(jobspec.walltime);
  const placement = await parts.scheduler.registry.placement(cluster, witness, { start, end });
  return placement === null ? null : structOf({ ...placement });
}
