import { connect as http2Connect } from 'node:http2';
import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { ReadOutputRequestSchema } from '../../src/gen/rainbow/v1/jobs_pb.js';
import { CHUNK, testService } from './service.ts';
import { until } from '../../src/system/testing/until.ts';

describe('load', () => {
  it('10,000 calls at once over one connection: all answered, a bounded number at a time', async () => {
    const service = await testService({ limits: { callsPerConnection: 500 } });
    const client = createClient({ host: service.listener.address });
    const answers = await Promise.all(
      Array.from({ length: 10_000 }, (_, each) => client.jobs.submit({ jobspec: 'soon', name: String(each) })),
    );
    expect(answers.every((answer, each) => answer.job?.name === String(each))).toBe(true);
    expect(service.counts.most).toBeGreaterThan(50);
    expect(service.counts.most).toBeLessThanOrEqual(500);
    client.close();
    await service.stop();
  });

  it('a slow reader of a stream slows its handler down: memory stays bounded', async () => {
    const service = await testService();
    const client = createClient({ host: service.listener.address });
    const total = 600; // 37 MiB
    let read = 0;
    let ahead = 0;
    for await (const chunk of client.jobs.readOutput({ id: '1', epoch: String(total) })) {
      expect(chunk.data.length).toBe(CHUNK);
      // Long enough for an eager handler to finish: what it made ahead is what buffers hold.
      if (read === 0) ahead = await settled(() => service.counts.chunks);
      read += 1;
    }
    expect(ahead).toBeGreaterThan(0);
    expect(ahead).toBeLessThan(200);
    expect(read).toBe(total);
    client.close();
    await service.stop();
  });

  it('a reader that never reads holds nothing but its window', async () => {
    const service = await testService();
    const session = http2Connect(`http://${service.listener.address}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/rainbow.v1.JobService/ReadOutput',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.on('error', () => {});
    const body = toBinary(ReadOutputRequestSchema, create(ReadOutputRequestSchema, { epoch: '100000' }));
    stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, body.length]), body]));
    stream.pause();
    await settled(() => service.counts.chunks);
    expect(service.counts.chunks).toBeLessThan(100);
    stream.destroy();
    session.destroy();
    await service.stop();
  });

  it('a slow handler slows a fast sender down', async () => {
    const service = await testService();
    const client = createClient({ host: service.listener.address });
    let sent = 0;
    async function* requests() {
      yield { name: 'slow', graph: '' };
      for (; sent < 600; sent += 1) yield { graph: 'x'.repeat(CHUNK) };
    }
    const answering = client.clusters.registerInPieces(requests(), { timeoutMs: 60_000 });
    await settled(() => sent);
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(300);
    service.release();
    expect((await answering).token).toBe(String(600 * CHUNK));
    client.close();
    await service.stop();
  });

  it('a long stream both ways leaves nothing behind per message', async () => {
    const service = await testService();
    const client = createClient({ host: service.listener.address });
    const count = 5000;
    async function* messages() {
      for (let each = 0; each < count; each += 1) {
        yield { message: { case: 'heartbeat' as const, value: { capacity: each } } };
      }
    }
    let next = 0;
    for await (const { message } of client.agents.connect(messages())) {
      expect(message.case === 'heartbeat' && message.value.capacity).toBe(next);
      next += 1;
    }
    expect(next).toBe(count);
    client.close();
    await service.stop();
  });
});

/** Waits until a count has stood still for a while. */
async function settled(count: () => number): Promise<number> {
  let last = -1;
  let since = Date.now();
  await until('a standstill', () => {
    if (count() !== last) {
      last = count();
      since = Date.now();
    }
    return last > 0 && Date.now() - since > 150;
  });
  return last;
}
