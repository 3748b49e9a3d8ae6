/** Reading a resource graph and its subsystems from files; errors name the file. */
import type { NamedSubsystem, ResourceGraph } from '../core/graph/graph.ts';
import { about, readInput } from './files.ts';
import type { Io } from './io.ts';
import type { NamedFile } from './options.ts';

export interface GraphFiles {
  readonly graph: ResourceGraph;
  readonly subsystems: readonly { readonly file: string; readonly subsystem: NamedSubsystem }[];
}

export async function readGraphFiles(io: Io, file: string, subsystems: readonly NamedFile[]): Promise<GraphFiles> {
  const { readGraph, readSubsystem } = await import('../core/graph/read.ts');
  const text = await readInput(io, file);
  const graph = about(file, () => readGraph(text));
  const read: { file: string; subsystem: NamedSubsystem }[] = [];
  for (const { name, file } of subsystems) {
    const text = await readInput(io, file);
    read.push({ file, subsystem: about(file, () => readSubsystem(name, text, graph)) });
  }
  return { graph, subsystems: read };
}
