/**
 * One agent's stream, after its Hello. Reads what the agent says and answers once it is committed; pushes jobs as
 * they are assigned, as many as the agent has capacity for; tells it what to stop.
 * Invariants: an acknowledgement is sent only after the commit; what one job's reports say is written in the order in
 * which they came; nothing here is the truth: after any break the next Hello puts it right.
 * Flow control: an agent that does not read what it is sent is not read from either.
 * A server has thousands, nearly all of them idle: what only some agents need is made when they first do.
 * A little long: the state of one stream and all that may change it; what a message leads to is in files of its own.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { RainbowError } from '../../core/errors.ts';
import { whyStop } from '../../core/job/asked-end.ts';
import { isFinal, type Reason } from '../../core/job/state.ts';
import type { FileLimits } from '../../core/staging/manifest.ts';
import type { BidQuestion } from '../../core/bid/bid.ts';
import type { BidAnswer } from '../../gen/rainbow/v1/bid_pb.js';
import type {
  AgentMessage,
  Choose,
  FreeReport,
  JobReport as WireReport,
  Output,
  ServerMessageSchema,
} from '../../gen/rainbow/v1/agent_pb.js';
import type { Log } from '../../scheduler/log.ts';
import type { OpenLine } from '../../scheduler/bidding/book.ts';
import type { Scheduler, Work } from '../../scheduler/scheduler.ts';
import type { ClusterRecord, JobId, JobRecord, Store } from '../../store/store.ts';
import type { System, Timer } from '../../system/system.ts';
import type { Followed, Followers } from '../followers.ts';
import { bidOf, createStrays, type Strays } from './bid-answer.ts';
import { applyReport } from './apply-report.ts';
import { Outbox } from './outbox.ts';
import { keepOutput, type OutputKeeper } from './keep-output.ts';
import { Filling, type Filled } from './filling.ts';
import { createOffering, type Offering } from './offering.ts';
import { reconcile } from './reconcile.ts';
import { readEpoch, readJobId, readReport, type Report } from './report.ts';
import { Turns } from './turns.ts';
import * as message from './messages.ts';

export type Sent = MessageInitShape<typeof ServerMessageSchema>;

export interface SessionDependencies {
  readonly store: Pick<Store, 'jobs' | 'output' | 'clusters'>;
  readonly scheduler: Scheduler;
  readonly system: System;
  readonly settings: AgentSettings;
  readonly log: Log;
  readonly followers: Pick<Followers, 'at' | 'listen'>;
}

/** What the sessions of a server share. */
export interface SessionParts extends SessionDependencies {
  readonly reporting: Parameters<typeof reconcile>[0];
}

export interface AgentSettings {
  readonly serverVersion: string;
  /** Seconds between heartbeats, ours and the agent's; a stream that is silent for three of them is dead. */
  readonly heartbeat: number;
  /** Seconds that a caller has to say Hello. */
  readonly helloWithin: number;
  /** Bytes kept of each task's standard output, and of its standard error. */
  readonly outputCap: number;
  /** Of what jobs leave behind; the usual ones. */
  readonly files?: FileLimits;
}

export interface Greeting {
  readonly holds: readonly Report[];
  readonly free: FreeReport | null;
  readonly capacity: number;
  /** Is it asked before jobs are sent to it? */
  readonly chooses: boolean;
  /** It answers questions. */
  readonly bids: boolean;
  /** The name of its stream, where several servers share the store; else null. */
  readonly stream: string | null;
}

/** Heartbeats that may be missed. */
const MISSED = 3;
/** Heartbeats between two looks for received jobs whose Start never got out, or which the agent could not take. */
const AUDIT_EVERY = 6;
/** Jobs that are looked at in one read. */
const BATCH = 64;

/** `not_found`: ends a stream that was welcomed for this one reason, and its agent stops what it holds. */
export function clusterDeleted(name: string): RainbowError {
  return new RainbowError('not_found', `cluster ${name} was deleted: register it again, then start its agent anew`);
}

/** It has another, here or at another server. */
export function replaced(): RainbowError {
  return new RainbowError('aborted', 'this agent has opened a newer stream');
}

function notHeld(): RainbowError {
  return new RainbowError(
    'aborted',
    "this stream is not the cluster's any more: another server has a newer one, or this one cannot reach its database",
  );
}

/** Begins at once; what it has to say is in `outbox`. */
export class Session implements Filled {
  /** Everything to send, until the stream ends, with the error that it ends with. */
  readonly outbox = new Outbox<Sent>();
  readonly #parts: SessionParts;
  readonly #cluster: ClusterRecord;
  readonly #incoming: AsyncIterator<AgentMessage>;
  /** As in the greeting. */
  readonly #stream: string | null;
  readonly #bids: boolean;
  readonly #turns = new Turns((error) => this.fail(error));
  /** The one for an agent that takes what it is sent, the other for one that chooses. */
  readonly #filling: Filling | null;
  readonly #offering: Offering | null;
  readonly #heartbeats: Timer;
  readonly #greeted: Promise<void>;
  #finished: Promise<void> | null = null;
  /** Held by this agent and not accepted yet. */
  #received: Map<JobId, number> | null = null;
  /** The agent has said something of it in this session: it took it. Emptied by the audit. */
  #heardOf: Map<JobId, number> | null = null;
  /** Told to stop in this session, and not ended yet. */
  #stopped: Map<string, Reason> | null = null;
  #strays: Strays | null = null;
  #output: OutputKeeper | null = null;
  /** From the Welcome on, where it bids. */
  #bidding: OpenLine | null = null;
  #capacity: number;
  /** Monotonic. */
  #heardAt: number;
  #freeSeq: bigint | null = null;
  #beats = 0;
  #reading = false;

  /** `ready`: when the session before it has written its last. */
  constructor(
    parts: SessionParts,
    cluster: ClusterRecord,
    greeting: Greeting,
    incoming: AsyncIterator<AgentMessage>,
    ready: Promise<void>,
  ) {
    this.#parts = parts;
    this.#cluster = cluster;
    this.#incoming = incoming;
    // Not the greeting itself: what it holds and has free may be long, and is done with soon.
    this.#stream = greeting.stream;
    this.#bids = greeting.bids;
    this.#capacity = greeting.capacity;
    this.#heardAt = parts.system.clock.monotonic();
    this.#filling = greeting.chooses ? null : new Filling(this);
    this.#offering = greeting.chooses ? this.#createOffering() : null;
    this.#heartbeats = parts.system.timers.every(parts.settings.heartbeat * 1000, () => this.#beat());
    this.#greeted = this.#greet(greeting, ready).catch((error: unknown) => this.fail(error));
    void this.#read();
  }

  // ── to the agent ──

  #stop(jobId: JobId, epoch: number, reason: Reason): void {
    const key = `${jobId}.${epoch}`;
    (this.#stopped ??= new Map()).set(key, reason);
    this.outbox.putAs(`stop ${key}`, message.stop(jobId, epoch, reason));
  }

  start(job: JobRecord): void {
    (this.#received ??= new Map()).set(job.id, job.epoch);
    this.outbox.put(message.start(job, this.#parts.settings));
    // A cancel may overtake the write that handed the job over; its Stop must not overtake the Start.
    const reason = this.#stopped?.get(`${job.id}.${job.epoch}`);
    if (reason !== undefined) this.#stop(job.id, job.epoch, reason);
  }

  mayStart(): boolean {
    return this.#reading;
  }

  room(): number {
    return this.#capacity - (this.#received?.size ?? 0);
  }

  receive(limit: number): Promise<readonly JobRecord[]> {
    return this.#parts.scheduler.receive(this.#cluster, limit, null, this.#stream);
  }

  has(id: JobId): boolean {
    return this.#received?.has(id) === true || this.#heardOf?.has(id) === true;
  }

  #createOffering(): Offering {
    const { scheduler, store } = this.#parts;
    return createOffering({
      cluster: this.#cluster,
      jobs: store.jobs,
      scheduler: {
        leave: (jobs) => scheduler.leave(jobs),
        receiveThese: (of, jobs) => scheduler.receiveThese(of, jobs, this.#stream),
      },
      room: () => this.room(),
      ended: () => this.outbox.ended,
      send: async (sent) => {
        await this.outbox.room();
        this.outbox.put(sent);
      },
      start: (job) => this.start(job),
      fail: (error) => this.fail(error),
    });
  }

  #fill(): void {
    this.#filling?.fill();
    if (this.#reading) this.#offering?.again();
  }

  #tellFollow({ jobId, epoch }: Followed, isFollowed: boolean): void {
    this.outbox.putAs(`follow ${jobId}.${epoch}`, message.follow(jobId, epoch, isFollowed));
  }

  onFollowed(what: Followed, isFollowed: boolean): void {
    if (this.#reading) this.#tellFollow(what, isFollowed);
  }

  onWork(work: Work): void {
    if (work.kind === 'coming') this.#filling?.fill();
    else if (work.kind === 'assigned') {
      if (this.#reading) this.#offering?.look();
      if (work.jobId === undefined) this.#filling?.fill();
      else this.#filling?.look(work.jobId);
    } else if (work.kind === 'withdraw') {
      this.outbox.putAs(`withdraw ${work.job.id}`, message.withdraw(work.job, work.message));
    } else if (work.kind === 'cancel') this.#stop(work.job.id, work.job.epoch, whyStop(work.job));
    else if (work.kind === 'stop') this.#stop(work.jobId, work.epoch, work.reason);
    else this.#checkCluster();
  }

  // ── from the agent ──

  #handle(said: AgentMessage): void {
    switch (said.message.case) {
      case 'report':
        return this.#onReport(said.message.value);
      case 'output':
        return this.#onOutput(said.message.value);
      case 'free':
        return this.#onFree(said.message.value);
      case 'choose':
        return this.#onChoice(said.message.value);
      case 'bid':
        return this.#onBid(said.message.value);
      case 'heartbeat':
        this.#capacity = Math.max(0, said.message.value.capacity);
        return this.#fill();
      case 'hello':
        throw new RainbowError(
          'failed_precondition',
          'Hello is said once, as the first message; connect anew to say it again',
        );
      case undefined:
        return undefined; // A kind of message that a later protocol may have.
    }
  }

  #onReport(wire: WireReport): void {
    const { reporting, system } = this.#parts;
    const report = readReport(wire, 'report', system.clock.now());
    const { jobId, epoch } = report;
    (this.#heardOf ??= new Map()).set(jobId, epoch);
    this.#turns.take(jobId, async () => {
      const { acknowledge, stop, job } = await applyReport(reporting, this.#cluster, report);
      const key = `${jobId}.${epoch}`;
      if (acknowledge) this.outbox.put(message.acknowledge(report));
      if (stop !== null) this.#stop(jobId, epoch, stop);
      const current = job !== null && job.epoch === epoch ? job : null;
      if (current?.state !== 'received' && this.#received?.get(jobId) === epoch) this.#received.delete(jobId);
      if (acknowledge && (current === null || isFinal(current.state))) this.#stopped?.delete(key);
      else if (current !== null && current.cancelRequestedAt !== null && this.#stopped?.has(key) !== true) {
        this.#stop(jobId, epoch, whyStop(current));
      }
      this.#fill();
    });
  }

  #onChoice(choice: Choose): void {
    const offering = this.#offering;
    if (offering === null) {
      throw new RainbowError('failed_precondition', 'nothing is offered to an agent that takes what it is sent');
    }
    this.#turns.take('choose', () => offering.chose(choice));
  }

  #onOutput(wire: Output): void {
    const { settings, store, system } = this.#parts;
    const jobId = readJobId(wire.jobId, 'output.job_id');
    const epoch = readEpoch(wire.epoch, 'output.epoch');
    const keeper = (this.#output ??= keepOutput(store, this.#cluster, settings.outputCap));
    this.#turns.take(jobId, async () => {
      const kept = await keeper.keep(jobId, epoch, wire.chunks, system.clock.now());
      this.outbox.put(message.outputKept(jobId, epoch, kept));
    });
  }

  #onBid(answer: BidAnswer): void {
    const { system } = this.#parts;
    const read = (question: BidQuestion) => bidOf(answer, question, system.clock.now());
    const isAnswer = this.#bidding?.answered(answer.requestId, read) ?? false;
    if (!isAnswer) (this.#strays ??= createStrays(system)).add();
  }

  #onFree(free: FreeReport): void {
    const { scheduler } = this.#parts;
    const { name, id } = this.#cluster;
    const seq = BigInt(free.seq);
    if (this.#freeSeq !== null && seq <= this.#freeSeq) return;
    this.#freeSeq = seq;
    // Ids of another graph than the one that counts now say nothing; the agent reports again when it has the new one.
    const now = scheduler.registry.get(name);
    if (now?.id !== id) return;
    const version = now.graphVersion;
    if (free.graphVersion !== '0' && Number(free.graphVersion) !== version) return;
    scheduler.reportFree(name, {
      seq: Number(seq),
      busyVertices: free.busyVertices,
      includes: free.includes.map(({ jobId, epoch }, place) => ({
        jobId: readJobId(jobId, `free.includes[${place}].job_id`),
        epoch: readEpoch(epoch, `free.includes[${place}].epoch`),
      })),
    });
  }

  async #read(): Promise<void> {
    const { clock } = this.#parts.system;
    await this.#greeted;
    try {
      for (;;) {
        await this.#turns.room();
        await this.#strays?.room();
        this.#heardAt = clock.monotonic(); // Our own slowness is not its silence.
        await this.outbox.room();
        if (this.outbox.ended) return;
        const step = await this.#incoming.next();
        if (this.outbox.ended) return;
        if (step.done === true) break;
        this.#heardAt = clock.monotonic();
        this.#parts.scheduler.registry.seen(this.#cluster.name);
        this.#handle(step.value);
      }
      await this.#turns.idle();
      void this.end(null);
    } catch (error) {
      this.fail(error);
    }
  }

  // ── time ──

  #beat(): void {
    const { system, settings } = this.#parts;
    const silent = (system.clock.monotonic() - this.#heardAt) / 1000;
    if (silent > MISSED * settings.heartbeat) {
      return this.fail(
        new RainbowError('deadline_exceeded', `nothing heard of this agent for ${Math.round(silent)} s: connect again`),
      );
    }
    this.#checkCluster();
    this.outbox.putAs('heartbeat', message.heartbeat(timestampFromMs(system.clock.now())));
    this.#beats += 1;
    if (this.#offering !== null) this.#offering.look();
    else if (this.room() <= 0) this.#tellFull().catch((error: unknown) => this.fail(error));
    if (this.#beats % AUDIT_EVERY === 0) this.#audit().catch((error: unknown) => this.fail(error));
  }

  /** What waits here because the agent takes no more says so, the first of it. */
  async #tellFull(): Promise<void> {
    const { store, scheduler, settings, system } = this.#parts;
    const waiting = await store.jobs.assigned(this.#cluster, BATCH);
    const since = system.clock.now() - settings.heartbeat * 1000;
    const left = waiting.filter((job) => job.leftUntil === null && (job.assignedAt ?? 0) < since);
    const why = 'its agent has no room for more jobs now';
    if (left.length > 0) await scheduler.leave(left.map((job) => ({ job, message: why })));
  }

  /**
   * A Start is idempotent while the agent holds the job. What it has spoken of is not started again: what was read here
   * as received may have ended, and been forgotten by the agent, meanwhile.
   */
  async #audit(): Promise<void> {
    const { store, settings, system } = this.#parts;
    const waiting = new Set<JobId>();
    for (const job of await store.jobs.atCluster(this.#cluster, ['received'])) {
      if (this.outbox.ended) return;
      waiting.add(job.id);
      if (job.leaseExpiresAt !== null || this.#heardOf?.get(job.id) === job.epoch) continue;
      if (system.clock.now() - (job.receivedAt ?? 0) > settings.heartbeat * 1000) this.start(job);
    }
    for (const id of this.#heardOf?.keys() ?? []) if (!waiting.has(id)) this.#heardOf?.delete(id);
  }

  /**
   * `not_found` is the end of a stream for this one reason: the agent then stops all that it holds. What is really
   * missing of it here (a job, an attempt) is our own fault, and never says so.
   */
  #checkCluster(): void {
    const { registry, servers } = this.#parts.scheduler;
    const { name, id } = this.#cluster;
    if (registry.get(name)?.id !== id) void this.end(clusterDeleted(name));
    else if (!servers.holds(this.#cluster, this.#stream)) void this.end(notHeld());
  }

  // ── the whole ──

  async #greet({ free, holds }: Greeting, ready: Promise<void>): Promise<void> {
    const { followers, reporting, scheduler, settings } = this.#parts;
    const { outbox } = this;
    const cluster = this.#cluster;
    await ready;
    this.#checkCluster();
    if (outbox.ended) return;
    outbox.put(message.welcome(settings));
    if (free !== null) this.#onFree(free);
    const found = await reconcile(reporting, cluster, holds);
    for (const report of found.acknowledge) {
      await outbox.room();
      outbox.put(message.acknowledge(report));
    }
    for (const { jobId, epoch, reason } of found.stop) this.#stop(jobId, epoch, reason);
    if (found.received.size > 0) {
      this.#received = new Map([...(this.#received ?? []), ...found.received]);
      this.#heardOf = new Map([...(this.#heardOf ?? []), ...found.received]);
    }
    for (const followed of followers.at(cluster.name)) this.#tellFollow(followed, true);
    this.#reading = true;
    if (this.#bids) {
      this.#bidding = scheduler.bidding.open({
        cluster,
        ask(id, question, withinMs) {
          if (outbox.ended || outbox.isFull) return false;
          outbox.put(message.bidRequest(id, question, withinMs));
          return true;
        },
      });
    }
    this.#offering?.look();
    this.#filling?.fill();
  }

  fail(error: unknown): void {
    const known = error instanceof RainbowError && error.code !== 'not_found';
    void this.end(known ? error : new RainbowError('internal', 'the stream failed', { cause: error }));
  }

  /** Resolves when nothing of it is under way any more. Null: what waits is still sent. Only the first end counts. */
  end(error: RainbowError | null): Promise<void> {
    this.outbox.end(error);
    return (this.#finished ??= this.#finish());
  }

  async #finish(): Promise<void> {
    this.#heartbeats.cancel();
    this.#strays?.close();
    await this.#greeted;
    this.#bidding?.close();
    await this.#turns.idle();
    await this.#filling?.idle();
    await this.#offering?.idle();
  }
}
