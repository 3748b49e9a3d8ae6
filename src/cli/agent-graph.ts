/**
 * What an agent registers, and knows of its cluster: the graph and the subsystems. What was given with flags counts;
 * else what it registered before (kept in its state directory, because the server gives no graph back); else this
 * machine. So an agent that is started again without its flags still names the same vertices.
 */
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import type { Discovery } from '../agent/runners/runner.ts';
import { discoverMachine } from './discover.ts';
import { RainbowError } from '../core/errors.ts';
import { UsageError } from './exit.ts';
import { readInput, writeOutput } from './files.ts';
import type { Io } from './io.ts';
import type { NamedFile } from './options.ts';

export interface AgentGraph {
  /** JGF text. */
  readonly graph: string;
  /** JGF text by name. */
  readonly subsystems: Readonly<Record<string, string>>;
}

function keptIn(stateDir: string): string {
  return join(stateDir, 'graph.json');
}

export interface FoundGraph {
  readonly graph: AgentGraph;
  /** Is it the resource graph that it registered before? */
  readonly isKept: boolean;
  /** Names of the subsystems that it registered before. */
  readonly former: readonly string[];
}

export async function agentGraph(
  io: Io,
  stateDir: string,
  name: string,
  flags: { readonly graph?: string; readonly subsystem?: readonly NamedFile[] },
  discovery: Discovery | null = null,
): Promise<FoundGraph> {
  if (discovery !== null) {
    if (flags.graph !== undefined || flags.subsystem !== undefined) {
      throw new UsageError(
        '--graph and --subsystem are for the process runner: this one asks its cluster what it has.',
      );
    }
    const kept = await readKept(stateDir);
    const former = Object.keys(kept?.subsystems ?? {});
    try {
      const { graph, subsystems } = await discovery.discover();
      return { graph: { graph, subsystems }, isKept: false, former };
    } catch (error) {
      // Its controller is away: what it was serves until it can be asked again.
      if (kept === null || !(error instanceof RainbowError) || error.code !== 'unavailable') throw error;
      return { graph: kept, isKept: true, former };
    }
  }
  const kept = await readKept(stateDir);
  const given = await Promise.all(
    (flags.subsystem ?? []).map(async ({ name, file }) => [name, await readInput(io, file)] as const),
  );
  const graph =
    flags.graph === undefined ? (kept?.graph ?? (await discoverMachine(name))) : await readInput(io, flags.graph);
  return {
    graph: { graph, subsystems: { ...kept?.subsystems, ...Object.fromEntries(given) } },
    isKept: graph === kept?.graph,
    former: Object.keys(kept?.subsystems ?? {}),
  };
}

export async function keepAgentGraph(stateDir: string, graph: AgentGraph): Promise<void> {
  await writeOutput(keptIn(stateDir), JSON.stringify(graph));
}

/** Null where there is none, or none that can be read: then it is made anew. */
async function readKept(stateDir: string): Promise<AgentGraph | null> {
  try {
    const read = JSON.parse(await readFile(keptIn(stateDir), 'utf8')) as Partial<AgentGraph>;
    return typeof read.graph === 'string' ? { graph: read.graph, subsystems: read.subsystems ?? {} } : null;
  } catch {
    return null;
  }
}
