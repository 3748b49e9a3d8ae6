/**
 * The computer beside a cluster: its native queue, the agent's disk, and whoever looks after the agent: starts it
 * again when it has ended or was killed, with the secret that the cluster has now.
 */
import { create } from '@bufbuild/protobuf';
import { serveCluster } from '../../src/agent/serve-cluster.ts';
import type { Journal } from '../../src/agent/journal.ts';
import { silentLog } from '../../src/agent/log.ts';
import type { FromServer, ToServer, Uplink } from '../../src/agent/messages.ts';
import type { Pick } from '../../src/agent/pick/pick.ts';
import { pickNamed } from '../../src/agent/pick/picks.ts';
import { noHook } from '../../src/agent/sentinels.ts';
import { keyText, type Runner } from '../../src/agent/runners/runner.ts';
import { decode, encode } from '../../src/agent/wire.ts';
import { AgentMessageSchema, type AgentMessage, type ServerMessage } from '../../src/gen/rainbow/v1/agent_pb.js';
import { JournalDisk } from './journal-disk.ts';
import type { NativeQueue } from './native-queue.ts';
import { Connection } from './network.ts';
import { Process } from './process.ts';
import { refused, type ServerHost } from './server-host.ts';
import type { Timeline } from './timeline.ts';

/** What an agent is told at its start. */
export interface AgentClimate {
  /** `fussy`: leaves some of what it is offered, until it is polite. */
  readonly pick: 'first-come' | 'smallest' | 'fussy';
  readonly bids: boolean;
}

/** Parts that a test may put something wrong into. */
export interface AgentPorts {
  readonly runner?: (runner: Runner, process: Process) => Runner;
  readonly journal?: (journal: Journal) => Journal;
}

/** Milliseconds of what the agent asks its cluster, about. */
const NATIVE = 3;

export class AgentHost {
  readonly cluster: string;
  readonly queue: NativeQueue;
  readonly disk: JournalDisk;
  readonly clock = { ahead: 0 };
  /** Null: the cluster is not registered. */
  secret: string | null = null;
  /** The network between here and the server is cut, and nobody is told. */
  isCut = false;
  /** It takes what it can. */
  polite = false;
  readonly #climate: AgentClimate;
  readonly #timeline: Timeline;
  readonly #server: ServerHost;
  readonly #ports: AgentPorts;
  #process: Process | null = null;
  #letGo = (): void => undefined;
  #connection: Connection<AgentMessage, ServerMessage> | null = null;

  constructor(
    cluster: string,
    parts: { readonly timeline: Timeline; readonly server: ServerHost; readonly queue: NativeQueue },
    climate: AgentClimate,
    ports: AgentPorts,
  ) {
    this.#climate = climate;
    this.cluster = cluster;
    this.#timeline = parts.timeline;
    this.#server = parts.server;
    this.queue = parts.queue;
    this.#ports = ports;
    this.disk = new JournalDisk(parts.timeline);
  }

  get isRunning(): boolean {
    return this.#process !== null;
  }

  start(): void {
    const { secret } = this;
    if (this.#process !== null || secret === null) return;
    this.#timeline.note(`agent ${this.cluster}: starts`);
    const process = new Process(this.#timeline, `agent ${this.cluster}`, this.clock);
    this.#process = process;
    const local = this.queue.open();
    this.#letGo = () => void local.close();
    const plain = remote(process, local, this.#timeline);
    const journal = this.disk.open(process);
    const { pick, bids } = this.#climate;
    void serveCluster(
      {
        // A kind of runner that bids, or one that does not.
        identity: { cluster: this.cluster, secret, runner: bids ? 'process' : 'simulated', version: '0', maxJobs: 4 },
        journal: this.#ports.journal?.(journal) ?? journal,
        runner: this.#ports.runner?.(plain, process) ?? plain,
        uplink: this.#uplink(process),
        log: silentLog,
        reached: noHook,
        pick: { name: pick, pick: pick === 'fussy' ? this.#fussy() : pickNamed(pick).open({}) },
      },
      process.system,
      new AbortController().signal,
    ).then(
      () => this.#ended(process, 'ended'),
      (error: unknown) => this.#ended(process, error instanceof Error ? error.message : String(error)),
    );
  }

  #fussy(): Pick {
    const wants = (jobId: string): boolean => this.polite || (Number(jobId) + this.cluster.length) % 3 !== 0;
    return { rank: ({ order }) => (wants(order.jobId) ? 0 : 'not to its taste') };
  }

  /** As kill -9. The system closes its connection, unless the whole computer went. */
  crash(): void {
    const process = this.#process;
    if (process === null) return;
    this.#timeline.note(`agent ${this.cluster}: killed`);
    process.kill();
    this.#letGo();
    this.#process = null;
    const connection = this.#connection;
    this.#connection = null;
    if (this.#timeline.oneIn(4)) connection?.silence();
    else connection?.break(200);
  }

  /** The stream breaks; the agent will open another. */
  breakStream(): void {
    this.#connection?.break();
  }

  /** Until it is mended nothing gets through, and new connections hang. */
  cutOff(): void {
    this.isCut = true;
    this.#connection?.silence();
  }

  #ended(process: Process, why: string): void {
    if (!process.alive) return;
    this.#timeline.note(`agent ${this.cluster}: ${why}`);
    process.kill();
    this.#letGo();
    this.#process = null;
    this.#connection?.break();
    this.#connection = null;
    // Somebody looks after it, with the right secret in hand.
    this.#timeline.plan(this.#timeline.delay(3_000), null, () => this.start());
  }

  #uplink(process: Process): Uplink {
    return { open: (say, signal) => this.#open(process, say, signal) };
  }

  async *#open(process: Process, say: AsyncIterable<ToServer>, signal: AbortSignal): AsyncGenerator<FromServer> {
    const isThere = await process.ask(3, 'connects', () => !this.isCut && this.#server.running !== null);
    const { running } = this.#server;
    if (this.isCut) await aborted(signal);
    if (!isThere || running === null || signal.aborted) throw refused();
    const { cluster } = this;
    const connection = new Connection<AgentMessage, ServerMessage>(this.#timeline, cluster, process, running.process);
    this.#connection = connection;
    signal.addEventListener('abort', () => connection.leave(), { once: true });
    void this.#server.serveAgent(cluster, running, connection);
    void speak(say, connection);
    for (;;) {
      const item = await connection.down.receive();
      if ('message' in item) yield decode(item.message);
      else if (item.end !== null) throw item.end;
      else return;
    }
  }
}

async function speak(say: AsyncIterable<ToServer>, connection: Connection<AgentMessage, ServerMessage>): Promise<void> {
  for await (const said of say) {
    await connection.up.room();
    connection.up.send(create(AgentMessageSchema, encode(said)), said.kind);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Every call takes its time there and back, and changes are told late, each watcher's in their order. */
function remote(process: Process, runner: Runner, timeline: Timeline): Runner {
  return {
    find: () => process.ask(NATIVE, 'finds', () => runner.find()),
    submit: (order) => process.ask(NATIVE, `submits ${keyText(order)}`, () => runner.submit(order)),
    stop: (key, reason) => process.ask(NATIVE, `stops ${keyText(key)}`, () => runner.stop(key, reason)),
    ...(runner.queue === undefined ? {} : { queue: runner.queue }),
    withdraw: (key, reason) =>
      process.ask(NATIVE, `withdraws ${keyText(key)}`, () => runner.withdraw?.(key, reason) ?? false),
    watch(changed) {
      let last = 0;
      return runner.watch((native) => {
        last = Math.max(last, timeline.elapsed + timeline.delay(NATIVE));
        timeline.plan(last - timeline.elapsed, process, () => {
          timeline.note(`${process.name}: sees ${keyText(native)} ${native.status.state}`);
          changed(native);
        });
      });
    },
    output: (key, from, limit) => process.ask(NATIVE, 'reads output', () => runner.output(key, from, limit)),
    busy: () => process.ask(NATIVE, 'looks what is busy', () => runner.busy()),
    forget: (key) => process.ask(NATIVE, `forgets ${keyText(key)}`, () => runner.forget(key)),
    close: () => runner.close(),
  };
}
