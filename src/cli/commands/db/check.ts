/** `rainbow db check`: is the database sound? */
import type { Command } from 'commander';
import type { Check } from '../../../store/upkeep/check.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { findingText } from '../../present/finding.ts';
import { DB_OPTION, DB_TEXT, paced, storeAddress } from '../../store-address.ts';

interface Options {
  readonly db?: string;
}

export function addCheck(parent: Command, run: Run): void {
  parent
    .command('check')
    .description('whether the database is sound, while servers run; exits 1 with what it finds')
    .option(DB_OPTION, DB_TEXT)
    .addHelpText(
      'after',
      `
Reads all of it, at one moment, and changes nothing. Each finding says where,
what, and what to do.

Examples:
  rainbow db check
  rainbow db check --db postgres://rainbow@db.example.org/rainbow --json`,
    )
    .action(run(check));
}

async function check(invocation: Invocation, options: Options): Promise<number> {
  const address = await storeAddress(invocation, options.db);
  const { checkStore } = await import('../../../store/upkeep/check.ts');
  const checked = await paced(invocation, 'checking', (pace) => checkStore(address, pace));
  const { store, schema, findings } = checked;
  invocation.result({ store, schema, sound: findings.length === 0, findings }, () => textOf(checked));
  return findings.length === 0 ? 0 : 1;
}

function textOf({ store, schema, findings }: Check): string {
  if (findings.length === 0) return `${store}: sound (schema ${schema})`;
  const lines = findings.map(findingText);
  return [...lines, `${store}: ${findings.length} findings`].join('\n');
}
