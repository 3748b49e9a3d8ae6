/**
 * A cluster in memory whose jobs do what the test says: it outlives every agent, as a real one does, and counts what
 * was submitted. A runner opened on it is what an agent has of it. Unlike a real runner's, its `submit` is not
 * idempotent: an agent that does not look before it submits is found out.
 */
import { RainbowError } from '../../core/errors.ts';
import type { Reason } from '../../core/job/state.ts';
import type { System } from '../../system/system.ts';
import {
  keyText,
  type JobKey,
  type NativeEnd,
  type NativeJob,
  type NativeStatus,
  type Order,
  type OutputPiece,
  type Runner,
} from '../runners/runner.ts';

export interface NativeCluster {
  open(): Runner;
  readonly jobs: ReadonlyMap<string, NativeJob>;
  /** How often each key was really submitted: more than once is the one thing that must never be. */
  readonly submitted: ReadonlyMap<string, number>;
  readonly stopped: readonly { readonly key: string; readonly reason: Reason }[];
  run(key: string): void;
  /** Its scheduler says why it waits. */
  waits(key: string, why: string): void;
  end(key: string, end: Partial<NativeEnd>): void;
  write(key: string, text: string): void;
  /** What `submit` throws; null: it works. */
  refusal: RainbowError | null;
  /** A stop is not obeyed at once. */
  deaf: boolean;
  /**
   * Submissions go on without their agent and are on their way, by key: `submit` does not know what becomes of them until
   * one arrives, or is lost. Null: they arrive at once.
   */
  underWay: Map<string, Order> | null;
  arrive(key: string): void;
  /** It can tell how long a job's output is. */
  measures: boolean;
}

export function nativeCluster(system: System): NativeCluster {
  const jobs = new Map<string, NativeJob>();
  const submitted = new Map<string, number>();
  const stopped: { key: string; reason: Reason }[] = [];
  const output = new Map<string, string>();
  const watchers = new Set<(job: NativeJob) => void>();

  const set = (key: string, status: Partial<NativeStatus>): void => {
    const job = jobs.get(key);
    if (job === undefined) throw new Error(`no native job ${key}`);
    if (job.status.state === 'ended') return;
    const changed = { ...job, status: { ...job.status, ...status } };
    jobs.set(key, changed);
    for (const watcher of watchers) watcher(changed);
  };

  const enter = (order: Order): string => {
    const key = keyText(order);
    submitted.set(key, (submitted.get(key) ?? 0) + 1);
    const { jobId, epoch } = order;
    const acceptedAt = system.clock.now();
    const status = { state: 'accepted', acceptedAt, startedAt: null, endedAt: null, end: null } as const;
    const job = { jobId, epoch, nativeId: `native-${key}`, order, status };
    jobs.set(key, job);
    return job.nativeId;
  };

  const cluster: NativeCluster = {
    jobs,
    submitted,
    stopped,
    refusal: null,
    deaf: false,
    measures: false,
    underWay: null,
    arrive(key) {
      const order = cluster.underWay?.get(key);
      if (order === undefined) throw new Error(`no submission of ${key} is under way`);
      cluster.underWay?.delete(key);
      enter(order);
    },
    waits: (key, waitsFor) => set(key, { waitsFor }),
    run: (key) => set(key, { state: 'running', startedAt: system.clock.now() }),
    end(key, end) {
      const { outcome = 'completed', exitCode = 0, signal = null } = end;
      const reason = end.reason ?? { code: 'exit', message: '' };
      set(key, { state: 'ended', endedAt: system.clock.now(), end: { outcome, reason, exitCode, signal } });
    },
    write: (key, text) => void output.set(key, (output.get(key) ?? '') + text),
    open() {
      const mine = new Set<(job: NativeJob) => void>();
      return {
        find: async () => [...jobs.values()],
        async submit(order: Order) {
          const key = keyText(order);
          if (cluster.refusal !== null) throw cluster.refusal;
          if (cluster.underWay === null) return enter(order);
          cluster.underWay.set(key, order);
          throw new RainbowError('unavailable', 'no answer');
        },
        async arrived(key) {
          if (cluster.underWay?.has(keyText(key)) !== true) return jobs.has(keyText(key));
          throw new RainbowError('unavailable', 'it is under way');
        },
        async stop(key: JobKey, reason: Reason) {
          stopped.push({ key: keyText(key), reason });
          if (!cluster.deaf && jobs.has(keyText(key))) {
            cluster.end(keyText(key), { outcome: 'canceled', reason, exitCode: null });
          }
        },
        watch(changed) {
          mine.add(changed);
          watchers.add(changed);
          for (const job of jobs.values()) changed(job);
          return () => void watchers.delete(changed);
        },
        async output(key, from, limit) {
          const bytes = Buffer.from(output.get(keyText(key)) ?? '');
          const offset = from.find((each) => each.task === 0 && each.stream === 'stdout')?.offset ?? 0;
          const data = bytes.subarray(offset, offset + limit);
          const pieces: OutputPiece[] =
            data.byteLength === 0 ? [] : [{ task: 0, stream: 'stdout', offset, data, at: system.clock.now() }];
          const ended = (jobs.get(keyText(key))?.status.state ?? 'ended') === 'ended';
          const complete = ended && offset + data.byteLength >= bytes.byteLength;
          if (!cluster.measures) return { pieces, complete };
          return { pieces, complete, lengths: [{ task: 0, stream: 'stdout', offset: bytes.byteLength }] };
        },
        async busy() {
          const running = [...jobs.values()].filter((job) => job.status.state === 'running');
          return {
            vertices: running.map(keyText),
            includes: running.map(({ jobId, epoch }) => ({ jobId, epoch })),
          };
        },
        async forget(key) {
          if (jobs.get(keyText(key))?.status.state === 'ended') jobs.delete(keyText(key));
        },
        async close() {
          for (const watcher of mine) watchers.delete(watcher);
        },
      };
    },
  };
  return cluster;
}
