/** `rainbow cluster maintenance`: a window that no job of the cluster may run into. */
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Command } from 'commander';
import { readTime } from '../../../core/jobspec/time.ts';
import { changedCluster, changeOptions } from '../../change-cluster.ts';
import { connect, type OperatorOptions } from '../../connection.ts';
import { UsageError } from '../../exit.ts';
import { inFlagWords, MAINTENANCE_FLAGS } from '../../flag-errors.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { clean } from '../../paint.ts';
import { clusterJson, maintenanceText } from '../../present/cluster.ts';
import { readMomentHere } from '../../times.ts';

interface Options extends OperatorOptions {
  readonly from?: string;
  readonly until?: string;
  readonly for?: string;
  readonly reason?: string;
  readonly cancel?: boolean;
}

export function addMaintenance(parent: Command, run: Run): void {
  const command = parent
    .command('maintenance')
    .description('plan maintenance: no job is placed there whose time limit reaches into it')
    .argument('<name>', 'the cluster')
    .option(
      '--from <time>',
      'when it begins: +2h, 2027-03-01T08:00 (this machine’s time) or with a zone, as in 08:00Z; else now',
    )
    .option('--until <time>', 'when it is over')
    .option('--for <span>', 'or how long it takes: 90m, 8h')
    .option('--reason <text>', 'why')
    .option('--cancel', 'cancel the one that begins --from then; without --from, all')
    .addHelpText('after', '\nExample:\n  rainbow cluster maintenance red --from 2027-03-01T08:00 --for 8h');
  changeOptions(command).action(run(maintenance));
}

async function maintenance(invocation: Invocation, options: Options, args: readonly string[]): Promise<void> {
  const now = invocation.io.system.clock.now();
  const from = options.from === undefined ? null : readMomentHere(options.from, '--from', now);
  const ends = [options.until, options.for].filter((each) => each !== undefined);
  if (options.cancel === true ? ends.length > 0 : ends.length !== 1) {
    throw new UsageError('give --until TIME or --for SPAN, one of them; or --cancel alone, or with --from TIME.');
  }
  const { name, secret, asking } = await changedCluster(invocation, options, args[0]);
  const cluster = await connect(invocation, asking, (client, signal) => {
    if (options.cancel === true) {
      const which = from === null ? {} : { from: timestampFromMs(from) };
      return inFlagWords(
        MAINTENANCE_FLAGS,
        options,
        client.clusters.cancelMaintenance({ cluster: name, secret, ...which }, { signal }),
      );
    }
    const begins = from ?? now;
    const until =
      options.until === undefined
        ? begins + readTime(options.for ?? '', '--for') * 1000
        : readMomentHere(options.until, '--until', now);
    const window = { from: timestampFromMs(begins), until: timestampFromMs(until), reason: options.reason ?? '' };
    return inFlagWords(
      MAINTENANCE_FLAGS,
      options,
      client.clusters.planMaintenance({ cluster: name, secret, window }, { signal }),
    );
  });
  invocation.result(clusterJson(cluster), () => {
    const planned = cluster.maintenance.map((each) => `  ${maintenanceText(each)}`);
    return planned.length === 0
      ? `cluster ${clean(name)} has no maintenance planned`
      : [`maintenance of cluster ${clean(name)}:`, ...planned].join('\n');
  });
}
