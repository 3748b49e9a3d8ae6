/**
 * Satisfy: which clusters could hold this jobspec (JSON), everything idle. Anybody may ask, as in the prototype.
 * A cluster for which the matcher cannot say is a mismatch. `match` is the only matcher; `range` and `equals` are
 * other names of it, which the prototype's documentation uses.
 */
import { invalid, RainbowError } from '../../core/errors.ts';
import type { MemoryGraph } from '../../gen/prototype/memory_pb.js';
import { SatisfyResponse_ResultType as Result } from '../../gen/prototype/memory_pb.js';
import type { Handlers } from '../call.ts';
import { parseJobspec, quoted } from '../input.ts';
import type { Parts } from '../parts.ts';

const MATCHERS: readonly string[] = ['', 'match', 'range', 'equals'];

export function satisfy(parts: Parts): Handlers<typeof MemoryGraph>['satisfy'] {
  return async (request) => {
    if (!MATCHERS.includes(request.matcher)) {
      throw new RainbowError('invalid_input', `did not find algorithm named ${quoted(request.matcher).slice(1, -1)}`);
    }
    checkJson(request.payload);
    const jobspec = parseJobspec(request.payload, 'payload', 'json');
    const names = parts.scheduler.registry
      .list()
      .map(({ name }) => name)
      .sort();
    const matches = parts.scheduler.match(jobspec, names).filter(({ satisfiable }) => satisfiable.fits === 'yes');
    return {
      clusters: matches.map(({ cluster }) => cluster),
      status: Result.SUCCESS,
      totalClusters: names.length,
      totalMatches: matches.length,
      totalMismatches: names.length - matches.length,
    };
  };
}

/** The reader takes YAML too; this call never did. */
function checkJson(payload: string): void {
  try {
    JSON.parse(payload);
  } catch (error) {
    throw invalid('payload', `is not a jobspec as JSON: ${(error as Error).message}`);
  }
}
