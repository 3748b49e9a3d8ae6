/** `rainbow clusters`: what is registered, what is free, when it last spoke. */
import type { Command } from 'commander';
import { connect } from '../connection.ts';
import type { Invocation, Run } from '../invocation.ts';
import { clusterColumns, clusterJson } from '../present/cluster.ts';
import { table, tableWidth } from '../table.ts';

export function addClusters(parent: Command, run: Run): void {
  parent.command('clusters').description('what is registered, what is free, when it last spoke').action(run(clusters));
}

async function clusters(invocation: Invocation): Promise<void> {
  const { io, paint } = invocation;
  const { clusters } = await connect(invocation, {}, (client, signal) => client.clusters.list({}, { signal }));
  invocation.result(clusters.map(clusterJson), () =>
    clusters.length === 0
      ? 'no clusters; register one with: rainbow register cluster, or start an agent: rainbow agent'
      : table(
          clusterColumns(paint, io.system.clock.now()),
          clusters,
          (title) => paint.dim(title),
          tableWidth(io.stdout),
        ),
  );
}
