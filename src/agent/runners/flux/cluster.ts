/**
 * Asks Flux what the cluster is, and how it stands: resources, properties, queues, the number of jobs. Several commands
 * would say it, each with a Python interpreter of its own (`flux resource R -s down` …); one program asks all of it at
 * once, a seventh of the time: 0.08 s.
 */
import {
  readFluxCluster,
  readFluxResources,
  type FluxCluster,
  type FluxResources,
} from '../../../core/discover/flux.ts';
import { layOut } from '../../../core/discover/layout.ts';
import { RainbowError } from '../../../core/errors.ts';
import type { ClusterNow } from '../runner.ts';
import { failed, type Flux } from './commands.ts';
import { clusterState } from './nodes.ts';

/** Prints what core/discover/flux.ts reads. Flux before 0.59 has the scheduler itself answer. */
const PROGRAM = `
import errno, json, sys
import flux

handle = flux.Flux()

def ask(topic):
    return handle.rpc(topic, nodeid=0).get()

def resources():
    try:
        return ask("resource.sched-status")
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        return ask("sched.resource-status")

said = {"resources": resources()}
if sys.argv[1] == "cluster":
    said["drain"] = list(ask("resource.status")["drain"])
    said["stats"] = handle.rpc("job-list.job-stats", {}).get()
    said["queues"] = handle.conf_get("queues", default={})
    said["policy"] = handle.conf_get("policy", default={})
print(json.dumps(said))
`;

/** What there is, what jobs have, what is out of service. Throws RainbowError, `unavailable` where it is away. */
export async function askResources(flux: Flux): Promise<FluxResources> {
  return readFluxResources(await said(flux, 'resources'));
}

/** The same, with queues and what is drained. Throws as above. */
export async function askAll(flux: Flux): Promise<FluxCluster> {
  return readFluxCluster(await said(flux, 'cluster'));
}

/** `name`: of the cluster in its graph. Throws as above. */
export async function askCluster(flux: Flux, name: string): Promise<ClusterNow> {
  const found = await askAll(flux);
  return { ...layOut({ name, nodes: found.nodes, partitions: found.queues }), state: clusterState(found) };
}

async function said(flux: Flux, what: 'resources' | 'cluster'): Promise<string> {
  const answer = await flux.ask(['python', '-c', PROGRAM, what]);
  if (answer.code === 0) return answer.stdout;
  const error = failed('asking for its resources', answer);
  // Right after its start an instance has no scheduler yet.
  throw error.code === 'unavailable' ? error : new RainbowError('unavailable', error.message);
}
