/** `rainbow db backup`: a proven copy of the embedded store, while the server runs. */
import type { Command } from 'commander';
import type { Invocation, Run } from '../../invocation.ts';
import { digestJson } from '../../present/digest.ts';
import { clean } from '../../paint.ts';
import { bytesText } from '../../present/output.ts';
import { isoOf } from '../../present/time.ts';
import { findingText } from '../../present/finding.ts';
import { DB_OPTION, DB_TEXT, paced, storeAddress } from '../../store-address.ts';

interface Options {
  readonly db?: string;
  readonly force?: boolean;
}

export function addBackup(parent: Command, run: Run): void {
  parent
    .command('backup')
    .description('a backup of the embedded store, while the server runs; compared with what it was made from')
    .argument('<to>', 'a new file, or a folder: then its name has the time')
    .option(DB_OPTION, DB_TEXT)
    .option('--force', 'replace the file where it is there')
    .addHelpText(
      'after',
      `
It appears under its name when it is complete, compared and on the disk; else
there is nothing, and the exit code is 1. It is 1, too, where “rainbow db check”
finds faults in it, which are then the store’s; such a backup is kept.

Examples:
  rainbow db backup /var/backups/rainbow
  rainbow db backup --db /var/lib/rainbow/rainbow.db before-upgrade.db`,
    )
    .action(run(backup));
}

async function backup(invocation: Invocation, options: Options, [to]: readonly string[]): Promise<number> {
  const address = await storeAddress(invocation, options.db);
  const { backupStore } = await import('../../../store/upkeep/backup.ts');
  const made = await paced(invocation, 'copying', (pace) =>
    backupStore(address, to ?? '', { force: options.force === true }, invocation.io.system, pace),
  );
  const { store, file, bytes, at, digest, findings } = made;
  const sound = findings.length === 0;
  invocation.result(
    { store, file, bytes, at: isoOf(at), sound, findings, ...digestJson(digest) },
    () =>
      `${file}: ${bytesText(bytes)}, ${digest.rows} rows in ${digest.tables.length} tables, checksum ${digest.checksum.slice(0, 16)}`,
  );
  if (sound) return 0;
  const faults = findings.map((finding) => `${findingText(finding)}\n`).join('');
  invocation.io.stderr.write(
    `${faults}${clean(file)}: a true copy, and kept, but the store has faults (${findings.length} findings), and so has this\n`,
  );
  return 1;
}
