/** The calls of the benchmark, as bytes on the wire. */
import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { AgentMessageSchema, ServerMessageSchema, type ServerMessage } from '../../src/gen/rainbow/v1/agent_pb.js';
import { RegisterClusterRequestSchema, RegisterClusterResponseSchema } from '../../src/gen/rainbow/v1/clusters_pb.js';
import { SubmitRequestSchema, WatchEventsRequestSchema } from '../../src/gen/rainbow/v1/jobs_pb.js';
import { duplex, unary } from './child.ts';
import { SECRET } from './server.ts';

export const SUBMIT = '/rainbow.v1.JobService/Submit';
export const SUBMIT_MANY = '/rainbow.v1.JobService/SubmitMany';
export const WATCH = '/rainbow.v1.JobService/WatchEventBatches';
const REGISTER = '/rainbow.v1.ClusterService/Register';
const CONNECT = '/rainbow.v1.AgentService/Connect';

export function operator(): grpc.Metadata {
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${SECRET}`);
  return metadata;
}

export function user(): grpc.Metadata {
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer rbu_${'b'.repeat(43)}`);
  return metadata;
}

export interface Registered {
  readonly name: string;
  readonly secret: string;
  readonly token: string;
}

export async function register(client: grpc.Client, name: string, nodes: number, cores: number): Promise<Registered> {
  const graph = generateGraph({ name, nodes, coresPerNode: cores });
  const request = toBinary(
    RegisterClusterRequestSchema,
    create(RegisterClusterRequestSchema, { name, secret: SECRET, graph }),
  );
  const answer = await unary(client, REGISTER, Buffer.from(request), operator());
  const { secret, token } = fromBinary(RegisterClusterResponseSchema, answer);
  return { name, secret, token };
}

/** Of 64 shapes, as typed JSON: so many nodes and cores. */
export function submit(cluster: Registered, shape: number): Buffer {
  const jobspec = JSON.stringify({
    version: 1,
    resources: [
      {
        type: 'node',
        count: 1 + (shape % 8),
        with: [{ type: 'slot', count: 1, label: 'task', with: [{ type: 'core', count: 1 + Math.floor(shape / 8) }] }],
      },
    ],
    tasks: [{ command: ['app'], slot: 'task', count: { per_slot: 1 } }],
    attributes: { system: { duration: 60 } },
  });
  const { name, token } = cluster;
  const request = create(SubmitRequestSchema, { jobspec, name: 'bench', credentials: [{ name, token }] });
  return Buffer.from(toBinary(SubmitRequestSchema, request));
}

export function watch(): Buffer {
  return Buffer.from(toBinary(WatchEventsRequestSchema, create(WatchEventsRequestSchema, { afterSeq: '0' })));
}

export type Say = (message: MessageInitShape<typeof AgentMessageSchema>['message']) => void;

/** An agent that takes whatever it is given; resolves when it has been welcomed. */
export function agent(
  client: grpc.Client,
  cluster: Registered,
  on: (message: ServerMessage, say: Say) => void,
): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const stream = duplex(client, CONNECT, new grpc.Metadata());
    const say: Say = (message) => {
      const said = create(AgentMessageSchema, { message } as MessageInitShape<typeof AgentMessageSchema>);
      stream.write(Buffer.from(toBinary(AgentMessageSchema, said)));
    };
    stream.on('error', reject);
    stream.on('data', (bytes: Buffer) => {
      const heard = fromBinary(ServerMessageSchema, bytes);
      if (heard.message.case === 'welcome') resolve(() => stream.cancel());
      if (heard.message.case === 'heartbeat') say({ case: 'heartbeat', value: { capacity: 1_000_000 } });
      on(heard, say);
    });
    say({
      case: 'hello',
      value: {
        protocol: 1,
        cluster: cluster.name,
        secret: cluster.secret,
        instanceId: 'bench',
        instanceStartedMs: String(Date.now()),
        runner: 'bench',
        version: '0',
        holds: [],
        capacity: 1_000_000,
      },
    });
  });
}
