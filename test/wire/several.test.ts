/** Several servers behind one client: the one that answers is kept; one that fails, hangs or ends is left for the next. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createClient, type RainbowClient } from '../../src/client/client.ts';
import { failure, testService, type TestService } from './service.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (let act = closing.pop(); act !== undefined; act = closing.pop()) await act();
});

async function service(): Promise<TestService> {
  const started = await testService();
  closing.push(() => started.stop());
  return started;
}

function clientOf(...hosts: string[]): RainbowClient {
  const client = createClient({ host: hosts.join(',') });
  closing.push(() => client.close());
  return client;
}

/** As a machine that was stopped: connections come about, and nothing is ever said on them. */
async function hanging(): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Nobody listens there. */
async function closed(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `127.0.0.1:${port}`;
}

const submit = (client: RainbowClient, name: string): Promise<unknown> => client.jobs.submit({ name });

test('one that refuses and one that hangs are passed over, whatever the order, within a second or two', async () => {
  const { listener } = await service();
  const [dead, hangs] = [await closed(), await hanging()];
  for (let n = 0; n < 4; n++) {
    const client = clientOf(dead, hangs, listener.address);
    const began = performance.now();
    expect(await submit(client, 'one')).toMatchObject({ job: { name: 'one' } });
    expect(performance.now() - began).toBeLessThan(20_000);
    // It stays with the one that answers.
    const again = performance.now();
    await Promise.all(Array.from({ length: 20 }, (_, k) => submit(client, `${k}`)));
    expect(performance.now() - again).toBeLessThan(20_000);
  }
});

test('when the one that answered ends, the next call goes to another; clients spread over those that are left', async () => {
  const services = [await service(), await service(), await service()];
  const clients = Array.from({ length: 30 }, () => clientOf(...services.map(({ listener }) => listener.address)));
  await Promise.all(clients.map((client) => submit(client, 'before')));
  await services[0]!.stop();
  const took = await Promise.all(
    clients.map(async (client) => {
      const began = performance.now();
      // One that was under way is not asked again by itself: nobody knows what became of it.
      await submit(client, 'after').catch(() => submit(client, 'after'));
      return performance.now() - began;
    }),
  );
  expect(Math.max(...took)).toBeLessThan(20_000);
  // Thirty before and thirty after, of which those that went to the first and then elsewhere.
  const counts = services.map(({ seen }) => seen.filter((what) => what === 'started submit').length);
  expect(counts[0]! + counts[1]! + counts[2]!).toBe(60);
  expect(Math.min(...counts)).toBeGreaterThan(1);
});

test('where none answers the error names them all; names that are none are refused before', async () => {
  const [dead, other] = [await closed(), await closed()];
  const error = await failure(submit(clientOf(dead, other), 'one'));
  expect(error.code).toBe('unavailable');
  expect(error.message).toContain(`${dead}, ${other}`);
  expect(() => clientOf(dead, 'a b')).toThrow('no server address');
});

test('one that hangs later is left when a call has got no answer', async () => {
  const { listener } = await service();
  const client = clientOf(listener.address, await hanging());
  await submit(client, 'one');
  const late = await failure(client.jobs.submit({ jobspec: 'wait' }, { timeoutMs: 300 }));
  expect(late.code).toBe('deadline_exceeded');
  // There is no other that answers: it comes back to this one.
  expect(await submit(client, 'two')).toMatchObject({ job: { name: 'two' } });
});
