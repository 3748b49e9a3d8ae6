/**
 * For tests: an agent without a cluster. It speaks the protocol over the handler's own async iterables, keeps a
 * journal of what it holds as a real one does, and does nothing by itself: the test says what happens to its jobs.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { AgentMessageSchema, type AgentMessage } from '../../../gen/rainbow/v1/agent_pb.js';
import type { BidAnswerSchema } from '../../../gen/rainbow/v1/bid_pb.js';
import { JobState } from '../../../gen/rainbow/v1/job_pb.js';
import type { AgentService, HelloSchema, JobReportSchema } from '../../../gen/rainbow/v1/agent_pb.js';
import type { CallContext, Handlers } from '../../call.ts';
import type { Sent } from '../session.ts';
import { testCall } from './test-call.ts';

type Said = MessageInitShape<typeof AgentMessageSchema>;
type ReportInit = MessageInitShape<typeof JobReportSchema>;
export type StateName = 'pending' | 'received' | 'accepted' | 'running' | 'completed' | 'failed' | 'canceled';

export interface FakeAgent {
  /** What the server has said on this stream. */
  heard: Sent[];
  /** Jobs it holds: (id.epoch) → its last report, and whether that was acknowledged. */
  readonly journal: Map<
    string,
    { readonly id: string; readonly epoch: string; state: StateName; acknowledged: boolean }
  >;
  /** Null while the stream is open. */
  over: { readonly error: unknown } | null;
  /** Opens a stream and says Hello with what the journal holds. */
  connect(hello?: MessageInitShape<typeof HelloSchema>): void;
  /** Half-closes: says no more, hears the rest. */
  leave(): void;
  /** The connection breaks: neither side hears the other. */
  drop(): void;
  say(message: Said['message']): void;
  report(id: string, epoch: string | number, state: StateName, more?: ReportInit): void;
  heartbeat(capacity?: number): void;
  starts(): { readonly jobId: string; readonly epoch: string }[];
  offered(): { readonly jobId: string; readonly epoch: string }[];
  gone(): { readonly jobId: string; readonly epoch: string }[];
  stops(): { readonly jobId: string; readonly epoch: string }[];
  acknowledged(): string[];
  /** Of a slow agent: from here on it reads. */
  readOn(): void;
  capacity: number;
  /** What it answers to a question; null: nothing. An agent that connects with `bids: true` is asked. */
  answer: ((question: { readonly id: string; readonly shape: string }) => AnswerInit | null) | null;
}

type AnswerInit = MessageInitShape<typeof BidAnswerSchema>;

export interface FakeAgentOptions {
  readonly cluster: string;
  readonly instance?: string;
  readonly startedAt: number;
  readonly capacity?: number;
  /** True: it takes nothing from the stream until `readOn`. */
  readonly slow?: boolean;
}

export function fakeAgent(handlers: Handlers<typeof AgentService>, options: FakeAgentOptions): FakeAgent {
  const journal: FakeAgent['journal'] = new Map();
  let stream: Stream | null = null;
  let holdBack = options.slow ?? false;

  const agent: FakeAgent = {
    heard: [],
    journal,
    capacity: options.capacity ?? 100,
    over: null,
    answer: null,

    connect(hello: MessageInitShape<typeof HelloSchema> = {}): void {
      agent.heard = [];
      agent.over = null;
      const opened = openStream();
      stream = opened;
      opened.say({
        case: 'hello',
        value: {
          protocol: 1,
          cluster: options.cluster,
          secret: `${options.cluster} secret`,
          instanceId: options.instance ?? 'agent-1',
          instanceStartedMs: String(options.startedAt),
          runner: 'fake',
          version: '0',
          holds: [...journal.values()].map(({ id, epoch, state }) => reportOf(id, epoch, state)),
          capacity: agent.capacity,
          ...hello,
        },
      });
      const listen = async (): Promise<void> => {
        try {
          for await (const message of handlers.connect(opened.requests, opened.call)) {
            if (stream !== opened) return;
            hear(message);
            if (holdBack) await opened.mayRead();
          }
          if (stream === opened) agent.over = { error: null };
        } catch (error) {
          if (stream === opened) agent.over = { error };
        }
      };
      void listen();
    },
    leave: () => stream?.close(),
    drop(): void {
      const dropped = stream;
      stream = null;
      dropped?.abort();
    },
    say: (message: Said['message']) => stream?.say(message),
    report(id: string, epoch: string | number, state: StateName, more: ReportInit = {}): void {
      const key = `${id}.${epoch}`;
      journal.set(key, { id, epoch: String(epoch), state, acknowledged: false });
      stream?.say({ case: 'report', value: reportOf(id, String(epoch), state, more) });
    },
    heartbeat(capacity: number = agent.capacity): void {
      agent.capacity = capacity;
      stream?.say({ case: 'heartbeat', value: { capacity } });
    },
    starts: () => agent.heard.flatMap(({ message }) => (message?.case === 'start' ? [ref(message.value)] : [])),
    offered: () =>
      agent.heard.flatMap(({ message }) => (message?.case === 'offered' ? (message.value.jobs ?? []).map(ref) : [])),
    gone: () =>
      agent.heard.flatMap(({ message }) => (message?.case === 'offered' ? (message.value.gone ?? []).map(ref) : [])),
    stops: () => agent.heard.flatMap(({ message }) => (message?.case === 'stop' ? [ref(message.value)] : [])),
    acknowledged: () =>
      agent.heard.flatMap(({ message }) =>
        message?.case === 'reportAck'
          ? [`${message.value.jobId} ${JobState[message.value.state ?? 0]?.toLowerCase()}`]
          : [],
      ),
    readOn(): void {
      holdBack = false;
      stream?.read();
    },
  };

  const hear = (sent: Sent): void => {
    agent.heard.push(sent);
    const { message } = sent;
    if (message?.case === 'start') {
      const { jobId = '0', epoch = '0' } = message.value;
      const key = `${jobId}.${epoch}`;
      if (!journal.has(key)) journal.set(key, { id: jobId, epoch, state: 'received', acknowledged: false });
    }
    if (message?.case === 'bidRequest') {
      const { id = '', shape = '' } = message.value;
      const answer = agent.answer?.({ id, shape }) ?? null;
      if (answer !== null) agent.say({ case: 'bid', value: { requestId: id, id: `bid ${id}`, ...answer } as never });
    }
    if (message?.case === 'reportAck') {
      const entry = journal.get(`${message.value.jobId}.${message.value.epoch}`);
      if (entry === undefined || JobState[message.value.state ?? 0] !== entry.state.toUpperCase()) return;
      entry.acknowledged = true;
      const over = entry.state !== 'received' && entry.state !== 'accepted' && entry.state !== 'running';
      if (over) journal.delete(`${entry.id}.${entry.epoch}`);
    }
  };
  return agent;
}

function ref(value: { jobId?: string | undefined; epoch?: string | undefined }): { jobId: string; epoch: string } {
  return { jobId: value.jobId ?? '0', epoch: value.epoch ?? '0' };
}

export function reportOf(id: string, epoch: string, state: StateName, more: ReportInit = {}): ReportInit {
  const wire = JobState[state.toUpperCase() as keyof typeof JobState];
  const native = state === 'received' || state === 'pending' ? {} : { nativeId: `native-${id}` };
  return { jobId: id, epoch, state: wire, ...native, ...more };
}

interface Stream {
  readonly requests: AsyncIterable<AgentMessage>;
  readonly call: CallContext;
  say(message: Said['message']): void;
  close(): void;
  abort(): void;
  mayRead(): Promise<void>;
  read(): void;
}

function openStream(): Stream {
  const queue: AgentMessage[] = [];
  const controller = new AbortController();
  let closed = false;
  let wake: (() => void) | null = null;
  let reader: (() => void) | null = null;
  const changed = (): void => {
    wake?.();
    wake = null;
  };
  async function* requests(): AsyncGenerator<AgentMessage> {
    for (;;) {
      const next = queue.shift();
      if (next !== undefined) yield next;
      else if (closed) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  return {
    requests: requests(),
    call: testCall(controller.signal),
    say(message) {
      queue.push(create(AgentMessageSchema, { message } as Said));
      changed();
    },
    close() {
      closed = true;
      changed();
    },
    abort() {
      closed = true;
      queue.length = 0;
      controller.abort();
      changed();
      reader?.();
    },
    mayRead: () => new Promise((resolve) => (reader = resolve)),
    read: () => reader?.(),
  };
}
