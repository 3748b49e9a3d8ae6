/** Reading a resource graph and its subsystems from files; errors name the file. */
import { RainbowError } from '../core/errors.ts';
import type { ResourceGraph, Subsystem } from '../core/graph/graph.ts';
import { readInput } from './files.ts';
import type { Io } from './io.ts';
import type { NamedFile } from './options.ts';

export interface GraphFiles {
  readonly graph: ResourceGraph;
  readonly subsystems: readonly { readonly file: string; readonly subsystem: Subsystem }[];
}

export async function readGraphFiles(io: Io, file: string, subsystems: readonly NamedFile[]): Promise<GraphFiles> {
  const { readGraph, readSubsystem } = await import('../core/graph/read.ts');
  const text = await readInput(io, file);
  const graph = about(file, () => readGraph(text));
  const read: { file: string; subsystem: Subsystem }[] = [];
  for (const { name, file } of subsystems) {
    const text = await readInput(io, file);
    read.push({ file, subsystem: about(file, () => readSubsystem(name, text, graph)) });
  }
  return { graph, subsystems: read };
}

/** Runs a reader; its errors say which file they are about. */
export function about<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RainbowError)) throw error;
    const name = file === '-' ? 'standard input' : file;
    throw new RainbowError(error.code, `${name}: ${error.message}`, { cause: error });
  }
}
