/** The files of a submit: measured, and sent where the server has them not, before the job is stored. */
import type { RainbowClient } from '../client/client.ts';
import { RainbowError } from '../core/errors.ts';
import { sizeText } from '../core/staging/size.ts';
import { sendFiles } from '../sandbox/send.ts';
import type { SubmitOptions } from './submit-options.ts';
import { inFlagWords, SUBMIT_FLAGS } from './flag-errors.ts';
import type { Invocation } from './invocation.ts';
import { startProgress } from './progress.ts';
import { entriesOf, measureAll, type FoundFile } from './staged-files.ts';

export interface Staged {
  readonly stageIn: ReturnType<typeof entriesOf>;
  readonly stageOut: string[];
}

/** `credentials`: what the job is submitted with. With --dry-run nothing is sent. Throws RainbowError before anything is, where it cannot all be. */
export async function stage(
  invocation: Invocation,
  client: RainbowClient,
  options: SubmitOptions,
  found: readonly FoundFile[],
  signal: AbortSignal,
  credentials: { name: string; token: string }[],
): Promise<Staged> {
  const stageOut = [...(options.stageOut ?? [])];
  if (found.length === 0 || options.dryRun === true) return { stageIn: [], stageOut };
  const { mostFiles, mostBytes, mostFileBytes } = await inFlagWords(
    SUBMIT_FLAGS,
    options,
    client.files.missing({ files: [], stageOut, credentials }, { signal }),
  );
  const progress = startProgress(invocation, 'reading the files that go along');
  try {
    const limits = { files: mostFiles, bytes: Number(mostBytes), fileBytes: Number(mostFileBytes) };
    const files = await measureAll(found, limits, (path) => progress.set(`reading ${path}`));
    let sent = 0;
    await sendFiles(client.files, { credentials }, files, {
      stageOut,
      signal,
      told(bytes, all) {
        sent += bytes;
        progress.set(`sending files: ${sizeText(sent)} of ${sizeText(all)}`);
      },
    });
    return { stageIn: entriesOf(files), stageOut };
  } finally {
    progress.end();
  }
}

/** How often a job is submitted whose files are gone again. */
const TRIES = 3;

/** Where others needed the room of its files before the job came, they are staged `again`. Throws RainbowError. */
export async function submitStaged<T>(
  staged: Staged,
  again: () => Promise<unknown>,
  submit: () => Promise<T>,
): Promise<T> {
  for (let left = TRIES - 1; ; left--) {
    try {
      return await submit();
    } catch (error) {
      const isGone = error instanceof RainbowError && error.code === 'aborted' && staged.stageIn.length > 0;
      if (!isGone || left === 0) throw error;
    }
    await again();
  }
}
