/**
 * What an attempt left behind goes to the server before its end is told there. Done again it is the same: contents that
 * are there are not sent, and the list replaces the one before.
 */
import { RainbowError } from '../../core/errors.ts';
import { sendFiles, type LocalFile } from '../../sandbox/send.ts';
import { findFiles } from './find-files.ts';
import { placeOf } from './order.ts';
import type { Transfer } from './transfer.ts';

/** Throws RainbowError: `unavailable` = try again; `aborted` = a file changed meanwhile, look again. */
export async function collect(parts: Transfer): Promise<void> {
  const { client, holder, order, signal } = parts;
  const { staging } = order;
  if (staging === undefined || staging.out.length === 0) return;
  const { sandbox } = placeOf(parts.folder, order);
  const found = await findFiles(sandbox, staging.out, staging.limits, parts.owner?.uid ?? null);
  await parts.reached('filesFound', order);
  let { files, notes }: { files: readonly LocalFile[]; notes: readonly string[] } = found;
  try {
    await sendFiles(client, { holder }, files, { signal });
  } catch (error) {
    if (!(error instanceof RainbowError) || error.code !== 'resource_exhausted') throw error;
    // The owner's quota: waiting does not mend it, and the job has ended.
    files = [];
    notes = [`nothing: ${error.message}`, ...notes];
  }
  await parts.reached('filesSent', order);
  const listed = files.map(({ entry }) => ({ ...entry, size: String(entry.size) }));
  await client.collect({ holder, files: listed, notes: [...notes] }, { signal });
  await parts.reached('filesCollected', order);
}
