/** Asks Flux what the cluster is, and how it stands: resources, properties, queues, the number of jobs. */
import {
  readDefaultQueue,
  readDrained,
  readJobStats,
  readQueues,
  readRankParts,
  STATUS_FORMAT,
} from '../../../core/discover/flux.ts';
import { layOut, type FoundNode } from '../../../core/discover/layout.ts';
import { readRDocument } from '../../../core/discover/r-document.ts';
import { RainbowError } from '../../../core/errors.ts';
import type { ClusterNow } from '../runner.ts';
import { failed, type Flux } from './commands.ts';
import { clusterState, type InUse } from './nodes.ts';

/** What jobs have and what is out of service. Throws RainbowError, `unavailable` where the instance is away. */
export async function askInUse(flux: Flux): Promise<InUse> {
  const [down, allocated] = await Promise.all(
    ['down', 'allocated'].map(async (state) => readRankParts(await said(flux, ['resource', 'R', '-s', state]))),
  );
  return { down: down!, allocated: allocated! };
}

/** The nodes of the scheduler: those that an administrator excluded are none of them. Throws as above. */
export async function askNodes(flux: Flux): Promise<readonly FoundNode[]> {
  return readRDocument(await said(flux, ['resource', 'R']), '').nodes;
}

/** `name`: of the cluster in its graph. */
export async function askCluster(flux: Flux, name: string): Promise<ClusterNow> {
  const [nodes, inUse, status, stats, queues, policy] = await Promise.all([
    askNodes(flux),
    askInUse(flux),
    said(flux, ['resource', 'status', '-n', '-o', STATUS_FORMAT]),
    said(flux, ['job', 'stats']),
    configured(flux, 'queues'),
    configured(flux, 'policy'),
  ]);
  const partitions = readQueues(queues, nodes, readDefaultQueue(policy));
  return {
    ...layOut({ name, nodes, partitions }),
    state: clusterState(nodes, inUse, readDrained(status), readJobStats(stats)),
  };
}

async function said(flux: Flux, args: readonly string[]): Promise<string> {
  const answer = await flux.ask(args);
  if (answer.code === 0) return answer.stdout;
  const error = failed(`flux ${args.slice(0, 2).join(' ')}`, answer);
  // Right after its start an instance has no scheduler yet.
  throw error.code === 'unavailable' ? error : new RainbowError('unavailable', error.message);
}

/** '' where it is not configured. */
async function configured(flux: Flux, key: string): Promise<string> {
  const answer = await flux.ask(['config', 'get', key]);
  if (answer.code === 0) return answer.stdout;
  if (answer.stderr.includes('is not set')) return '';
  throw failed('flux config get', answer);
}
