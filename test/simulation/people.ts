/**
 * Those who use the server: people who submit (and say it again where no answer came), hold, release, cancel and watch;
 * an operator who registers, replaces and deletes clusters; a prototype client that polls. None of them ever dies.
 */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { RainbowError } from '../../src/core/errors.ts';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { AcceptJobsRequestSchema, ReceiveJobsRequestSchema } from '../../src/gen/prototype/rainbow_pb.js';
import { DeleteClusterRequestSchema, RegisterClusterRequestSchema } from '../../src/gen/rainbow/v1/clusters_pb.js';
import type { RetryPolicy } from '../../src/core/job/retry.ts';
import type { Dependency, EndKind } from '../../src/core/job/waits.ts';
import { DependencyKind, OnClusterLoss, WhenBusy } from '../../src/gen/rainbow/v1/job_pb.js';
import {
  CancelJobRequestSchema,
  HoldJobRequestSchema,
  ReleaseJobRequestSchema,
  SubmitRequestSchema,
  WatchEventsRequestSchema,
} from '../../src/gen/rainbow/v1/jobs_pb.js';
import { coresJob } from '../../src/scheduler/testing/rig.ts';
import type { Ledger } from './ledger.ts';
import { Connection, known, type Answer, type Calls } from './network.ts';
import { callFrom, OPERATOR, SECRET, unending, type Running, type ServerHost } from './server-host.ts';
import type { Timeline } from './timeline.ts';

/** The cluster that only polls. */
export const POLLED = 'P';
export const CORES = 4;
const TRIES = 8;

export interface Submit {
  /** One of its own for each that is wanted; where there is a key, for each that has it. */
  readonly name: string;
  readonly key: string | null;
  readonly nodes: number;
  readonly cores: number;
  readonly priority: number;
  readonly clusters: readonly string[];
  readonly onClusterLoss: OnClusterLoss;
  readonly dependencies?: readonly OnEnd[];
  /** `0-4`: so many tasks; and how many of them at once. */
  readonly array?: { readonly tasks: number; readonly mostAtOnce: number | null } | null;
  readonly hold?: boolean;
  /** Milliseconds from when it is first said. */
  readonly beginIn?: number | null;
  readonly startWithin?: number | null;
  readonly endWithin?: number | null;
  readonly retry?: RetryPolicy | null;
  /** Seconds. */
  readonly returnAfter?: number;
  readonly whenBusy?: WhenBusy;
  readonly policy?: string;
  readonly rebid?: boolean;
}

/** What an end decides. */
export type OnEnd = Dependency & { readonly kind: EndKind };

const KINDS = {
  afterok: DependencyKind.AFTEROK,
  afterany: DependencyKind.AFTERANY,
  afternotok: DependencyKind.AFTERNOTOK,
} as const;

export class People {
  /** The secret that the operator was told last, by cluster. */
  readonly secrets = new Map<string, string>();
  /** The polling client does what it should. */
  polite = false;
  watch: Connection<never, { readonly seq: string }> | null = null;
  readonly #timeline: Timeline;
  readonly #server: ServerHost;
  readonly #ledger: Ledger;
  readonly #calls: Calls;

  constructor(parts: {
    readonly timeline: Timeline;
    readonly server: ServerHost;
    readonly ledger: Ledger;
    readonly calls: Calls;
  }) {
    this.#timeline = parts.timeline;
    this.#server = parts.server;
    this.#ledger = parts.ledger;
    this.#calls = parts.calls;
  }

  // ── people ──

  async submit(order: Submit): Promise<void> {
    const { key, array = null, retry = null, dependencies = [] } = order;
    const at = (ms: number | null | undefined): number | null =>
      ms === null || ms === undefined ? null : Math.floor(this.#timeline.now + ms);
    const [beginAt, startBefore, deadline] = [at(order.beginIn), at(order.startWithin), at(order.endWithin)];
    const mostAtOnce = array?.mostAtOnce ?? null;
    this.#ledger.wanted.set(order.name, {
      once: key !== null,
      held: order.hold ?? false,
      dependencies,
      beginAt,
      mostAtOnce,
      retry,
    });
    const request = create(SubmitRequestSchema, {
      jobspec: coresJob(order).replace('"duration":60', '"duration":20'),
      name: order.name,
      clusters: [...order.clusters],
      idempotencyKey: key ?? '',
      priority: order.priority,
      onClusterLoss: order.onClusterLoss,
      dependencies: dependencies.map(({ kind, on }) => ({ kind: KINDS[kind], on })),
      array: array === null ? '' : `0-${array.tasks - 1}${mostAtOnce === null ? '' : `%${mostAtOnce}`}`,
      hold: order.hold ?? false,
      ...(beginAt === null ? {} : { beginAt: timestampFromMs(beginAt) }),
      ...(startBefore === null ? {} : { startBefore: timestampFromMs(startBefore) }),
      ...(deadline === null ? {} : { deadline: timestampFromMs(deadline) }),
      ...(retry === null ? {} : { retry: { ...retry, on: [...retry.on] } }),
      returnAfter: order.returnAfter ?? 0,
      whenBusy: order.whenBusy ?? WhenBusy.UNSPECIFIED,
      policy: order.policy ?? '',
      ...(order.rebid === undefined ? {} : { rebid: order.rebid }),
    });
    for (let tries = 0; tries < TRIES; tries++) {
      const answer = await this.#ask(`submit ${order.name}`, ({ jobs }) => jobs.submit(request, asOperator()));
      if ('value' in answer) return this.#ledger.submitted(answer.value.job!.id!);
      // Without a key, to say it again may make another job: some do, some rather not.
      if ('error' in answer && !mayPass(answer.error.code)) return;
      if (key === null && tries > 0) return;
      await this.wait(1_000);
    }
  }

  async cancel(id: string): Promise<void> {
    const request = create(CancelJobRequestSchema, { id });
    await this.#say(`cancel ${id}`, ({ jobs }) => jobs.cancel(request, asOperator()), 1_000);
  }

  async hold(id: string): Promise<void> {
    const request = create(HoldJobRequestSchema, { id });
    await this.#say(`hold ${id}`, ({ jobs }) => jobs.hold(request, asOperator()), 1_000);
  }

  async release(id: string): Promise<void> {
    const request = create(ReleaseJobRequestSchema, { id });
    await this.#say(`release ${id}`, ({ jobs }) => jobs.release(request, asOperator()), 1_000);
  }

  /** Again until it is answered, a few times. */
  async #say<T>(name: string, act: (server: Running) => Promise<T>, ms: number): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      const answer = await this.#ask(name, act);
      if ('value' in answer || ('error' in answer && !mayPass(answer.error.code))) return;
      await this.wait(ms);
    }
  }

  /** Follows all events for ever, from where it stood whenever its stream broke. */
  async watchEvents(name: string): Promise<never> {
    for (;;) {
      const { running } = this.#server;
      if (running !== null) {
        const connection = new Connection<never, { readonly seq: string }>(this.#timeline, name, null, running.process);
        this.watch = connection;
        this.#server.connections.add(connection as never);
        void this.#serveWatch(running, connection, this.#ledger.seenBy(name));
        for (;;) {
          const item = await connection.down.receive();
          if (!('message' in item)) {
            this.#goOnBehindGap(name, item.end);
            break;
          }
          this.#ledger.watched(name, Number(item.message.seq));
        }
      }
      await this.wait(300);
    }
  }

  /** Whoever would miss deleted events is told from where on none is missing. */
  #goOnBehindGap(watcher: string, end: RainbowError | null): void {
    if (end?.code !== 'out_of_range') return;
    const from = Number(/; from (\d+) on none is missing/.exec(end.message)?.[1]);
    this.#ledger.toldOfGap(watcher, from);
  }

  async #serveWatch(
    { jobs }: Running,
    connection: Connection<never, { readonly seq: string }>,
    after: number,
  ): Promise<void> {
    const { down, left } = connection;
    const request = create(WatchEventsRequestSchema, { afterSeq: String(after), follow: true });
    try {
      for await (const event of jobs.watchEvents(request, callFrom('watcher', left.signal, OPERATOR))) {
        await down.room();
        down.send({ seq: String(event.seq) }, `event ${event.seq}`);
      }
      down.finish(null);
    } catch (error) {
      down.finish(known(error));
    }
    this.#server.connections.delete(connection as never);
  }

  // ── the operator ──

  /** Until it is registered and its secret is known: an answer that was lost took the secret with it. */
  async register(cluster: string, nodes: number): Promise<void> {
    const graph = graphOf(cluster, nodes);
    const request = create(RegisterClusterRequestSchema, { name: cluster, secret: SECRET, graph });
    for (;;) {
      const answer = await this.#ask(`register ${cluster}`, ({ clusters }) => clusters.register(request, asOperator()));
      if ('value' in answer) return void this.secrets.set(cluster, answer.value.secret!);
      if ('error' in answer && answer.error.code === 'already_exists') await this.delete(cluster);
      await this.wait(500);
    }
  }

  async delete(cluster: string): Promise<void> {
    const request = create(DeleteClusterRequestSchema, { name: cluster });
    for (;;) {
      const answer = await this.#ask(`delete ${cluster}`, ({ clusters }) => clusters.delete(request, asOperator()));
      if ('value' in answer || ('error' in answer && !mayPass(answer.error.code))) return;
      await this.wait(500);
    }
  }

  async replaceGraph(cluster: string, nodes: number): Promise<void> {
    const secret = this.secrets.get(cluster);
    if (secret === undefined) return;
    const request = create(RegisterClusterRequestSchema, {
      name: cluster,
      secret,
      graph: graphOf(cluster, nodes),
      replace: true,
    });
    await this.#ask(`replace ${cluster}`, ({ clusters }) => clusters.register(request, asOperator()));
  }

  // ── the prototype's client ──

  async poll(): Promise<never> {
    for (;;) {
      await this.wait(3_000);
      const secret = this.secrets.get(POLLED);
      if (secret === undefined) continue;
      const request = create(ReceiveJobsRequestSchema, { cluster: POLLED, secret, maxJobs: 2 });
      const answer = await this.#ask('poll', ({ prototype }) => prototype.receiveJobs(request, anonymous()));
      if (!('value' in answer)) continue;
      const jobids = Object.keys(answer.value.jobs ?? {}).map(Number);
      // Some of it it forgets, some it takes its time with, past the end of its lease.
      if (jobids.length === 0 || (!this.polite && this.#timeline.oneIn(4))) continue;
      if (!this.polite && this.#timeline.oneIn(4)) await this.wait(20_000);
      const accept = create(AcceptJobsRequestSchema, { cluster: POLLED, secret, jobids });
      await this.#ask('accept', ({ prototype }) => prototype.acceptJobs(accept, anonymous()));
    }
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#timeline.plan(this.#timeline.delay(ms), null, resolve));
  }

  #ask<T>(name: string, act: (server: Running) => Promise<T>): Promise<Answer<T>> {
    return this.#calls.call(name, () => act(this.#server.running!));
  }
}

export function graphOf(cluster: string, nodes: number): string {
  return generateGraph({ name: cluster, nodes, coresPerNode: CORES });
}

const asOperator = () => callFrom('a person', unending(), OPERATOR);
const anonymous = () => callFrom('a poller', unending(), null);

function mayPass(code: string): boolean {
  return code === 'unavailable' || code === 'aborted' || code === 'resource_exhausted' || code === 'internal';
}
