import { request as httpRequest } from 'node:http';
import { connect as tcpConnect } from 'node:net';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventSchema } from '../../src/gen/rainbow/v1/job_pb.js';
import {
  SubmitRequestSchema,
  SubmitResponseSchema,
  WatchEventsRequestSchema,
} from '../../src/gen/rainbow/v1/jobs_pb.js';
import { testService, type TestService } from './service.ts';
import { until } from '../../src/system/testing/until.ts';

let service: TestService;
let url: string;

beforeAll(async () => {
  service = await testService({
    routes: (request, response) => {
      if (request.url !== '/page') return false;
      response.end('a page');
      return true;
    },
  });
  url = `http://${service.listener.address}`;
});
afterAll(() => service.stop());

function post(
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
}

/** Everything the server says to these bytes until it closes the connection. */
function talk(address: TestService['listener'], ...bytes: string[]): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = tcpConnect(address.port, '127.0.0.1', () => {
      for (const each of bytes) socket.write(each);
    });
    socket.on('data', (data) => (heard += data.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => resolve(heard));
  });
}

/** The length-prefixed messages of gRPC-web and of Connect's streams: flags and bytes. */
function frames(body: Buffer): { flags: number; bytes: Buffer }[] {
  const result = [];
  for (let at = 0; at < body.length;) {
    const length = body.readUInt32BE(at + 1);
    result.push({ flags: body[at] ?? 0, bytes: body.subarray(at + 5, at + 5 + length) });
    at += 5 + length;
  }
  return result;
}

function frame(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return new Uint8Array(Buffer.concat([head, bytes]));
}

describe('Connect', () => {
  it('JSON, as curl sends it', async () => {
    const response = await post('/rainbow.v1.JobService/Submit', '{"jobspec":"","name":"é"}', {
      authorization: 'Bearer k',
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ job: { id: '7', name: 'é', owner: 'Bearer k' }, created: true });
  });

  it('binary', async () => {
    const body = toBinary(SubmitRequestSchema, create(SubmitRequestSchema, { name: 'bin' }));
    const response = await post('/rainbow.v1.JobService/Submit', new Uint8Array(body), {
      'content-type': 'application/proto',
    });
    const answer = fromBinary(SubmitResponseSchema, new Uint8Array(await response.arrayBuffer()));
    expect(answer.job?.name).toBe('bin');
  });

  it('a stream of answers', async () => {
    const body = frame(Buffer.from('{"jobId":"3"}'));
    const response = await post('/rainbow.v1.JobService/WatchEvents', body, {
      'content-type': 'application/connect+json',
    });
    const texts = frames(Buffer.from(await response.arrayBuffer())).map(({ bytes }) => bytes.toString());
    expect(texts).toEqual(['{"seq":"1"}', '{"seq":"2"}', '{"seq":"3"}', '{}']);
  });

  it('a stream of requests', async () => {
    const parts = ['{"name":"red"}', '{"graph":"a"}', '{"graph":"b"}'].map((text) => frame(Buffer.from(text)));
    const body = new Uint8Array(Buffer.concat(parts));
    const response = await post('/rainbow.v1.ClusterService/RegisterInPieces', body, {
      'content-type': 'application/connect+json',
    });
    const texts = frames(Buffer.from(await response.arrayBuffer())).map(({ bytes }) => bytes.toString());
    expect(JSON.parse(texts[0] ?? '')).toEqual({ token: 'ab', cluster: { name: 'red' } });
  });

  it('a stream that fails says so in its last frame', async () => {
    const body = frame(Buffer.from('{"jobId":"99","afterSeq":"98"}'));
    const response = await post('/rainbow.v1.JobService/WatchEvents', body, {
      'content-type': 'application/connect+json',
    });
    const texts = frames(Buffer.from(await response.arrayBuffer())).map(({ bytes }) => bytes.toString());
    expect(JSON.parse(texts.at(-1) ?? '')).toMatchObject({ error: { code: 'not_found', message: 'no job 99' } });
  });

  it('streaming both ways is not offered over HTTP/1.1', async () => {
    const body = frame(Buffer.from('{}'));
    const response = await post('/rainbow.v1.AgentService/Connect', body, {
      'content-type': 'application/connect+json',
    });
    expect(response.status).toBe(505);
  });

  it.each([
    ['{"jobspec":"refuse","name":"no"}', 400, { code: 'failed_precondition', message: 'no' }],
    ['{"jobspec":', 400, { code: 'invalid_argument' }],
    ['{"nope":1}', 400, { code: 'invalid_argument' }],
    [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 400, { code: 'invalid_argument' }],
  ])('error for %.40s', async (body, status, error) => {
    const response = await post('/rainbow.v1.JobService/Submit', body);
    expect(await response.json()).toMatchObject(error);
    expect(response.status).toBe(status);
  });

  it('errors of ours do not leak', async () => {
    const response = await post('/rainbow.v1.JobService/Submit', '{"jobspec":"crash"}');
    const { code, message } = (await response.json()) as { code: string; message: string };
    expect([response.status, code]).toEqual([500, 'internal']);
    expect(message).toMatch(/^internal error \(request [0-9a-f]{16}\)/);
    const bad = await post('/rainbow.v1.JobService/Submit', '{"jobspec":"bad answer"}');
    expect(await bad.json()).toMatchObject({ code: 'internal' });
  });

  it('a truncated protobuf, and a method without a handler', async () => {
    const response = await post('/rainbow.v1.JobService/Submit', new Uint8Array([10, 32, 97]), {
      'content-type': 'application/proto',
    });
    const answer = (await response.json()) as { code: string; message: string };
    expect(answer.code).toBe('internal');
    expect(answer.message).toContain('parse binary');
    const missing = await post('/rainbow.v1.JobService/Cancel', '{}');
    expect([missing.status, ((await missing.json()) as { code: string }).code]).toEqual([501, 'unimplemented']);
  });

  it('a message over the limit', async () => {
    const small = await testService({ maxMessageBytes: 10_000 });
    const response = await fetch(`http://${small.listener.address}/rainbow.v1.JobService/Submit`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jobspec: 'x'.repeat(10_000) }),
    });
    expect(await response.json()).toMatchObject({ code: 'resource_exhausted' });
    await small.stop();
  });

  it('a deadline', async () => {
    const response = await post('/rainbow.v1.JobService/Submit', '{"jobspec":"until aborted"}', {
      'connect-timeout-ms': '100',
    });
    expect(await response.json()).toMatchObject({ code: 'deadline_exceeded' });
  });

  it("a caller's leaving reaches the handler", async () => {
    service.seen.length = 0;
    const abort = new AbortController();
    const body = frame(Buffer.from('{"jobId":"1"}'));
    const response = await fetch(`${url}/rainbow.v1.JobService/WatchEvents`, {
      method: 'POST',
      headers: { 'content-type': 'application/connect+json' },
      body,
      signal: abort.signal,
    });
    await response.body?.getReader().read();
    abort.abort();
    await until('the end of the handler', () => service.seen.includes('returned watch'));
    expect(service.seen).toContain('aborted watch: aborted');
  });
});

describe('gRPC-web', () => {
  it('unary and server streaming', async () => {
    const submit = frame(toBinary(SubmitRequestSchema, create(SubmitRequestSchema, { name: 'web' })));
    const headers = { 'content-type': 'application/grpc-web+proto' };
    const unary = await post('/rainbow.v1.JobService/Submit', submit, headers);
    const [answer, trailer] = frames(Buffer.from(await unary.arrayBuffer()));
    expect(fromBinary(SubmitResponseSchema, answer?.bytes ?? Buffer.alloc(0)).job?.name).toBe('web');
    expect(trailer?.flags).toBe(0x80);
    expect(trailer?.bytes.toString()).toContain('grpc-status: 0');

    const watch = frame(toBinary(WatchEventsRequestSchema, create(WatchEventsRequestSchema, { jobId: '3' })));
    const stream = await post('/rainbow.v1.JobService/WatchEvents', watch, headers);
    const events = frames(Buffer.from(await stream.arrayBuffer())).slice(0, -1);
    expect(events.map(({ bytes }) => fromBinary(EventSchema, bytes).seq)).toEqual(['1', '2', '3']);
  });

  it('errors', async () => {
    const submit = frame(
      toBinary(SubmitRequestSchema, create(SubmitRequestSchema, { jobspec: 'refuse', name: 'nö\n' })),
    );
    const response = await post('/rainbow.v1.JobService/Submit', submit, {
      'content-type': 'application/grpc-web+proto',
    });
    const last = frames(Buffer.from(await response.arrayBuffer()))
      .at(-1)
      ?.bytes.toString();
    const trailer = `${last} ${response.headers.get('grpc-status')} ${response.headers.get('grpc-message')}`;
    expect(trailer).toContain('9');
    expect(trailer).toContain('n%C3%B6%0A');
  });
});

describe('plain HTTP', () => {
  it('health, hint, page, and what is not there', async () => {
    const health = await fetch(`${url}/healthz`);
    expect([health.status, await health.text()]).toEqual([200, 'ok\n']);
    expect(await (await fetch(url)).text()).toMatch(/^This is a Rainbow server/);
    expect(await (await fetch(`${url}/page`)).text()).toBe('a page');
    const missing = await fetch(`${url}/nope?x=1`);
    expect([missing.status, await missing.json()]).toEqual([
      404,
      { code: 'not_found', message: expect.stringContaining('/nope') as string },
    ]);
    const method = await post('/rainbow.v1.JobService/Nope', '{}');
    expect([method.status, ((await method.json()) as { code: string }).code]).toEqual([404, 'unimplemented']);
  });

  it('reads requests that come in pieces, several on one connection', async () => {
    const get = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
    expect(
      await talk(service.listener, 'P', 'OST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
    ).toContain('404');
    const heard = await talk(
      service.listener,
      'G',
      get.slice(1),
      get,
      get.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
    );
    expect(heard.match(/200 OK/g)).toHaveLength(3);
  });

  it.each([
    ['a request without a host', 'POST /rainbow.v1.JobService/Submit HTTP/1.0\r\n\r\n', '400'],
    [
      'a host that is none',
      'POST /rainbow.v1.JobService/Submit HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n',
      '400',
    ],
    ['a URL that is none', 'GET http://[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', '40'],
    ['garbage', '\u0000\u0001\u0002\u0003\r\n\r\n', '400'],
    ['headers without end', `GET / HTTP/1.1\r\nHost: x\r\n${'A: b\r\n'.repeat(10_000)}`, '431'],
    [
      'a body without end',
      'POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz',
      '40',
    ],
  ])('survives %s', async (_what, bytes, status) => {
    expect(await talk(service.listener, bytes)).toContain(`HTTP/1.1 ${status}`);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('survives a preface and then garbage', async () => {
    await talk(service.listener, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'x'.repeat(1000));
    await talk(service.listener, 'PRIx', 'x'.repeat(1000));
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('cuts off those who say nothing, or say it too slowly', async () => {
    const strict = await testService({ limits: { firstBytesMs: 100, headersMs: 200, requestMs: 400 } });
    expect(await talk(strict.listener)).toBe('');
    expect(await talk(strict.listener, 'P')).toBe('');
    expect(await talk(strict.listener, 'GET / HTTP/1.1\r\nHost:')).toMatch(/^(HTTP\/1\.1 408.*)?/);
    expect(await talk(strict.listener, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc')).toContain(
      'HTTP/1.1 40',
    );
    await strict.stop();
  });

  it('keeps a connection open between requests', async () => {
    const { Agent } = await import('node:http');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    for (let call = 0; call < 3; call += 1) {
      await new Promise<void>((resolve) => {
        httpRequest({ port: service.listener.port, path: '/healthz', agent }, (response) => {
          ports.add(response.socket.localPort);
          response.resume().on('end', resolve);
        }).end();
      });
    }
    expect(ports.size).toBe(1);
    agent.destroy();
  });
});
