/**
 * A cluster's own queue, in memory: it outlives every agent, as a real one does. First come, first started, when its
 * cores are free; what starting a job means is handed in: a moment on the timeline in the simulation, a real process
 * where the conformance suite of runners admits it.
 * It keeps count for itself of what it ever started, also of what was forgotten: that is what the invariants read.
 */
import { createAllocation } from '../../src/agent/runners/process/allocation.ts';
import { ownQueue } from '../../src/agent/runners/own-queue.ts';
import { keyText, type JobKey, type NativeEnd, type NativeJob, type Order } from '../../src/agent/runners/runner.ts';
import type { NativeStatus, OutputPiece, Runner } from '../../src/agent/runners/runner.ts';
import { RainbowError } from '../../src/core/errors.ts';
import { resourceCounts } from '../../src/core/graph/counts.ts';
import { readGraph } from '../../src/core/graph/read.ts';
import type { Reason } from '../../src/core/job/state.ts';
import type { Request } from '../../src/core/jobspec/jobspec.ts';
import { readJobspec } from '../../src/core/jobspec/read.ts';
import type { Clock } from '../../src/system/system.ts';

export interface Execution {
  /** It is to end; `ended` says when it has. */
  stop(): void;
}

export interface QueueOptions {
  readonly clock: Clock;
  /** JGF version 2. */
  readonly graph: string;
  readonly execute: (
    order: Order,
    tell: {
      wrote(stream: 'stdout' | 'stderr', data: Uint8Array): void;
      ended(end: NativeEnd): void;
    },
  ) => Execution;
  /** Does it say which vertices are taken? Not every kind of cluster can. */
  readonly tellsBusy: boolean;
  readonly started?: (key: JobKey) => void;
  readonly ended?: (key: JobKey, end: NativeEnd) => void;
}

interface Native {
  readonly order: Order;
  readonly request: Request;
  status: NativeStatus;
  execution: Execution | null;
  stopped: Reason | null;
  readonly output: Map<'stdout' | 'stderr', Uint8Array>;
}

export class NativeQueue {
  /** What the next `submit` throws, once. */
  refusal: RainbowError | null = null;
  readonly #options: QueueOptions;
  readonly #allocation: ReturnType<typeof createAllocation>;
  readonly #totals: ReturnType<typeof resourceCounts>;
  readonly #jobs = new Map<string, Native>();
  readonly #watchers = new Set<(job: NativeJob) => void>();
  /** Parsing is the dearest part of a start, and most jobs look alike. */
  readonly #requests = new Map<string, Request>();

  constructor(options: QueueOptions) {
    this.#options = options;
    const graph = readGraph(options.graph);
    this.#allocation = createAllocation(graph, []);
    this.#totals = resourceCounts(graph);
  }

  get jobs(): readonly NativeJob[] {
    return [...this.#jobs.values()].map(shown);
  }

  /** As an agent that was started has it. */
  open(): Runner {
    const mine = new Set<(job: NativeJob) => void>();
    return {
      find: () => Promise.resolve(this.jobs),
      submit: async (order) => this.#submit(order),
      stop: (key, reason) => Promise.resolve(this.#stop(key, reason)),
      withdraw: (key, reason) => Promise.resolve(this.#withdraw(key, reason)),
      queue: ownQueue({
        totals: this.#totals,
        jobs: () => Promise.resolve(this.jobs),
        refusal: (jobspec) =>
          this.#allocation.satisfiable(this.#requestOf(jobspec)).fits === 'yes'
            ? null
            : { code: 'never_fits', message: 'this cluster cannot hold it' },
        clock: this.#options.clock,
      }),
      watch: (changed) => {
        mine.add(changed);
        this.#watchers.add(changed);
        for (const job of this.jobs) changed(job);
        return () => void this.#watchers.delete(changed);
      },
      output: (key, from, limit) => Promise.resolve(this.#output(key, from, limit)),
      busy: () => Promise.resolve(this.#busy()),
      forget: (key) => {
        if (this.#jobs.get(keyText(key))?.status.state === 'ended') this.#jobs.delete(keyText(key));
        return Promise.resolve();
      },
      close: () => {
        for (const watcher of mine) this.#watchers.delete(watcher);
        return Promise.resolve();
      },
    };
  }

  #submit(order: Order): string {
    const key = keyText(order);
    const there = this.#jobs.get(key);
    if (there !== undefined) return shown(there).nativeId;
    const refusal = this.refusal;
    this.refusal = null;
    if (refusal !== null) throw refusal;
    const request = this.#requestOf(order.jobspec);
    if (this.#allocation.satisfiable(request).fits !== 'yes') {
      throw new RainbowError('failed_precondition', 'this cluster cannot hold it');
    }
    const acceptedAt = this.#options.clock.now();
    const status = { state: 'accepted', acceptedAt, startedAt: null, endedAt: null, end: null } as const;
    const native: Native = { order, request, status, execution: null, stopped: null, output: new Map() };
    this.#jobs.set(key, native);
    this.#tell(native);
    this.#startNext();
    return shown(native).nativeId;
  }

  #requestOf(jobspec: string): Request {
    let request = this.#requests.get(jobspec);
    if (request === undefined) {
      request = readJobspec(jobspec).request;
      if (this.#requests.size < 100) this.#requests.set(jobspec, request);
    }
    return request;
  }

  /** Nothing overtakes the first that waits. */
  #startNext(): void {
    for (const native of this.#jobs.values()) {
      if (native.status.state !== 'accepted') continue;
      const witness = this.#allocation.place(native.request);
      if (witness === null) return;
      const { order } = native;
      this.#allocation.take(keyText(order), witness);
      native.status = { ...native.status, state: 'running', startedAt: this.#options.clock.now() };
      this.#options.started?.(order);
      this.#tell(native);
      native.execution = this.#options.execute(order, {
        wrote: (stream, data) => void native.output.set(stream, joined(native.output.get(stream), data)),
        ended: (end) => this.#end(native, end),
      });
    }
  }

  #end(native: Native, end: NativeEnd): void {
    if (native.status.state === 'ended') return;
    const { stopped, order } = native;
    const outcome: NativeEnd = stopped === null ? end : { ...end, outcome: 'canceled', reason: stopped };
    if (native.status.state === 'running') this.#allocation.giveBack(keyText(order));
    native.status = { ...native.status, state: 'ended', endedAt: this.#options.clock.now(), end: outcome };
    this.#options.ended?.(order, outcome);
    this.#tell(native);
    this.#startNext();
  }

  #stop(key: JobKey, reason: Reason): void {
    const native = this.#jobs.get(keyText(key));
    if (native === undefined || native.status.state === 'ended') return;
    native.stopped ??= reason;
    if (native.execution === null) this.#end(native, { outcome: 'canceled', reason, exitCode: null, signal: null });
    else native.execution.stop();
  }

  #withdraw(key: JobKey, reason: Reason): boolean {
    const native = this.#jobs.get(keyText(key));
    if (native?.status.state !== 'accepted') return false;
    this.#stop(key, reason);
    return true;
  }

  #output(key: JobKey, from: Parameters<Runner['output']>[1], limit: number): Awaited<ReturnType<Runner['output']>> {
    const native = this.#jobs.get(keyText(key));
    if (native === undefined) return { pieces: [], complete: true };
    const pieces: OutputPiece[] = [];
    let room = limit;
    let complete = native.status.state === 'ended';
    for (const stream of ['stdout', 'stderr'] as const) {
      const all = native.output.get(stream) ?? new Uint8Array(0);
      const offset = from.find((each) => each.task === 0 && each.stream === stream)?.offset ?? 0;
      const data = all.slice(offset, offset + room);
      room -= data.byteLength;
      if (data.byteLength > 0) pieces.push({ task: 0, stream, offset, data, at: this.#options.clock.now() });
      if (offset + data.byteLength < all.byteLength) complete = false;
    }
    return { pieces, complete };
  }

  #busy(): Awaited<ReturnType<Runner['busy']>> {
    if (!this.#options.tellsBusy) return { vertices: [], includes: [] };
    const { vertices, keys } = this.#allocation.busy();
    return {
      vertices,
      includes: keys.map((key) => {
        const { jobId, epoch } = this.#jobs.get(key)!.order;
        return { jobId, epoch };
      }),
    };
  }

  #tell(native: Native): void {
    for (const watcher of this.#watchers) watcher(shown(native));
  }
}

function shown({ order, status }: Native): NativeJob {
  return { jobId: order.jobId, epoch: order.epoch, nativeId: `native-${keyText(order)}`, status, order };
}

function joined(before: Uint8Array | undefined, data: Uint8Array): Uint8Array {
  return before === undefined ? data : new Uint8Array(Buffer.concat([before, data]));
}
