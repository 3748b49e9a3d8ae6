/**
 * A native job that Slurm does not show any more: how did it end? In this order: what the wrapper wrote; Slurm's
 * jobcomp file; sacct. Where none knows and it never began, Slurm lost it (a controller that was killed) and it is
 * submitted again: should the lost one come back after all, only one of the two gets the claim.
 */
import { readFile } from 'node:fs/promises';
import type { NativeEnd } from '../runner.ts';
import type { Slurm } from './commands.ts';
import type { Said, SlurmJobEntry } from './jobs.ts';
import { readCompletions, readSacct, SACCT_FORMAT, type CompletionLine } from './records.ts';
import { endOf, phaseOf } from './status.ts';

export type Fate =
  | { readonly kind: 'ended'; readonly end: NativeEnd; readonly endedAt: number }
  | { readonly kind: 'lost' }
  /** It may show itself yet. */
  | { readonly kind: 'unknown' };

/** Missing for so long, and so many looks, before anything is concluded from that alone. */
const LOST_MS = 8_000;
const LOST_LOOKS = 3;
/** It had begun, and its end is nowhere. */
const SILENT_MS = 60_000;

export async function fateOf(
  job: SlurmJobEntry,
  said: Said,
  sources: { readonly slurm: Slurm; readonly jobcomp: string | null; readonly hasAccounting: boolean },
  now: number,
): Promise<Fate> {
  const tasks = job.accepted.lastTask + 1;
  // 1. The wrapper.
  if (said.ends.length > 0 && said.ends.length >= Math.min(tasks, Math.max(1, said.claimedBy.size))) {
    const state = said.ends.some(({ status }) => status !== 0) ? 'FAILED' : 'COMPLETED';
    const record = { state: job.stop === null ? state : 'CANCELLED', waitStatus: null, reason: '', restarts: 0 };
    return { kind: 'ended', end: endOf({ records: [record], tasks: said.ends, stop: job.stop }), endedAt: said.lastAt };
  }
  // 2. What Slurm wrote down.
  const names = new Set(job.native.map(({ name }) => name));
  const lines = [...(await completions(sources.jobcomp)), ...(await accounts(job, sources))].filter(
    ({ name, state }) => names.has(name) && phaseOf(state) === 'ended',
  );
  const last = lines.at(-1);
  if (last !== undefined) {
    const { ends } = said;
    const record = { state: last.state, waitStatus: last.waitStatus, reason: '', restarts: 0 };
    return { kind: 'ended', end: endOf({ records: [record], tasks: ends, stop: job.stop }), endedAt: now };
  }
  const { missing } = job;
  if (missing === null || missing.times < LOST_LOOKS || now < missing.since + LOST_MS) return { kind: 'unknown' };
  // 3. Nobody knows.
  if (said.claimedBy.size === 0) {
    if (job.stop === null) return { kind: 'lost' };
    return {
      kind: 'ended',
      end: endOf({
        records: [{ state: 'CANCELLED', waitStatus: null, reason: '', restarts: 0 }],
        tasks: [],
        stop: job.stop,
      }),
      endedAt: now,
    };
  }
  if (now < missing.since + SILENT_MS) return { kind: 'unknown' };
  const message = 'it is gone from Slurm and wrote no end: the node was lost, or Slurm forgot it while it ran';
  return {
    kind: 'ended',
    end: { outcome: 'failed', reason: { code: 'native', message }, exitCode: null, signal: null },
    endedAt: now,
  };
}

/** The end of the file: what is long past is not asked for. */
const MOST_TEXT = 4 << 20;

async function completions(path: string | null): Promise<readonly CompletionLine[]> {
  if (path === null) return [];
  const text = await readFile(path, 'utf8').catch(() => '');
  return readCompletions(text.slice(-MOST_TEXT));
}

async function accounts(
  job: SlurmJobEntry,
  { slurm, hasAccounting }: { readonly slurm: Slurm; readonly hasAccounting: boolean },
): Promise<readonly CompletionLine[]> {
  const ids = job.native.flatMap(({ nativeId }) => (nativeId === null ? [] : [nativeId]));
  if (!hasAccounting || ids.length === 0) return [];
  const answer = await slurm('sacct', ['-nXP', '-j', ids.join(','), '-o', SACCT_FORMAT]).catch(() => null);
  return answer === null || answer.code !== 0 ? [] : readSacct(answer.stdout);
}
