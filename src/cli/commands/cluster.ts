/** `rainbow cluster …`: one cluster. */
import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { addShow } from './cluster/show.ts';

export function addCluster(parent: Command, run: Run): void {
  const cluster = parent.command('cluster').description('show a cluster');
  addShow(cluster, run);
}
