/**
 * Named points between every two steps of holding a job. Nothing happens at them, unless a test hands in a hook that
 * ends the process there: what must hold after a crash can then be tried at each.
 */
import type { JobKey } from './runners/runner.ts';

export const SENTINELS = [
  'beforeReceived', // a Start has come; nothing of it is on disk
  'afterReceived', // it is in the journal
  'beforeIntent', // no native job with that id was found
  'beforeSubmit', // the journal says that one may exist
  'orderAdded', // process runner: the order is in the native queue
  'startPrepared', // process runner: the start is written down, no shim runs
  'shimStarted', // process runner: a shim was started, and may have claimed
  'afterSubmit', // the native queue has it, the journal does not know yet
  'afterHeld', // the journal knows
  'beforeEnd', // the native job was seen to have ended
  'afterEnd', // its end is in the journal
  'beforeForget', // the server has the end
  'setAside', // process runner: its files are there, and no agent finds them any more
  'afterForgotten', // the native record is gone, the journal still has it
  'afterRemoved', // nothing is left
] as const;

/** Of the slurm runner, between those: it has none of the process runner's. */
export const SLURM_SENTINELS = [
  'submissionNoted', // the submission has its name on disk, sbatch was not started
  'sbatchStarted', // sbatch runs, and goes on without the agent
  'sbatchAnswered', // Slurm has the job, its id is on no disk of ours
] as const;

/** Of the flux runner, likewise. */
export const FLUX_SENTINELS = [
  'submissionNoted', // its jobspec and nonce are on disk, flux job submit was not started
  'submitStarted', // flux job submit runs, and goes on without the agent
  'submitAnswered', // Flux has the job, held; its id is on no disk of ours
  'idNoted', // the id is on disk, the job still held
  'released', // Flux may run it; that is on no disk of ours
] as const;

/** Where files travel with the job, between those of every runner. */
export const STAGING_SENTINELS = [
  'sandboxMade', // its folder is there, empty
  'filePlaced', // a file is in it; not all may be
  'staged', // all are, and the mark says so
  'filesFound', // what it left behind was looked at
  'filesSent', // the server has the contents
  'filesCollected', // the server has the list; its end is not told
  'sandboxRemoved', // the end is acknowledged, and its folder gone
] as const;

/** While a job that waits is taken out of a native queue. */
export const WITHDRAWAL_SENTINELS = [
  'stopNoted', // process runner: why is on disk, that it has ended is not
  'claimedForNobody', // slurm runner: it can never run here; why is in its directory, not in its stop
  'heldAgain', // flux runner: noted as held, Flux does not know yet
] as const;

/** Only the process runner comes by these. */
export const PROCESS_SENTINELS: ReadonlySet<string> = new Set([
  'orderAdded',
  'startPrepared',
  'shimStarted',
  'setAside',
]);

/** Every point that an agent with the slurm runner comes by. */
export const WITH_SLURM: readonly Sentinel[] = [
  ...SENTINELS.filter((point) => !PROCESS_SENTINELS.has(point)),
  ...SLURM_SENTINELS,
];

/** Likewise with the flux runner. */
export const WITH_FLUX: readonly Sentinel[] = [
  ...SENTINELS.filter((point) => !PROCESS_SENTINELS.has(point)),
  ...FLUX_SENTINELS,
];

export type Sentinel =
  | (typeof SENTINELS)[number]
  | (typeof SLURM_SENTINELS)[number]
  | (typeof FLUX_SENTINELS)[number]
  | (typeof STAGING_SENTINELS)[number]
  | (typeof WITHDRAWAL_SENTINELS)[number];

export type ReachedHook = (point: Sentinel, key: JobKey) => void | Promise<void>;

export const noHook: ReachedHook = () => undefined;
