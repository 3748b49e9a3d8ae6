/** `rainbow cluster show`: everything about one cluster. */
import type { Command } from 'commander';
import { connect } from '../../connection.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { RainbowError } from '../../../core/errors.ts';
import { recordJson, recordLines } from '../../present/bid.ts';
import { clusterJson, clusterText } from '../../present/cluster.ts';
import { wrapped } from '../../wrap.ts';

export function addShow(parent: Command, run: Run): void {
  parent
    .command('show')
    .description('everything about one cluster')
    .argument('<name>', 'the cluster')
    .action(run(show));
}

async function show(invocation: Invocation, _options: object, args: readonly string[]): Promise<void> {
  const [name = ''] = args;
  const { cluster, record } = await connect(invocation, {}, async (client, signal) => ({
    cluster: await client.clusters.get({ name }, { signal }),
    // An older server keeps no record.
    record: await client.bids.getRecord({ cluster: name }, { signal }).catch((error: unknown) => {
      if (error instanceof RainbowError && error.code === 'unimplemented') return null;
      throw error;
    }),
  }));
  invocation.result({ ...clusterJson(cluster), bids: record === null ? null : recordJson(record) }, () =>
    [
      ...wrapped([clusterText(invocation.paint, cluster, invocation.io.system.clock.now())], invocation.io.stdout),
      ...(record === null ? [] : recordLines(invocation.paint, record)),
    ].join('\n'),
  );
}
