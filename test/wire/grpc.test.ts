import { connect as http2Connect } from 'node:http2';
import { createClient as connectCreateClient } from '@connectrpc/connect';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lazyChannel } from '../../src/client/channel.ts';
import { createClient, type RainbowClient } from '../../src/client/client.ts';
import { splitText } from '../../src/client/pieces.ts';
import { grpcTransport } from '../../src/client/transport.ts';
import { RainbowError } from '../../src/core/errors.ts';
import { JobService } from '../../src/gen/rainbow/v1/jobs_pb.js';
import { realSystem } from '../../src/system/real.ts';
import { collect, failure, testService, type TestService } from './service.ts';
import { until } from '../../src/system/testing/until.ts';

let service: TestService;
let client: RainbowClient;

beforeAll(async () => {
  service = await testService();
  client = createClient({ host: service.listener.address, authorization: 'rbu_me' });
});
afterAll(async () => {
  client.close();
  await service.stop();
});

/** A call with raw bytes, to say what a typed client cannot. */
function raw(path: string, bytes: Buffer, options = {}): Promise<ServiceError | Buffer> {
  const plain = new Client(service.listener.address, credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
  });
  const pass = (buffer: Buffer) => buffer;
  return new Promise((resolve) => {
    plain.makeUnaryRequest(path, pass, pass, bytes, new Metadata(), options, (error, answer) => {
      plain.close();
      resolve(error ?? (answer as Buffer));
    });
  });
}

describe('the four kinds of call', () => {
  it('unary, with metadata', async () => {
    const answer = await client.jobs.submit({ jobspec: '', name: 'first' });
    expect(answer).toMatchObject({ created: true, job: { id: '7', name: 'first', owner: 'Bearer rbu_me' } });
  });

  it('server streaming', async () => {
    const events = await collect(client.jobs.watchEvents({ jobId: '3', afterSeq: '0' }));
    expect(events.map((event) => event.seq)).toEqual(['1', '2', '3']);
  });

  it('server streaming that ends in an error after its messages', async () => {
    const got: string[] = [];
    const error = await failure(
      (async () => {
        for await (const event of client.jobs.watchEvents({ jobId: '99', afterSeq: '97' })) got.push(event.seq);
      })(),
    );
    expect(got).toEqual(['98', '99']);
    expect(error).toMatchObject({ code: 'not_found', message: 'no job 99' });
  });

  it('client streaming', async () => {
    const graph = 'é𝄞x'.repeat(1000);
    async function* messages() {
      yield { name: 'red', secret: 's' };
      for (const piece of splitText(graph, 100)) yield { graph: piece };
    }
    const answer = await client.clusters.registerInPieces(messages());
    expect(answer.cluster?.name).toBe('red');
    expect(answer.token).toBe(graph);
  });

  it('client streaming that the server refuses before its end', async () => {
    let letGo = false;
    async function* endless() {
      try {
        for (;;) yield { name: 'refuse', graph: 'x'.repeat(10_000) };
      } finally {
        letGo = true;
      }
    }
    const error = await failure(client.clusters.registerInPieces(endless()));
    expect(error).toMatchObject({ code: 'already_exists', message: 'cluster refuse exists' });
    await until('the end of the requests', () => letGo);
  });

  it('both ways, in lock step, until the half-close', async () => {
    const answers: string[] = [];
    let say = (_text: string | null) => {};
    const words: Promise<string | null>[] = [];
    const next = () => words.push(new Promise((resolve) => (say = resolve)));
    next();
    async function* messages() {
      yield { message: { case: 'hello' as const, value: { cluster: 'red' } } };
      for (let word = await words.shift(); word; word = await words.shift()) {
        yield { message: { case: 'heartbeat' as const, value: { capacity: Number(word) } } };
      }
    }
    for await (const { message } of client.agents.connect(messages())) {
      answers.push(`${message.case} ${message.case === 'heartbeat' ? message.value.capacity : ''}`);
      const current = say;
      next();
      current(answers.length < 4 ? String(answers.length) : null);
    }
    expect(answers).toEqual(['welcome ', 'heartbeat 1', 'heartbeat 2', 'heartbeat 3']);
    expect(service.seen).toContain('half-closed connect');
  });

  it('both ways, refused', async () => {
    async function* messages() {
      yield { message: { case: 'hello' as const, value: { cluster: 'refuse' } } };
      await new Promise(() => {});
    }
    expect(await failure(collect(client.agents.connect(messages())))).toMatchObject({ code: 'unauthenticated' });
  });

  it("Connect's own createClient over our transport", async () => {
    const channel = lazyChannel({ host: service.listener.address });
    const jobs = connectCreateClient(JobService, grpcTransport(channel, { timeoutMs: 5000 }, realSystem.clock));
    expect((await jobs.submit({ name: 'typed' })).job?.name).toBe('typed');
    expect(await collect(jobs.watchEvents({ jobId: '3' }))).toHaveLength(3);
    channel.close();
  });
});

describe('errors', () => {
  it('carry any text', async () => {
    const message = '100 % of "é𝄞\n\u0007" and %41';
    const error = await failure(client.jobs.submit({ jobspec: 'refuse', name: message }));
    expect(error).toMatchObject({ code: 'failed_precondition', message });
    expect((await failure(client.jobs.submit({ jobspec: 'surrogate' }))).message).toBe('half \ufffd of a pair');
  });

  it('a very long text is cut, and still arrives', async () => {
    const error = await failure(client.jobs.submit({ jobspec: 'refuse', name: '漢'.repeat(50_000) }));
    expect(error.code).toBe('failed_precondition');
    expect(error.message).toMatch(/^漢{600,}… \(150000 bytes in all\)$/);
  });

  it('of ours say nothing but a request id; the log says the rest', async () => {
    const error = await failure(client.jobs.submit({ jobspec: 'crash' }));
    expect(error.code).toBe('internal');
    const id = /^internal error \(request ([0-9a-f]{16})\)/.exec(error.message)?.[1] ?? 'none';
    expect(error.message).not.toContain('hunter2');
    const line = service.logged.find((text) => text.includes(id));
    expect(line).toContain('hunter2');
    expect(line).toContain('rainbow.v1.JobService/Submit');
  });

  it('an answer that is no message of the contract is an internal error', async () => {
    expect(await failure(client.jobs.submit({ jobspec: 'bad answer' }))).toMatchObject({ code: 'internal' });
  });

  it('a cause never leaves', async () => {
    const error = await failure(client.jobs.submit({ jobspec: 'refuse', name: 'x' }));
    expect(JSON.stringify(error.cause)).not.toContain('hidden');
  });

  it('a truncated protobuf is INVALID_ARGUMENT and says so', async () => {
    const error = (await raw('/rainbow.v1.JobService/Submit', Buffer.from([0x0a, 0x20, 0x61]))) as ServiceError;
    expect(error.code).toBe(3);
    expect(error.details).toMatch(/3 bytes.*not a whole rainbow\.v1\.SubmitRequest/);
  });

  it('deep nesting in a protobuf is INVALID_ARGUMENT', async () => {
    // UpdateClusterStateRequest.state is a google.protobuf.Struct: 2,000 structs in each other.
    let bytes = Buffer.alloc(0);
    const wrap = (tag: number, inner: Buffer) => {
      const length: number[] = [];
      for (let rest = inner.length; ; rest >>>= 7) {
        length.push(rest > 127 ? (rest & 127) | 128 : rest);
        if (rest <= 127) break;
      }
      return Buffer.concat([Buffer.from([tag, ...length]), inner]);
    };
    for (let depth = 0; depth < 2000; depth += 1) bytes = wrap(0x0a, wrap(0x12, wrap(0x2a, bytes)));
    const error = (await raw('/rainbow.v1.ClusterService/UpdateState', wrap(0x1a, bytes))) as ServiceError;
    expect(error.code).toBe(3);
  });

  it('an unknown method, and one without a handler, are UNIMPLEMENTED', async () => {
    expect(await raw('/rainbow.v1.JobService/Nope', Buffer.alloc(0))).toMatchObject({ code: 12 });
    expect(await raw('/no.such.Service/Nope%0a\u00ff', Buffer.alloc(0))).toMatchObject({ code: 12 });
    expect(await failure(client.jobs.cancel({ id: '1' }))).toMatchObject({
      code: 'unimplemented',
      message: 'this server does not implement rainbow.v1.JobService/Cancel',
    });
  });

  it('a message over the limit is RESOURCE_EXHAUSTED; the server lives', async () => {
    const small = await testService({ maxMessageBytes: 100_000 });
    const other = createClient({ host: small.listener.address });
    const error = await failure(other.jobs.submit({ jobspec: 'x'.repeat(100_001) }));
    expect(error.code).toBe('resource_exhausted');
    expect(error.message).toMatch(/JobService\/Submit is over the limit for one \(.*100005 vs 100000\)/);
    expect((await other.jobs.submit({ jobspec: 'x'.repeat(99_000) })).created).toBe(true);
    other.close();
    await small.stop();
  });

  it('a strange path or content type does not end the server', async () => {
    const session = http2Connect(`http://${service.listener.address}`);
    for (const headers of [
      { ':method': 'POST', ':path': '/a/\u00ff%00', 'content-type': 'application/grpc' },
      { ':method': 'GET', ':path': '/', 'content-type': 'text/html' },
      {
        ':method': 'POST',
        ':path': '/rainbow.v1.JobService/Submit',
        'content-type': 'application/grpc',
        'grpc-timeout': 'x',
      },
      {
        ':method': 'POST',
        ':path': '/rainbow.v1.JobService/Submit',
        'content-type': 'application/grpc',
        'grpc-encoding': 'lzma\u00e9',
      },
    ]) {
      await new Promise<void>((resolve) => {
        const stream = session.request(headers);
        stream.on('error', () => {});
        stream.on('close', resolve);
        stream.resume();
        stream.end(Buffer.from([1, 0, 0, 0, 1, 0]));
      });
    }
    session.close();
    expect((await client.jobs.submit({})).created).toBe(true);
  });
});

describe('cancel and deadline', () => {
  it("a caller's cancel reaches the handler's signal", async () => {
    const abort = new AbortController();
    const calling = failure(client.jobs.submit({ jobspec: 'until aborted' }, { signal: abort.signal }));
    await until('the handler', () => service.counts.running > 0);
    abort.abort();
    expect(await calling).toMatchObject({ code: 'aborted', message: 'the call was canceled' });
    await until('the abort in the handler', () => service.seen.includes('aborted submit: aborted'));
  });

  it('a deadline ends the call on both sides', async () => {
    const error = await failure(client.jobs.submit({ jobspec: 'until aborted' }, { timeoutMs: 1500 }));
    expect(error.code).toBe('deadline_exceeded');
    expect(error.message).toContain('within 1.5 s');
    await until('the deadline in the handler', () => service.seen.includes('aborted submit: deadline_exceeded'));
  });

  it('an aborted signal makes no call', async () => {
    const before = service.seen.length;
    const signal = AbortSignal.abort();
    expect(await failure(client.jobs.submit({}, { signal }))).toMatchObject({ code: 'aborted' });
    expect(await failure(collect(client.jobs.watchEvents({ jobId: '3' }, { signal })))).toMatchObject({
      code: 'aborted',
    });
    expect(service.seen.length).toBe(before);
  });

  it('aborting a stream ends it at once on both sides', async () => {
    const abort = new AbortController();
    service.seen.length = 0;
    const got: string[] = [];
    const error = await failure(
      (async () => {
        for await (const { seq } of client.jobs.watchEvents({ jobId: '2' }, { signal: abort.signal })) {
          if (got.push(seq) === 2) abort.abort();
        }
      })(),
    );
    expect(error.code).toBe('aborted');
    expect(got).toEqual(['1', '2']);
    await until('the end of the handler', () => service.seen.includes('returned watch'));
    expect(service.seen).toContain('aborted watch: aborted');
  });

  it('leaving the loop over a stream ends the call', async () => {
    service.seen.length = 0;
    for await (const { seq } of client.jobs.watchEvents({ jobId: '2' })) if (seq === '2') break;
    await until('the end of the handler', () => service.seen.includes('returned watch'));
    expect(service.seen).toContain('aborted watch: aborted');
  });

  it('a deadline on a stream', async () => {
    const error = await failure(collect(client.jobs.watchEvents({ jobId: '1' }, { timeoutMs: 150 })));
    expect(error.code).toBe('deadline_exceeded');
  });

  it('a caller that breaks off its stream of requests', async () => {
    const abort = new AbortController();
    service.seen.length = 0;
    async function* messages() {
      yield { message: { case: 'hello' as const, value: { cluster: 'red' } } };
      await new Promise(() => {});
    }
    const error = await failure(
      (async () => {
        for await (const _welcome of client.agents.connect(messages(), { signal: abort.signal })) abort.abort();
      })(),
    );
    expect(error.code).toBe('aborted');
    await until('the end of the handler', () => service.seen.includes('returned connect'));
    expect(service.seen).not.toContain('half-closed connect');
  });

  it('an error in the requests ends the call with that error', async () => {
    async function* messages() {
      yield { message: { case: 'hello' as const, value: { cluster: 'red' } } };
      throw new RainbowError('failed_precondition', 'mine');
    }
    expect(await failure(collect(client.agents.connect(messages())))).toMatchObject({ message: 'mine' });
  });
});
