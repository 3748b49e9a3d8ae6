/**
 * Could this cluster ever run it? Some batch systems take what they can never run, and let it wait for ever (Slurm
 * without EnforcePartLimits, Flux without its feasibility plugin): so the matcher is asked first, on the cluster as it
 * was discovered a moment ago.
 */
import { readGraph, readSubsystem } from '../../../core/graph/read.ts';
import type { Request } from '../../../core/jobspec/jobspec.ts';
import { createMatcher } from '../../../core/match/create.ts';
import type { Verdict } from '../../../core/match/matcher.ts';
import type { System } from '../../../system/system.ts';
import type { ClusterNow } from '../runner.ts';

const FRESH_MS = 60_000;

/** Answers what is missing, in words, '' where it fits. Throws `unavailable` where the cluster cannot be asked. */
export function createFitCheck(
  ask: () => Promise<ClusterNow>,
  cluster: string,
  { clock }: System,
): (request: Request) => Promise<string> {
  let model: { readonly at: number; readonly fits: Promise<(request: Request) => Verdict> } | null = null;

  const whatFits = (freshMs: number): Promise<(request: Request) => Verdict> => {
    if (model !== null && clock.monotonic() - model.at <= freshMs) return model.fits;
    const fits = ask().then(({ graph, subsystems }) => {
      const matcher = createMatcher();
      const read = readGraph(graph);
      const linked = Object.entries(subsystems).map(([each, text]) => readSubsystem(each, text, read));
      matcher.setCluster(cluster, read, linked);
      return (request: Request) => matcher.satisfiable(cluster, request);
    });
    fits.catch(() => (model = null));
    model = { at: clock.monotonic(), fits };
    return fits;
  };

  return async (request) => {
    if (!isSure((await whatFits(FRESH_MS))(request))) return '';
    // A node may have been added since.
    const again = (await whatFits(0))(request);
    return isSure(again) ? again.reasons.map((reason) => reason.message).join('; ') : '';
  };
}

/** Subsystems that the batch system knows nothing of are the server's to judge. */
function isSure({ fits, reasons }: Verdict): boolean {
  return fits === 'no' && reasons.some(({ stage }) => stage !== 'predicate');
}
