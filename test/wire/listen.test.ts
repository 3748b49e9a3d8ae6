import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { failure, testService } from './service.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

async function answersAt(host: string): Promise<boolean> {
  const client = createClient({ host, timeoutMs: 3000 });
  try {
    return (await client.jobs.submit({})).created;
  } catch {
    return false;
  } finally {
    client.close();
  }
}

describe('listen', () => {
  it('localhost: loopback in both families, one port number', async () => {
    const service = await testService({ host: 'localhost:0' });
    const { port, host, address } = service.listener;
    expect([host, address]).toEqual(['localhost', `localhost:${port}`]);
    expect(await answersAt(`127.0.0.1:${port}`)).toBe(true);
    expect(await answersAt(`localhost:${port}`)).toBe(true);
    expect(await answersAt(`[::1]:${port}`)).toBe(hasIpv6);
    const taken = await failure(testService({ host: `localhost:${port}` }));
    expect(taken.code).toBe('unavailable');
    expect(taken.message).toMatch(`port ${port} is taken`);
    await service.stop();
  });

  it('one address', async () => {
    const service = await testService({ host: '127.0.0.1:0' });
    expect(service.listener.address).toBe(`127.0.0.1:${service.listener.port}`);
    await service.stop();
  });

  it.runIf(hasIpv6)('one IPv6 address', async () => {
    const service = await testService({ host: '[::1]:0' });
    expect(service.listener.address).toBe(`[::1]:${service.listener.port}`);
    expect(await answersAt(service.listener.address)).toBe(true);
    await service.stop();
  });

  it('an empty host: all interfaces', async () => {
    const service = await testService({ host: ':0' });
    expect(await answersAt(`127.0.0.1:${service.listener.port}`)).toBe(true);
    expect(await answersAt(`[::1]:${service.listener.port}`)).toBe(hasIpv6);
    await service.stop();
  });

  it.runIf(hasIpv6)('localhost with its port taken in one family only', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '::1', resolve));
    const { port } = other.address() as { port: number };
    const error = await failure(testService({ host: `localhost:${port}` }));
    expect(error.message).toMatch(`port ${port} is taken`);
    // The other family's socket was given back.
    const again = createServer();
    await new Promise<void>((resolve) => again.listen(port, '127.0.0.1', resolve));
    again.close();
    other.close();
  });

  it.each([
    ['', /no address to listen on/],
    ['localhost:99999', /no address to listen on/],
    ['::1', /no address to listen on/],
    ['a b:1', /no address to listen on/],
    ['http://localhost:1', /no address to listen on/],
    ['192.0.2.1:0', /has no address "192.0.2.1"/],
    ['no.such.host.invalid:0', /has no address/],
  ])('refuses %j', async (host, message) => {
    const error = await failure(testService({ host }));
    expect(error.code).toBe('invalid_input');
    expect(error.message).toMatch(message);
  });
});
