/**
 * A small service over real sockets, made of Rainbow's own contract (it has all four kinds of call) with handlers that
 * do what the request's text says. Knows what ran and how it ended.
 */
import { RainbowError } from '../../src/core/errors.ts';
import { AgentService } from '../../src/gen/rainbow/v1/agent_pb.js';
import { ClusterService } from '../../src/gen/rainbow/v1/clusters_pb.js';
import { JobService } from '../../src/gen/rainbow/v1/jobs_pb.js';
import { ServerService } from '../../src/gen/rainbow/v1/server_pb.js';
import { bind, type Binding, type CallContext } from '../../src/server/call.ts';
import { listen, type ListenOptions, type Listener } from '../../src/server/edge/listen.ts';
import type { Log } from '../../src/server/edge/log.ts';
import { realSystem } from '../../src/system/real.ts';

export const CHUNK = 64 * 1024;

export interface TestService {
  readonly listener: Listener;
  /** What handlers saw: `started submit`, `aborted watch: aborted`, `returned watch`. */
  readonly seen: string[];
  /** What went to the log, as JSON texts with the error's stack. */
  readonly logged: string[];
  /** How many unary handlers ran at once, at most. */
  readonly counts: { running: number; most: number; chunks: number; pieces: number };
  /** Lets the calls that were told to "wait" go on. */
  release(): void;
  stop(graceMs?: number): Promise<void>;
}

export async function testService(options: Partial<ListenOptions> = {}): Promise<TestService> {
  const seen: string[] = [];
  const logged: string[] = [];
  const counts = { running: 0, most: 0, chunks: 0, pieces: 0 };
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));

  const note = (level: string) => (fields: object, message: string) => {
    const error = 'err' in fields && fields.err instanceof Error ? fields.err.stack : undefined;
    logged.push(JSON.stringify({ level, message, ...fields, err: error }));
  };
  const log: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };

  function watchAbort(call: CallContext, what: string): void {
    call.signal.addEventListener('abort', () => {
      seen.push(`aborted ${what}: ${(call.signal.reason as RainbowError).code}`);
    });
  }

  const bindings: Binding[] = [
    {
      service: JobService,
      handlers: {
        async submit(request: { jobspec: string; name: string }, call: CallContext) {
          seen.push('started submit');
          counts.running += 1;
          counts.most = Math.max(counts.most, counts.running);
          try {
            switch (request.jobspec) {
              case 'wait':
                await released;
                break;
              case 'hang':
                watchAbort(call, 'submit');
                await new Promise(() => {});
                break;
              case 'until aborted':
                watchAbort(call, 'submit');
                await new Promise((_resolve, reject) => {
                  call.signal.addEventListener('abort', () => reject(call.signal.reason as Error), { once: true });
                });
                break;
              case 'refuse':
                throw new RainbowError('failed_precondition', request.name, { cause: new Error('hidden cause') });
              case 'surrogate':
                throw new RainbowError('failed_precondition', 'half \ud834 of a pair');
              case 'crash':
                throw new TypeError('the password is hunter2');
              case 'bad answer':
                return { job: { priority: 'no number' } };
              case 'soon':
                await new Promise((resolve) => setImmediate(resolve));
                break;
            }
            return { job: { id: '7', name: request.name, owner: call.metadata('authorization') ?? '' }, created: true };
          } finally {
            counts.running -= 1;
          }
        },
        async *watchEvents({ jobId, afterSeq }: { jobId: string; afterSeq: string }, call: CallContext) {
          seen.push('started watch');
          watchAbort(call, 'watch');
          try {
            for (let seq = Number(afterSeq) + 1; seq <= Number(jobId); seq += 1) yield { seq: String(seq) };
            if (jobId === '99') throw new RainbowError('not_found', 'no job 99');
            if (jobId === '3') return;
            await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
          } finally {
            seen.push('returned watch');
          }
        },
        async *readOutput({ epoch }: { epoch: string }) {
          for (let chunk = 0; chunk < Number(epoch); chunk += 1) {
            counts.chunks += 1;
            yield { task: chunk, data: new Uint8Array(CHUNK).fill(chunk % 251) };
          }
        },
      },
    },
    {
      service: ClusterService,
      handlers: {
        async registerInPieces(requests: AsyncIterable<{ name: string; graph: string }>, call: CallContext) {
          watchAbort(call, 'pieces');
          let name = '';
          let graph = '';
          for await (const request of requests) {
            counts.pieces += 1;
            name ||= request.name;
            graph += request.graph;
            if (name === 'slow') await released;
            if (name === 'refuse') throw new RainbowError('already_exists', 'cluster refuse exists');
          }
          return { token: name === 'slow' ? String(graph.length) : graph, cluster: { name } };
        },
      },
    },
    bind(AgentService, {
      async *connect(messages, call) {
        seen.push('started connect');
        watchAbort(call, 'connect');
        try {
          for await (const { message } of messages) {
            if (message.case === 'hello' && message.value.cluster === 'refuse') {
              throw new RainbowError('unauthenticated', 'wrong secret');
            }
            if (message.case === 'hello') {
              yield { message: { case: 'welcome', value: { serverVersion: message.value.cluster, protocol: 1 } } };
            }
            if (message.case === 'heartbeat') yield { message: { case: 'heartbeat', value: message.value } };
          }
          seen.push('half-closed connect');
        } finally {
          seen.push('returned connect');
        }
      },
    }),
    bind(ServerService, { getInfo: (_request, call) => Promise.resolve({ name: call.peer, version: '1' }) }),
  ];

  const listener = await listen({ host: '127.0.0.1:0', log, ...options }, bindings, realSystem);
  return {
    listener,
    seen,
    logged,
    counts,
    release,
    stop: (graceMs = 1000) => listener.stop(graceMs),
  };
}

/** The error that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<RainbowError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof RainbowError) return error;
    throw new Error('failed, but not with a RainbowError', { cause: error });
  }
  throw new Error('did not fail');
}

export async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of iterable) items.push(item);
  return items;
}
