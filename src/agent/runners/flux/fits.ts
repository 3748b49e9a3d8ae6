/**
 * Could this cluster ever run it? A Flux without the `feasibility` validator takes what it can never run and fails it
 * later: so the matcher is asked first, on the cluster as it was discovered a moment ago.
 */
import { RainbowError } from '../../../core/errors.ts';
import { readGraph, readSubsystem } from '../../../core/graph/read.ts';
import type { Request } from '../../../core/jobspec/jobspec.ts';
import { createMatcher } from '../../../core/match/create.ts';
import type { Verdict } from '../../../core/match/matcher.ts';
import type { System } from '../../../system/system.ts';
import type { ClusterNow } from '../runner.ts';

const FRESH_MS = 60_000;

/** Throws `failed_precondition` with what is missing, or what `ask` throws. */
export function createFitCheck(
  ask: () => Promise<ClusterNow>,
  cluster: string,
  { clock }: System,
): (request: Request) => Promise<void> {
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
    if (!isSure((await whatFits(FRESH_MS))(request))) return;
    // A node may have been added since.
    const again = (await whatFits(0))(request);
    if (!isSure(again)) return;
    const why = again.reasons.map((reason) => reason.message).join('; ');
    throw new RainbowError('failed_precondition', `it does not fit this cluster: ${why}`);
  };
}

/** Subsystems that Flux knows nothing of are the server's to judge. */
function isSure({ fits, reasons }: Verdict): boolean {
  return fits === 'no' && reasons.some(({ stage }) => stage !== 'predicate');
}
