/**
 * One agent's stream, after its Hello. Reads what the agent says and answers once it is committed; pushes jobs as
 * they are assigned, as many as the agent has capacity for; tells it what to stop.
 * Invariants: an acknowledgement is sent only after the commit; what one job's reports say is written in the order in
 * which they came; nothing here is the truth: after any break the next Hello puts it right.
 * Flow control: an agent that does not read what it is sent is not read from either.
 * A little long: one closure over the state of one stream; what a message leads to is in files of its own.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { RainbowError } from '../../core/errors.ts';
import { whyStop } from '../../core/job/asked-end.ts';
import { isFinal, type Reason } from '../../core/job/state.ts';
import type { FileLimits } from '../../core/staging/manifest.ts';
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
import type { System } from '../../system/system.ts';
import type { Followed, Followers } from '../followers.ts';
import { bidOf, createStrays, type Strays } from './bid-answer.ts';
import { applyReport } from './apply-report.ts';
import { createNativeReasons } from './native-reasons.ts';
import { createOutbox } from './outbox.ts';
import { keepOutput, type OutputKeeper } from './keep-output.ts';
import { createFilling } from './filling.ts';
import { createOffering } from './offering.ts';
import { reconcile } from './reconcile.ts';
import { readEpoch, readJobId, readReport, type Report } from './report.ts';
import { createTurns } from './turns.ts';
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

export interface Session {
  /** Everything to send, until the stream ends. Throws the error that it ends with. */
  messages(): AsyncGenerator<Sent, void, undefined>;
  /** Null: what waits is still sent. */
  end(error: RainbowError | null): void;
  /** Resolves when nothing of it is under way any more. */
  readonly ended: Promise<void>;
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

export function createSession(
  deps: SessionDependencies,
  cluster: ClusterRecord,
  greeting: Greeting,
  incoming: AsyncIterator<AgentMessage>,
  ready: Promise<void>,
): Session {
  const { scheduler, store, system, settings } = deps;
  const { clock, timers } = system;
  const { name } = cluster;
  // Not the greeting itself: what it holds and has free may be long, and is done with soon.
  const { chooses, bids, stream } = greeting;
  const reasons = createNativeReasons(store.jobs, clock);
  const reporting = { jobs: store.jobs, scheduler, clock, log: deps.log, reasons };
  const outbox = createOutbox<Sent>();
  const turns = createTurns();
  /** Held by this agent and not accepted yet. */
  const received = new Map<JobId, number>();
  /** The agent has said something of it in this session: it took it. Emptied by the audit. */
  const heardOf = new Map<JobId, number>();
  /** Told to stop in this session, and not ended yet. */
  const stopped = new Map<string, Reason>();
  /** Most agents never say what makes one of these. */
  let strays: Strays | null = null;
  let output: OutputKeeper | null = null;
  /** From the Welcome on, where it bids. */
  let bidding: OpenLine | null = null;
  let capacity = greeting.capacity;
  let heardAt = clock.monotonic();
  let freeSeq: bigint | null = null;
  let beats = 0;
  let reading = false;

  // ── to the agent ──

  const stop = (jobId: JobId, epoch: number, reason: Reason): void => {
    const key = `${jobId}.${epoch}`;
    stopped.set(key, reason);
    outbox.putAs(`stop ${key}`, message.stop(jobId, epoch, reason));
  };

  const start = (job: JobRecord): void => {
    received.set(job.id, job.epoch);
    outbox.put(message.start(job, settings));
    // A cancel may overtake the write that handed the job over; its Stop must not overtake the Start.
    const reason = stopped.get(`${job.id}.${job.epoch}`);
    if (reason !== undefined) stop(job.id, job.epoch, reason);
  };

  const room = (): number => capacity - received.size;
  const offering = !chooses
    ? null
    : createOffering({
        cluster,
        jobs: store.jobs,
        scheduler: {
          leave: (jobs) => scheduler.leave(jobs),
          receiveThese: (of, jobs) => scheduler.receiveThese(of, jobs, stream),
        },
        room,
        ended: () => outbox.ended,
        async send(sent) {
          await outbox.room();
          outbox.put(sent);
        },
        start,
        fail: (error) => fail(error),
      });

  const filling = chooses
    ? null
    : createFilling({
        outbox,
        mayStart: () => reading,
        room,
        receive: (limit) => scheduler.receive(cluster, limit, null, stream),
        start,
        has: (id) => received.has(id) || heardOf.has(id),
        fail: (error) => fail(error),
      });

  const fill = (): void => {
    filling?.fill();
    if (reading) offering?.again();
  };

  const tellFollow = ({ jobId, epoch }: Followed, isFollowed: boolean): void =>
    outbox.putAs(`follow ${jobId}.${epoch}`, message.follow(jobId, epoch, isFollowed));

  const onWork = (work: Work): void => {
    if (work.kind === 'coming') filling?.fill();
    else if (work.kind === 'assigned') {
      if (reading) offering?.look();
      if (work.jobId === undefined) filling?.fill();
      else filling?.look(work.jobId);
    } else if (work.kind === 'withdraw') {
      outbox.putAs(`withdraw ${work.job.id}`, message.withdraw(work.job, work.message));
    } else if (work.kind === 'cancel') stop(work.job.id, work.job.epoch, whyStop(work.job));
    else if (work.kind === 'stop') stop(work.jobId, work.epoch, work.reason);
    else checkCluster();
  };

  // ── from the agent ──

  const handle = (said: AgentMessage): void => {
    switch (said.message.case) {
      case 'report':
        return onReport(said.message.value);
      case 'output':
        return onOutput(said.message.value);
      case 'free':
        return onFree(said.message.value);
      case 'choose':
        return onChoice(said.message.value);
      case 'bid':
        return onBid(said.message.value);
      case 'heartbeat':
        capacity = Math.max(0, said.message.value.capacity);
        return fill();
      case 'hello':
        throw new RainbowError(
          'failed_precondition',
          'Hello is said once, as the first message; connect anew to say it again',
        );
      case undefined:
        return undefined; // A kind of message that a later protocol may have.
    }
  };

  const onReport = (wire: WireReport): void => {
    const report = readReport(wire, 'report', clock.now());
    heardOf.set(report.jobId, report.epoch);
    turns.take(report.jobId, async () => {
      const { acknowledge, stop: reason, job } = await applyReport(reporting, cluster, report);
      const key = `${report.jobId}.${report.epoch}`;
      if (acknowledge) outbox.put(message.acknowledge(report));
      if (reason !== null) stop(report.jobId, report.epoch, reason);
      const current = job !== null && job.epoch === report.epoch ? job : null;
      if (current?.state !== 'received' && received.get(report.jobId) === report.epoch) received.delete(report.jobId);
      if (acknowledge && (current === null || isFinal(current.state))) stopped.delete(key);
      else if (current !== null && current.cancelRequestedAt !== null && !stopped.has(key)) {
        stop(report.jobId, report.epoch, whyStop(current));
      }
      fill();
    });
  };

  const onChoice = (choice: Choose): void => {
    if (offering === null) {
      throw new RainbowError('failed_precondition', 'nothing is offered to an agent that takes what it is sent');
    }
    turns.take('choose', () => offering.chose(choice));
  };

  const onOutput = (wire: Output): void => {
    const jobId = readJobId(wire.jobId, 'output.job_id');
    const epoch = readEpoch(wire.epoch, 'output.epoch');
    const keeper = (output ??= keepOutput(store, cluster, settings.outputCap));
    turns.take(jobId, async () => {
      outbox.put(message.outputKept(jobId, epoch, await keeper.keep(jobId, epoch, wire.chunks, clock.now())));
    });
  };

  const onBid = (answer: BidAnswer): void => {
    const isAnswer = bidding?.answered(answer.requestId, (question) => bidOf(answer, question, clock.now())) ?? false;
    if (!isAnswer) (strays ??= createStrays(system)).add();
  };

  const onFree = (free: FreeReport): void => {
    const seq = BigInt(free.seq);
    if (freeSeq !== null && seq <= freeSeq) return;
    freeSeq = seq;
    // Ids of another graph than the one that counts now say nothing; the agent reports again when it has the new one.
    const now = scheduler.registry.get(name);
    if (now?.id !== cluster.id) return;
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
  };

  const read = async (): Promise<void> => {
    for (;;) {
      await turns.room();
      await strays?.room();
      heardAt = clock.monotonic(); // Our own slowness is not its silence.
      await outbox.room();
      if (outbox.ended) return;
      const step = await incoming.next();
      if (outbox.ended) return;
      if (step.done === true) {
        await turns.idle();
        return outbox.end(null);
      }
      heardAt = clock.monotonic();
      scheduler.registry.seen(name);
      handle(step.value);
    }
  };

  // ── time ──

  const beat = (): void => {
    const silent = (clock.monotonic() - heardAt) / 1000;
    if (silent > MISSED * settings.heartbeat) {
      return fail(
        new RainbowError('deadline_exceeded', `nothing heard of this agent for ${Math.round(silent)} s: connect again`),
      );
    }
    checkCluster();
    outbox.putAs('heartbeat', message.heartbeat(timestampFromMs(clock.now())));
    beats += 1;
    if (offering !== null) offering.look();
    else if (room() <= 0) tellFull().catch(fail);
    if (beats % AUDIT_EVERY === 0) audit().catch(fail);
  };

  /** What waits here because the agent takes no more says so, the first of it. */
  const tellFull = async (): Promise<void> => {
    const waiting = await store.jobs.assigned(cluster, BATCH);
    const since = clock.now() - settings.heartbeat * 1000;
    const left = waiting.filter((job) => job.leftUntil === null && (job.assignedAt ?? 0) < since);
    const why = 'its agent has no room for more jobs now';
    if (left.length > 0) await scheduler.leave(left.map((job) => ({ job, message: why })));
  };

  /**
   * A Start is idempotent while the agent holds the job. What it has spoken of is not started again: what was read here
   * as received may have ended, and been forgotten by the agent, meanwhile.
   */
  const audit = async (): Promise<void> => {
    const waiting = new Set<JobId>();
    for (const job of await store.jobs.atCluster(cluster, ['received'])) {
      if (outbox.ended) return;
      waiting.add(job.id);
      if (job.leaseExpiresAt !== null || heardOf.get(job.id) === job.epoch) continue;
      if (clock.now() - (job.receivedAt ?? 0) > settings.heartbeat * 1000) start(job);
    }
    for (const id of heardOf.keys()) if (!waiting.has(id)) heardOf.delete(id);
  };

  /**
   * `not_found` is the end of a stream for this one reason: the agent then stops all that it holds. What is really
   * missing of it here (a job, an attempt) is our own fault, and never says so.
   */
  const checkCluster = (): void => {
    if (scheduler.registry.get(name)?.id !== cluster.id) outbox.end(clusterDeleted(name));
    else if (!scheduler.servers.holds(cluster, stream)) outbox.end(notHeld());
  };

  const fail = (error: unknown): void => {
    const known = error instanceof RainbowError && error.code !== 'not_found';
    outbox.end(known ? error : new RainbowError('internal', 'the stream failed', { cause: error }));
  };
  turns.onError(fail);

  // ── the whole ──

  const greet = async ({ free, holds }: Greeting): Promise<void> => {
    await ready;
    checkCluster();
    if (outbox.ended) return;
    outbox.put(message.welcome(settings));
    if (free !== null) onFree(free);
    const found = await reconcile(reporting, cluster, holds);
    for (const report of found.acknowledge) {
      await outbox.room();
      outbox.put(message.acknowledge(report));
    }
    for (const { jobId, epoch, reason } of found.stop) stop(jobId, epoch, reason);
    for (const [jobId, epoch] of found.received) {
      received.set(jobId, epoch);
      heardOf.set(jobId, epoch);
    }
    for (const followed of deps.followers.at(name)) tellFollow(followed, true);
    reading = true;
    if (bids) {
      bidding = scheduler.bidding.open({
        cluster,
        ask(id, question, withinMs) {
          if (outbox.ended || outbox.isFull) return false;
          outbox.put(message.bidRequest(id, question, withinMs));
          return true;
        },
      });
    }
    offering?.look();
    filling?.fill();
  };

  const unlisten = scheduler.onWork(name, onWork);
  const unfollow = deps.followers.listen(name, (what, isFollowed) => {
    if (reading) tellFollow(what, isFollowed);
  });
  const timer = timers.every(settings.heartbeat * 1000, beat);
  const greeted = greet(greeting).catch(fail);
  const serve = async (): Promise<void> => {
    await greeted;
    await read();
  };
  void serve().catch(fail);
  const finish = async (): Promise<void> => {
    await outbox.whenEnded;
    timer.cancel();
    unlisten();
    unfollow();
    strays?.close();
    await greeted;
    bidding?.close();
    await turns.idle();
    await filling?.idle();
    await offering?.idle();
  };
  return { messages: () => outbox.messages(), end: (error) => outbox.end(error), ended: finish() };
}
