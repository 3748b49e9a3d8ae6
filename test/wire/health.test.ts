import { expect, it } from 'vitest';
import { lazyChannel } from '../../src/client/channel.ts';
import { grpcTransport } from '../../src/client/transport.ts';
import { typedClient } from '../../src/client/typed-client.ts';
import { Health, HealthCheckResponse_ServingStatus as Status } from '../../src/gen/grpc/health/v1/health_pb.js';
import { realSystem } from '../../src/system/real.ts';
import { failure, testService } from './service.ts';
import { until } from '../../src/system/testing/until.ts';

it('answers for the server and for each service, and tells watchers of a stop before it ends them', async () => {
  const server = await testService();
  const channel = lazyChannel({ host: server.listener.address });
  const health = typedClient(Health, grpcTransport(channel, { timeoutMs: 5000 }, realSystem.clock));

  for (const service of ['', 'rainbow.v1.JobService', 'grpc.health.v1.Health']) {
    expect(await health.check({ service })).toMatchObject({ status: Status.SERVING });
  }
  expect((await failure(health.check({ service: 'no.Such' }))).code).toBe('not_found');
  const viaHttp = await fetch(`http://${server.listener.address}/grpc.health.v1.Health/Check`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  expect(await viaHttp.json()).toEqual({ status: 'SERVING' });

  const heard: Record<string, Status[]> = { known: [], unknown: [] };
  const watch = async (name: string, service: string) => {
    for await (const { status } of health.watch({ service })) heard[name]?.push(status);
  };
  const watching = [failure(watch('known', 'rainbow.v1.JobService')), failure(watch('unknown', 'no.Such'))];
  await until('the first answers', () => heard['known']?.length === 1 && heard['unknown']?.length === 1);
  await server.stop();
  expect((await Promise.all(watching)).map(({ code }) => code)).toEqual(['unavailable', 'unavailable']);
  expect(heard).toEqual({ known: [Status.SERVING, Status.NOT_SERVING], unknown: [Status.SERVICE_UNKNOWN] });
  channel.close();
});
