/** `rainbow db copy`: a whole store into another, on whichever engine. */
import type { Command } from 'commander';
import type { Invocation, Run } from '../../invocation.ts';
import { digestJson, digestText } from '../../present/digest.ts';
import { addressOf, paced } from '../../store-address.ts';

interface Options {
  readonly from: string;
  readonly to: string;
}

export function addCopy(parent: Command, run: Run): void {
  parent
    .command('copy')
    .description('all of a store into a new one: SQLite to PostgreSQL, back, or between two of a kind')
    .requiredOption('--from <store>', 'a file or postgres://…; brought to the newest schema first, as at a start')
    .requiredOption('--to <store>', 'a file that is not there yet, or postgres://… of an empty database or schema')
    .addHelpText(
      'after',
      `
No server may run on either. The copy is read again and compared, table by
table; only then does it become a store.

Examples:
  rainbow db copy --from a.db --to postgres://rainbow@db.example.org/rainbow
  rainbow db copy --from postgres://rainbow@db.example.org/rainbow --to copy.db`,
    )
    .action(run(copy));
}

async function copy(invocation: Invocation, options: Options): Promise<void> {
  const { io } = invocation;
  const { copyStore } = await import('../../../store/upkeep/copy.ts');
  const copied = await paced(invocation, 'opening both stores', (pace) =>
    copyStore(addressOf(io.env, options.from), addressOf(io.env, options.to), io.system, pace),
  );
  const { from, to, digest } = copied;
  invocation.result({ from, to, ...digestJson(digest) }, () => `${digestText(digest)}\n${from} and ${to} are the same`);
}
