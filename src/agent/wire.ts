/** The agent's messages to and from the wire. The only file of the agent that knows generated types. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { RainbowClient } from '../client/client.ts';
import { invalid } from '../core/errors.ts';
import {
  RunAs,
  type AgentMessageSchema,
  type FreeReportSchema,
  type JobReportSchema,
  type ServerMessage,
  type Start,
} from '../gen/rainbow/v1/agent_pb.js';
import type { BidAnswerSchema } from '../gen/rainbow/v1/bid_pb.js';
import { JobState } from '../gen/rainbow/v1/job_pb.js';
import { OutputStream } from '../gen/rainbow/v1/jobs_pb.js';
import type { Free, FromServer, Report, ReportState, ToServer, Uplink } from './messages.ts';
import { readReason } from './reason.ts';
import type { ArrayTask, JobKey, Order } from './runners/runner.ts';
import type { StagingOrder } from './staging/order.ts';

/** The version of the protocol that this agent speaks. */
export const PROTOCOL = 1;

const STATES = {
  pending: JobState.PENDING,
  received: JobState.RECEIVED,
  accepted: JobState.ACCEPTED,
  running: JobState.RUNNING,
  completed: JobState.COMPLETED,
  failed: JobState.FAILED,
  canceled: JobState.CANCELED,
} as const satisfies Record<ReportState, JobState>;

const STATES_BACK = new Map(Object.entries(STATES).map(([name, value]) => [value, name as ReportState] as const));

const STREAMS = { stdout: OutputStream.STDOUT, stderr: OutputStream.STDERR } as const;

export function grpcUplink({ agents: client, elsewhere }: Pick<RainbowClient, 'agents' | 'elsewhere'>): Uplink {
  return {
    elsewhere,
    async *open(say, signal) {
      for await (const message of client.connect(encoded(say), { signal })) yield decode(message);
    },
  };
}

async function* encoded(say: AsyncIterable<ToServer>): AsyncGenerator<MessageInitShape<typeof AgentMessageSchema>> {
  for await (const message of say) yield encode(message);
}

export function encode(message: ToServer): MessageInitShape<typeof AgentMessageSchema> {
  switch (message.kind) {
    case 'hello': {
      const { hello } = message;
      return {
        message: {
          case: 'hello',
          value: {
            protocol: PROTOCOL,
            cluster: hello.cluster,
            secret: hello.secret,
            instanceId: hello.instanceId,
            instanceStartedMs: String(hello.instanceStartedAt),
            runner: hello.runner,
            version: hello.version,
            runAs: hello.runAs === 'mapped' ? RunAs.MAPPED : RunAs.SINGLE_USER,
            holds: hello.holds.map(encodeReport),
            free: encodeFree(hello.free),
            capacity: hello.capacity,
            pick: hello.pick,
            bids: hello.bids,
            containers: hello.containers ?? '',
            ...(hello.accounts === null ? {} : { accounts: { owners: [...hello.accounts] } }),
          },
        },
      };
    }
    case 'report':
      return { message: { case: 'report', value: encodeReport(message.report) } };
    case 'free':
      return { message: { case: 'free', value: encodeFree(message.free) } };
    case 'output':
      return {
        message: {
          case: 'output',
          value: {
            ...encodeKey(message.key),
            chunks: message.pieces.map(({ task, stream, offset, data, at }) => ({
              task,
              stream: STREAMS[stream],
              offset: String(offset),
              data,
              at: timestampFromMs(at),
            })),
          },
        },
      };
    case 'choose': {
      const take = message.take.map(encodeKey);
      const leave = message.leave.map(({ key, message: why }) => ({ ...encodeKey(key), message: why }));
      return { message: { case: 'choose', value: { take, leave } } };
    }
    case 'bid':
      return { message: { case: 'bid', value: encodeBid(message) } };
    default:
      return {
        message: { case: 'heartbeat', value: { at: timestampFromMs(message.at), capacity: message.capacity } },
      };
  }
}

function encodeBid({
  requestId,
  id,
  bid,
}: Extract<ToServer, { kind: 'bid' }>): MessageInitShape<typeof BidAnswerSchema> {
  if (bid.kind === 'no') return { requestId, id, answer: { case: 'no', value: { ...bid.reason } } };
  const { cost, ...times } = bid.estimate;
  const priced = cost === null ? {} : { cost: { ...cost, parts: cost.parts.map((part) => ({ ...part })) } };
  return { requestId, id, answer: { case: 'yes', value: { ...times, ...priced } } };
}

function encodeKey(key: JobKey): { jobId: string; epoch: string } {
  return { jobId: key.jobId, epoch: String(key.epoch) };
}

function encodeFree(free: Free): MessageInitShape<typeof FreeReportSchema> {
  return { seq: String(free.seq), busyVertices: [...free.busyVertices], includes: free.includes.map(encodeKey) };
}

function encodeReport(report: Report): MessageInitShape<typeof JobReportSchema> {
  const time = (ms: number | null, name: 'acceptedAt' | 'startedAt' | 'endedAt'): object =>
    ms === null ? {} : { [name]: timestampFromMs(ms) };
  return {
    ...encodeKey(report),
    state: STATES[report.state],
    reason: { code: report.reason.code, message: report.reason.message },
    nativeId: report.nativeId,
    ...time(report.acceptedAt, 'acceptedAt'),
    ...time(report.startedAt, 'startedAt'),
    ...time(report.endedAt, 'endedAt'),
    ...(report.exitCode === null ? {} : { exitCode: report.exitCode }),
    ...(report.signal === null ? {} : { signal: report.signal }),
  };
}

/** Throws `invalid_input` with the place where the server says what cannot be. */
export function decode({ message }: ServerMessage): FromServer {
  switch (message.case) {
    case 'welcome': {
      const { serverVersion, protocol, heartbeat } = message.value;
      return { kind: 'welcome', serverVersion, protocol, heartbeat };
    }
    case 'start': {
      const { outputCap, array } = message.value;
      const order = {
        ...readOrder(message.value, 'start'),
        ...readArray(array),
        ...readStaging(message.value.staging),
      };
      return { kind: 'start', order: outputCap === '0' ? order : { ...order, outputCap: Number(outputCap) } };
    }
    case 'offered':
      return {
        kind: 'offered',
        orders: message.value.jobs.map((offer) => readOrder(offer, 'offered.jobs')),
        gone: message.value.gone.map((key) => readKey(key, 'offered.gone')),
      };
    case 'follow':
      return { kind: 'follow', key: readKey(message.value, 'follow'), follow: message.value.follow };
    case 'stop': {
      const { reason } = message.value;
      return {
        kind: 'stop',
        key: readKey(message.value, 'stop'),
        reason: readReason(reason?.code ?? '', reason?.message ?? '', 'user'),
      };
    }
    case 'reportAck': {
      const state = STATES_BACK.get(message.value.state as (typeof STATES)[ReportState]);
      return state === undefined
        ? { kind: 'unknown' }
        : { kind: 'reportAck', key: readKey(message.value, 'report_ack'), state };
    }
    case 'outputAck':
      return {
        kind: 'outputAck',
        key: readKey(message.value, 'output_ack'),
        positions: message.value.offsets.map(({ task, stream, offset }) => ({
          task,
          stream: stream === OutputStream.STDERR ? 'stderr' : 'stdout',
          offset: Number(offset),
        })),
      };
    case 'bidRequest': {
      const { id, shape, jobspec, walltime, priority } = message.value;
      return { kind: 'bidRequest', id, question: { shape, jobspec, walltime, priority } };
    }
    case 'withdraw':
      return { kind: 'withdraw', key: readKey(message.value, 'withdraw'), message: message.value.message };
    case 'heartbeat':
      return { kind: 'heartbeat' };
    default:
      return { kind: 'unknown' };
  }
}

function readArray(array: Start['array']): { readonly array?: ArrayTask } {
  if (array === undefined) return {};
  const { id, index, count, least, most } = array;
  return { array: { id, index, count, least, most } };
}

function readStaging(staging: Start['staging']): { readonly staging?: StagingOrder } {
  if (staging === undefined) return {};
  const { files, bytes, stageOut, mostFiles, mostBytes, mostFileBytes } = staging;
  const limits = { files: mostFiles, bytes: Number(mostBytes), fileBytes: Number(mostFileBytes) };
  return { staging: { files, bytes: Number(bytes), out: stageOut, limits } };
}

function readOrder(
  order: { jobId: string; epoch: string } & Pick<Order, 'name' | 'owner' | 'jobspec' | 'walltime' | 'priority'>,
  place: string,
): Order {
  const { name, owner, jobspec, walltime, priority } = order;
  return { ...readKey(order, place), name, owner, jobspec, walltime, priority };
}

function readKey({ jobId, epoch }: { jobId: string; epoch: string }, place: string): JobKey {
  const number = Number(epoch);
  // Job ids become names of files: nothing but digits.
  if (!/^[1-9][0-9]{0,18}$/.test(jobId)) throw invalid(`${place}.job_id`, `the server sent ${JSON.stringify(jobId)}`);
  if (!Number.isSafeInteger(number) || number < 1) throw invalid(`${place}.epoch`, `the server sent ${epoch}`);
  return { jobId, epoch: number };
}
