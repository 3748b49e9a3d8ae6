/** `rainbow cluster …`: one cluster. */
import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { addDrain } from './cluster/drain.ts';
import { addMaintenance } from './cluster/maintenance.ts';
import { addResume } from './cluster/resume.ts';
import { addShow } from './cluster/show.ts';

export function addCluster(parent: Command, run: Run): void {
  const cluster = parent.command('cluster').description('show a cluster; take it out of service and back');
  addShow(cluster, run);
  addDrain(cluster, run);
  addResume(cluster, run);
  addMaintenance(cluster, run);
}
