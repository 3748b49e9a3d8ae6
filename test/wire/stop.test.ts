import { connect as tcpConnect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { failure, testService } from './service.ts';
import { until, untilHolds } from '../../src/system/testing/until.ts';

describe('stop', () => {
  it('lets calls with one answer finish, ends streams, and then refuses', async () => {
    const service = await testService({ host: 'localhost:0' });
    const client = createClient({ host: service.listener.address });
    const answering = client.jobs.submit({ jobspec: 'wait', name: 'kept' });
    const overHttp = fetch(`http://${service.listener.address}/rainbow.v1.JobService/Submit`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"jobspec":"wait","name":"kept too"}',
    });
    const got: string[] = [];
    const watching = failure(
      (async () => {
        for await (const { seq } of client.jobs.watchEvents({ jobId: '2' })) got.push(seq);
      })(),
    );
    await until('the calls', () => service.counts.running === 2 && got.length === 2);

    const stopping = service.stop(10_000);
    expect(await watching).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('stopping') as string,
    });
    expect(service.seen).toContain('aborted watch: unavailable');
    service.release();
    expect((await answering).job?.name).toBe('kept');
    expect(await (await overHttp).json()).toMatchObject({ job: { name: 'kept too' } });
    await stopping;

    expect(await failure(client.jobs.submit({}))).toMatchObject({ code: 'unavailable' });
    expect((await failure(client.jobs.submit({}))).message).toMatch(/^no server answers at localhost:\d+: start one/);
    client.close();
  });

  it('answers what does not finish within the grace, and closes every socket', async () => {
    const service = await testService();
    const client = createClient({ host: service.listener.address });
    const hanging = failure(client.jobs.submit({ jobspec: 'hang' }));
    const idle = tcpConnect(service.listener.port, '127.0.0.1');
    const idleClosed = new Promise((resolve) => idle.on('close', resolve));
    idle.on('error', () => {});
    const kept = await fetch(`http://${service.listener.address}/healthz`);
    await kept.text();
    await until('the call', () => service.counts.running === 1);
    const before = performance.now();
    await Promise.all([service.stop(100), service.stop(100)]);
    expect(performance.now() - before).toBeLessThan(30_000);
    expect(await hanging).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('stopping') as string,
    });
    await idleClosed;
    expect(service.logged.join()).toContain('rainbow.v1.JobService/Submit');
    client.close();
    await until('the end of listening', () => !process.getActiveResourcesInfo().includes('TCPServerWrap'));
  });

  it('is quick when nothing is under way, and leaves no timer or socket', async () => {
    const service = await testService({ host: 'localhost:0' });
    const client = createClient({ host: service.listener.address });
    await client.jobs.submit({});
    const before = performance.now();
    await service.stop(60_000);
    expect(performance.now() - before).toBeLessThan(30_000);
    client.close();
    const open = () => process.getActiveResourcesInfo().filter((kind) => /TCP/.test(kind));
    await until(`the end of ${open().join()}`, () => open().length === 0);
  });

  it('a call that is cut off by a lost server is told as such, and the next finds the new one', async () => {
    const first = await testService();
    const client = createClient({ host: first.listener.address });
    await client.jobs.submit({});
    await first.stop(0);
    expect((await failure(client.jobs.submit({}))).code).toBe('unavailable');
    const second = await testService({ host: first.listener.address });
    await untilHolds(async () => expect((await client.jobs.submit({ name: 'again' })).job?.name).toBe('again'));
    client.close();
    await second.stop(0);
  });

  it('closing a client ends what it has under way', async () => {
    const service = await testService();
    const client = createClient({ host: service.listener.address });
    const hanging = failure(client.jobs.submit({ jobspec: 'until aborted' }));
    await until('the call', () => service.counts.running === 1);
    client.close();
    expect((await hanging).code).toBe('aborted');
    expect(await failure(client.jobs.submit({}))).toMatchObject({ code: 'unavailable', message: /closed/ as never });
    await until('the end of the handler', () => service.counts.running === 0);
    await service.stop();
  });
});
