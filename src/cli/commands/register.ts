/** `rainbow register …`: clusters and their subsystems. */
import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { addCluster } from './register/cluster.ts';
import { addSubsystem } from './register/subsystem.ts';

export function addRegister(parent: Command, run: Run): void {
  const register = parent.command('register').description('register a cluster, or a subsystem of one');
  addCluster(register, run);
  addSubsystem(register, run);
}
