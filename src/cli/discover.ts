/** What this machine has, as a resource graph: one node with its cores and memory. */
import { availableParallelism, hostname, totalmem } from 'node:os';

/** JGF text; the cluster is called `name`, or like the machine. */
export async function discoverMachine(name?: string): Promise<string> {
  const { generateGraph } = await import('../core/graph/generate.ts');
  const machine = hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 63);
  return generateGraph({
    name: name ?? (/^[A-Za-z0-9]/.test(machine) ? machine : 'machine'),
    nodes: 1,
    coresPerNode: availableParallelism(),
    memoryGiBPerNode: Math.max(1, Math.floor(totalmem() / 2 ** 30)),
  });
}
