/**
 * Those who use the server: people who submit (and say it again where no answer came), cancel and watch; an operator
 * who registers, replaces and deletes clusters; a prototype client that polls. None of them ever dies.
 */
import { create } from '@bufbuild/protobuf';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { AcceptJobsRequestSchema, ReceiveJobsRequestSchema } from '../../src/gen/prototype/rainbow_pb.js';
import { DeleteClusterRequestSchema, RegisterClusterRequestSchema } from '../../src/gen/rainbow/v1/clusters_pb.js';
import { OnClusterLoss } from '../../src/gen/rainbow/v1/job_pb.js';
import {
  CancelJobRequestSchema,
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
}

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
    const { key } = order;
    if (key !== null) this.#ledger.wantedOnce.add(order.name);
    const request = create(SubmitRequestSchema, {
      jobspec: coresJob(order).replace('"duration":60', '"duration":20'),
      name: order.name,
      clusters: [...order.clusters],
      idempotencyKey: key ?? '',
      priority: order.priority,
      onClusterLoss: order.onClusterLoss,
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
    for (let tries = 0; tries < TRIES; tries++) {
      const answer = await this.#ask(`cancel ${id}`, ({ jobs }) => jobs.cancel(request, asOperator()));
      if ('value' in answer || ('error' in answer && !mayPass(answer.error.code))) return;
      await this.wait(1_000);
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
          if (!('message' in item)) break;
          this.#ledger.watched(name, Number(item.message.seq));
        }
      }
      await this.wait(300);
    }
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
