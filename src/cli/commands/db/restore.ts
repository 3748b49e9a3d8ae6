/** `rainbow db restore`: a backup in the place of the store, made safe against what has happened since. */
import type { Command } from 'commander';
import type { Rewound } from '../../../store/upkeep/rewind.ts';
import { UsageError } from '../../exit.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { isoOf } from '../../present/time.ts';
import { DB_OPTION, DB_TEXT, paced, storeAddress } from '../../store-address.ts';

interface Options {
  readonly db?: string;
  readonly already?: boolean;
}

export function addRestore(parent: Command, run: Run): void {
  parent
    .command('restore')
    .description('put a backup in the place of the store; what was there is kept aside')
    .argument('[backup]', 'what "rainbow db backup" made')
    .option(DB_OPTION, DB_TEXT)
    .option('--already', 'the store was put back by other means (pg_restore, a snapshot of the disk): only tell it so')
    .addHelpText(
      'after',
      `
Stop the server first. Jobs that may have run since the backup do not run again
by themselves: those that were in a cluster’s queue are unknown until their
agent says what became of them, the others are held until the agent that has
them says so, or somebody releases them: docs/database.md.

Examples:
  rainbow db restore /var/backups/rainbow/rainbow-20260301T020000Z.db
  rainbow db restore --already --db postgres://rainbow@db.example.org/rainbow`,
    )
    .action(run(restore));
}

async function restore(invocation: Invocation, options: Options, [backup]: readonly string[]): Promise<void> {
  const already = options.already === true;
  if ((backup === undefined) !== already) throw new UsageError('give either the BACKUP or --already.');
  const address = await storeAddress(invocation, options.db);
  const { restoreStore, rewindStore } = await import('../../../store/upkeep/restore.ts');
  const { system } = invocation.io;
  if (backup === undefined) {
    const rewound = await paced(invocation, 'telling the store', () => rewindStore(address, system));
    invocation.result(rewoundJson(rewound), () => rewoundText(rewound));
    return;
  }
  const restored = await paced(invocation, 'checking the backup', (pace) =>
    restoreStore(backup, address, system, pace),
  );
  const { store, keptAside } = restored;
  invocation.result({ store, backup: restored.backup, keptAside, ...rewoundJson(restored) }, () =>
    [
      `${store}: as it was at ${isoOf(restored.takenAt)}`,
      ...(keptAside === null ? [] : [`the store that was there is kept as ${keptAside}`]),
      rewoundText(restored),
    ].join('\n'),
  );
}

function rewoundJson({ takenAt, held, unknown, nextJob }: Rewound) {
  return { takenAt: isoOf(takenAt), held, unknown, nextJob };
}

function rewoundText({ held, unknown, nextJob }: Rewound): string {
  const waits = `${held} held (rainbow jobs --operator --state pending, with the server’s secret), ${unknown} unknown until their agents are back`;
  return `jobs that may have gone on since: ${held + unknown === 0 ? 'none' : waits}; the next job is ${nextJob}`;
}
