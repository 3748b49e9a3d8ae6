/**
 * What a runner is: the agent's driver for one kind of cluster. The agent decides what is to be held; a runner
 * submits it natively, finds it again by its key, follows it and stops it. Every runner passes conformance.ts.
 *
 * Invariant: a native job carries its key (Rainbow id and epoch), and `find` sees it by that key from the moment in
 * which `submit` may have taken effect, after a crash too. Nothing here is a delta: `watch` tells how a job stands.
 */
import type { BidQuestion } from '../../core/bid/bid.ts';
import type { Counts } from '../../core/bid/estimate.ts';
import type { Reason } from '../../core/job/state.ts';
import type { SandboxOwner, StagingOrder } from '../staging/order.ts';

/** One attempt of one job. */
export interface JobKey {
  /** Decimal. */
  readonly jobId: string;
  readonly epoch: number;
}

export function keyText(key: JobKey): string {
  return `${key.jobId}.${key.epoch}`;
}

export function sameKey(a: JobKey, b: JobKey): boolean {
  return a.jobId === b.jobId && a.epoch === b.epoch;
}

/** What the server asks to be run. */
export interface Order extends JobKey {
  readonly name: string;
  readonly owner: string;
  /** As it was submitted. */
  readonly jobspec: string;
  /** Seconds. */
  readonly walltime: number;
  /** Higher first. */
  readonly priority: number;
  /** Its place in the array that it is a task of; left out of a job by itself. */
  readonly array?: ArrayTask;
  /** Bytes that the server keeps of each task's stream; 1 MiB where it did not say. */
  readonly outputCap?: number;
  /** Files travel with it. */
  readonly staging?: StagingOrder;
  /** The folder of its files, once they are there: it begins there, where its jobspec does not say another. Absolute. */
  readonly sandbox?: string;
}

/** One task of many with the same jobspec; the job is told by its environment (arrayEnvironment). */
export interface ArrayTask {
  /** The array's id; decimal. */
  readonly id: string;
  readonly index: number;
  readonly count: number;
  readonly least: number;
  readonly most: number;
}

/** Where a job finds its files, wherever it begins. */
export function filesEnvironment({ sandbox }: Pick<Order, 'sandbox'>): Readonly<Record<string, string>> {
  return sandbox === undefined ? {} : { RAINBOW_FILES: sandbox };
}

/** What every runner gives to the processes of such a job. */
export function arrayEnvironment(array: ArrayTask | undefined): Readonly<Record<string, string>> {
  if (array === undefined) return {};
  return {
    RAINBOW_ARRAY_ID: array.id,
    RAINBOW_ARRAY_INDEX: String(array.index),
    RAINBOW_ARRAY_COUNT: String(array.count),
    RAINBOW_ARRAY_MIN: String(array.least),
    RAINBOW_ARRAY_MAX: String(array.most),
  };
}

/**
 * The names that scripts written for other systems know a task's place by: for runners whose cluster does not set them
 * itself (sbatch's, Flux's, and that of an Indexed Job of Kubernetes).
 */
export function arrayEnvironmentOfOthers(array: ArrayTask | undefined): Readonly<Record<string, string>> {
  if (array === undefined) return {};
  return {
    SLURM_ARRAY_JOB_ID: array.id,
    SLURM_ARRAY_TASK_ID: String(array.index),
    SLURM_ARRAY_TASK_COUNT: String(array.count),
    SLURM_ARRAY_TASK_MIN: String(array.least),
    SLURM_ARRAY_TASK_MAX: String(array.most),
    FLUX_JOB_CC: String(array.index),
    JOB_COMPLETION_INDEX: String(array.index),
  };
}

export interface NativeJob extends JobKey {
  readonly nativeId: string;
  readonly status: NativeStatus;
  /** Where the runner kept it; null: the native job holds nothing but its key. */
  readonly order: Order | null;
}

/** Milliseconds since 1970; null: not yet, or not known. */
export interface NativeStatus {
  /** accepted: in the native queue. */
  readonly state: 'accepted' | 'running' | 'ended';
  readonly acceptedAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Set where `state` is ended. */
  readonly end: NativeEnd | null;
  /** Why the native queue lets it wait, in its own words; absent: it does not wait, or does not say. */
  readonly waitsFor?: string;
}

export interface NativeEnd {
  readonly outcome: 'completed' | 'failed' | 'canceled';
  readonly reason: Reason;
  readonly exitCode: number | null;
  readonly signal: number | null;
}

export interface OutputPosition {
  readonly task: number;
  readonly stream: 'stdout' | 'stderr';
  /** Bytes from the beginning of what the task wrote. */
  readonly offset: number;
}

export interface OutputPiece extends OutputPosition {
  readonly data: Uint8Array;
  readonly at: number;
}

export interface OutputRead {
  readonly pieces: readonly OutputPiece[];
  /** The job has ended and nothing stands behind these pieces. */
  readonly complete: boolean;
  /** How long each stream is now, where that can be told: then what the server would not keep is skipped. */
  readonly lengths?: readonly OutputPosition[];
}

/** What is taken on the cluster now. */
export interface Busy {
  /** Ids of vertices in the registered graph. */
  readonly vertices: readonly string[];
  /** The jobs whose vertices are all among them. */
  readonly includes: readonly JobKey[];
}

/** What a bidder may know of a runner's queue. */
export interface RunnerQueue {
  /** How the part of it stands where such a job would wait. Throws `unavailable` where nobody can tell. */
  look(question: BidQuestion): Promise<QueueNow | NeverTaken>;
  /** Seconds that such a job has here: `walltime`, where it asks for none and its partition or queue gives no other. */
  timeOf(job: Pick<Order, 'jobspec' | 'walltime'>): Promise<number>;
}

export interface NeverTaken {
  /** Only what will not pass: nodes that are down come back. */
  readonly refusal: Reason;
}

export interface QueueNow {
  /** The partition or queue; '' where there is none. */
  readonly name: string;
  /** In service now, by type of vertex. */
  readonly total: Counts;
  readonly free: Counts;
  readonly running: readonly (QueuedJob & { readonly elapsed: number })[];
  /** In order; only those that such a job would stand behind. */
  readonly waiting: readonly (QueuedJob & {
    /** When its own scheduler plans to start it, if all take their whole walltime: seconds from now. */
    readonly planned: number | null;
  })[];
  /** The same of such a job, where its own scheduler says that and tells the truth. */
  readonly planned: number | null;
  /** It takes nothing for a while: drained, or stopped. */
  readonly isClosed: boolean;
}

/** Whoever's it is. Seconds. */
export interface QueuedJob {
  /** Null: not ours. */
  readonly key: JobKey | null;
  /** What nobody else can have meanwhile. */
  readonly takes: Counts;
  readonly walltime: number;
}

export interface Runner {
  /** Where it can say how its queue stands. */
  readonly queue?: RunnerQueue;
  /** Every native job that carries a Rainbow key, of any epoch, ended ones too until they are forgotten. */
  find(): Promise<readonly NativeJob[]>;
  /**
   * Resolves to the native id once the native queue holds it durably. The same key again gives the same native job.
   * Throws RainbowError: `unavailable` = try again; anything else = refused, and no native job is left.
   */
  submit(order: Order): Promise<string>;
  /**
   * Is there a native job of it, of all that was ever asked for? Of a runner whose submissions go on without their agent
   * (a command of the cluster's). Throws `unavailable` as long as one may still arrive: nothing is said of the job then.
   */
  arrived?(key: JobKey): Promise<boolean>;
  /** Whom its folder of files is to belong to; null, or absent: the agent's own user. Throws where it cannot be given. */
  ownerOf?(order: Order): Promise<SandboxOwner | null>;
  /** Asks it to end; how it did comes by `watch`. Idempotent; an ended or unknown job is no error. */
  stop(key: JobKey, reason: Reason): Promise<void>;
  /**
   * Takes it out of the queue if it has not started: its end is then `canceled`, with this reason. False where it has
   * started, ended, or is not known: it stays as it is. Absent: what is in this queue stays there.
   */
  withdraw?(key: JobKey, reason: Reason): Promise<boolean>;
  /** Calls back with every change, and once for each job that is there. Returns how to stop. */
  watch(changed: (job: NativeJob) => void): () => void;
  /** What tasks wrote from these positions on (from the start where none is given), at most about `limit` bytes. */
  output(key: JobKey, from: readonly OutputPosition[], limit: number): Promise<OutputRead>;
  busy(): Promise<Busy>;
  /** The end is acknowledged: its files and native record may go. Native jobs that have not ended are left alone. */
  forget(key: JobKey): Promise<void>;
  /** Lets go; native jobs go on. */
  close(): Promise<void>;
}

/** What a cluster is, as its own commands say it now. */
export interface ClusterNow {
  /** JGF version 2; equal clusters give equal texts. */
  readonly graph: string;
  /** JGF version 2 by subsystem's name. */
  readonly subsystems: Readonly<Record<string, string>>;
  /** Facts that change often: what is free, how long the queue is. Flat. */
  readonly state: Readonly<Record<string, string | number | boolean>>;
}

/** Of a runner whose cluster can be asked what it has: asked at the start and, now and then, for ever. */
export interface Discovery {
  /** Throws RainbowError: `unavailable` = ask again; anything else = it cannot be asked here. */
  discover(): Promise<ClusterNow>;
}
