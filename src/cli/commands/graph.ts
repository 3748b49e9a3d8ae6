/** `rainbow graph …`: make, check and draw resource graphs. */
import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { addDiscover } from './graph/discover.ts';
import { addGenerate } from './graph/generate.ts';
import { addNfd } from './graph/nfd.ts';
import { addShow } from './graph/show.ts';
import { addValidate } from './graph/validate.ts';

export function addGraph(parent: Command, run: Run): void {
  const graph = parent.command('graph').description('make, check and draw resource graphs');
  addDiscover(graph, run);
  addGenerate(graph, run);
  addNfd(graph, run);
  addValidate(graph, run);
  addShow(graph, run);
}
