/** What this machine has, as a resource graph: its node with sockets, NUMA domains, cores, gpus and memory. */
import { readFileSync, readdirSync } from 'node:fs';
import { arch, availableParallelism, hostname, totalmem } from 'node:os';

/** JGF text; the cluster is called `name`, or like the machine. */
export async function discoverMachine(name?: string): Promise<string> {
  const [{ layOut }, { readMachine }] = await Promise.all([
    import('../core/discover/layout.ts'),
    import('../core/discover/machine.ts'),
  ]);
  const machine = machineName();
  const facts = { hostname: machine, arch: arch(), cores: availableParallelism(), memoryBytes: totalmem() };
  return layOut(readMachine(FILES, facts, name ?? machine)).graph;
}

/** As a name of a cluster may be. */
export function machineName(): string {
  const machine = hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 63);
  return /^[A-Za-z0-9]/.test(machine) ? machine : 'machine';
}

const FILES = {
  read(path: string): string | null {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return null;
    }
  },
  list(path: string): readonly string[] {
    try {
      return readdirSync(path);
    } catch {
      return [];
    }
  },
};
