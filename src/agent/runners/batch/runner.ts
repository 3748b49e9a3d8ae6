/** What every batch system's runner does alike, from its table of jobs and what it follows: see runner.ts beside it. */
import type { ContainerRuntime } from '../../../core/containers/run.ts';
import type { Reason } from '../../../core/job/state.ts';
import type { System } from '../../../system/system.ts';
import type { Log } from '../../log.ts';
import type { ReachedHook } from '../../sentinels.ts';
import { readWritten, type WrittenFile } from '../process/output.ts';
import { keyText, type JobKey, type NativeJob, type Order, type Runner, type RunnerQueue } from '../runner.ts';
import type { Following } from './following.ts';
import type { Accepted, BatchJob, JobTable, OutputPaths } from './jobs.ts';
import type { Pace } from './poll.ts';

/** What a batch system's runner is opened with, whichever it is. */
export interface BatchRunnerOptions {
  /** Absolute; on the shared file system. */
  readonly spool: string;
  readonly cluster: string;
  /** 8 hexadecimal digits: whose native jobs these are. */
  readonly realm: string;
  readonly keepFiles: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly reached?: ReachedHook;
  readonly pace?: Pace;
  /** What runs images; none where it is left out. */
  readonly containers?: ContainerRuntime;
}

export function batchRunner<A extends Accepted, N, R>(
  parts: {
    readonly table: JobTable<A, N>;
    readonly following: Following<BatchJob<A, N>, R>;
    /** Those that the table tells. */
    readonly watchers: Set<(native: NativeJob) => void>;
    readonly submit: (order: Order) => Promise<string>;
    /** As runner.ts has it. */
    readonly arrived: (key: JobKey) => Promise<boolean>;
    /** Asks the scheduler to end it. */
    readonly cancel: (job: BatchJob<A, N>) => Promise<void>;
    /** Makes sure that it never starts, and notes the stop; false where it has started, or that cannot be known. */
    readonly withdraw: (job: BatchJob<A, N>, reason: Reason) => Promise<boolean>;
    readonly written: (job: BatchJob<A, N>) => Promise<readonly WrittenFile[]>;
    /** Whose its files are. */
    readonly uidOf: (job: BatchJob<A, N>) => number;
    /** Ids of vertices of which somebody's job has something. */
    readonly taken: () => Promise<readonly string[]>;
    readonly remove: (job: BatchJob<A, N>) => Promise<void>;
    readonly closing: () => void;
    readonly queue: RunnerQueue;
    readonly ownerOf: NonNullable<Runner['ownerOf']>;
  },
  { clock }: System,
): Runner {
  const { table, following, watchers } = parts;
  return {
    queue: parts.queue,
    ownerOf: parts.ownerOf,
    find: () => following.find(),
    submit: (order) => following.submitOnce(order, parts.submit),
    arrived: parts.arrived,
    async stop(key, reason) {
      const job = table.jobs.get(keyText(key));
      if (job === undefined) return;
      await following.inTurn(async () => {
        if (job.status.state !== 'ended') await table.setStop(job, reason);
      });
      if (job.status.state !== 'ended') await parts.cancel(job);
    },
    async withdraw(key, reason) {
      const job = table.jobs.get(keyText(key));
      if (job === undefined || job.status.state === 'ended') return false;
      const isOut = await following.inTurn(() => parts.withdraw(job, reason));
      if (isOut) await parts.cancel(job);
      return isOut;
    },
    watch(changed) {
      watchers.add(changed);
      for (const job of table.jobs.values()) {
        const native = table.nativeJobOf(job);
        if (native.nativeId !== '') changed(native);
      }
      return () => void watchers.delete(changed);
    },
    async output(key, from, limit) {
      const job = table.jobs.get(keyText(key));
      if (job === undefined || job.accepted.order === null) return { pieces: [], complete: true };
      const ended = job.status.state === 'ended';
      return readWritten(await parts.written(job), parts.uidOf(job), from, limit, ended, clock.now());
    },
    async busy() {
      const running = [...table.jobs.values()].filter(({ status }) => status.state === 'running');
      const includes = running.map((job): JobKey => job.key);
      return { vertices: await parts.taken(), includes };
    },
    forget: (key) =>
      following.inTurn(async () => {
        const job = table.jobs.get(keyText(key));
        if (job === undefined) return;
        // One that never came to be has no end.
        const isNone = table.nativeJobOf(job).nativeId === '' && !following.isSubmitting(job);
        if (job.status.state !== 'ended' && !isNone) return;
        following.forget(job);
        await parts.remove(job);
      }),
    async close() {
      parts.closing();
      following.poll.close();
      watchers.clear();
      await following.inTurn(async () => undefined);
    },
  };
}

/** Files of one task; one where both streams go to the same. */
export function filesOf(task: number, { stdout, stderr }: OutputPaths): readonly WrittenFile[] {
  const first: WrittenFile = { task, stream: 'stdout', path: stdout };
  return stdout === stderr ? [first] : [first, { task, stream: 'stderr', path: stderr }];
}
