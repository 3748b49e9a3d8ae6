import { request as httpsRequest } from 'node:https';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import type { TlsFiles } from '../../src/client/tls.ts';
import { testAuthority, type Identity, type TestAuthority } from './certificates.ts';
import { collect, failure, testService, type TestService } from './service.ts';

let authority: TestAuthority;
let stranger: TestAuthority;
let server: Identity;
let mine: Identity;
let theirs: Identity;

beforeAll(() => {
  authority = testAuthority('rainbow test authority');
  stranger = testAuthority('somebody else');
  server = authority.issue('server');
  mine = authority.issue('mine');
  theirs = stranger.issue('theirs');
});
afterAll(() => {
  authority.remove();
  stranger.remove();
});

async function submit(service: TestService, tls: TlsFiles | undefined): Promise<string> {
  const client = createClient({ host: `localhost:${service.listener.port}`, tls, timeoutMs: 5000 });
  try {
    return (await client.jobs.submit({ name: 'safe' })).job?.name ?? '';
  } finally {
    client.close();
  }
}

function overHttps(port: number, path: string, files: Partial<Identity> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: 'localhost',
        port,
        path,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        ca: readFileSync(authority.ca),
        ...(files.cert === undefined ? {} : { cert: readFileSync(files.cert) }),
        ...(files.key === undefined ? {} : { key: readFileSync(files.key) }),
      },
      (response) => {
        let text = '';
        response.on('data', (data) => (text += String(data))).on('end', () => resolve(text));
      },
    );
    request.on('error', reject);
    request.end('{"name":"web"}');
  });
}

describe('TLS', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await testService({ host: 'localhost:0', tls: server });
  });
  afterAll(() => service.stop());

  it('serves gRPC (h2) and Connect (http/1.1) on one port', async () => {
    expect(await submit(service, { ca: authority.ca })).toBe('safe');
    expect(JSON.parse(await overHttps(service.listener.port, '/rainbow.v1.JobService/Submit'))).toMatchObject({
      job: { name: 'web' },
    });
  });

  it('streams', async () => {
    const client = createClient({ host: service.listener.address, tls: { ca: authority.ca } });
    expect(await collect(client.jobs.watchEvents({ jobId: '3' }))).toHaveLength(3);
    client.close();
  });

  it('refuses by ALPN what it does not speak', async () => {
    const agreed = (ALPNProtocols: string[]) =>
      new Promise<string>((resolve) => {
        const options = { port: service.listener.port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols };
        const socket = tlsConnect(options, () => {
          resolve(String(socket.alpnProtocol));
          socket.destroy();
        });
        socket.on('error', (error) => resolve(error.message));
      });
    expect(await agreed(['h2', 'http/1.1'])).toBe('h2');
    expect(await agreed(['http/1.1'])).toBe('http/1.1');
    expect(await agreed([])).toBe('false');
    expect(await agreed(['smtp'])).toMatch(/no application protocol/i);
  });

  it('an untrusted certificate is told with its remedy', async () => {
    const error = await failure(submit(service, { ca: stranger.ca }));
    expect(error.code).toBe('unavailable');
    expect(error.message).toContain('--ca-cert');
    expect((await failure(submit(service, {}))).message).toContain('--ca-cert');
  });

  it('plaintext to a TLS port, and TLS to a plaintext port, are told with their remedy', async () => {
    expect((await failure(submit(service, undefined))).message).toMatch(/may expect TLS/);
    const plain = await testService();
    expect((await failure(submit(plain, { ca: authority.ca }))).message).toMatch(/TLS/);
    await plain.stop();
  });

  it('survives garbage and half a handshake', async () => {
    const garbage = (bytes: string) =>
      new Promise<void>((resolve) => {
        const socket = tcpConnect(service.listener.port, '127.0.0.1', () => socket.end(bytes));
        socket.on('error', () => {});
        socket.on('close', () => resolve());
        socket.resume();
      });
    await garbage('GET / HTTP/1.1\r\n\r\n');
    await garbage('\u0016\u0003\u0001');
    expect(await submit(service, { ca: authority.ca })).toBe('safe');
  });

  it('cuts off a handshake that never comes', async () => {
    const strict = await testService({ tls: server, limits: { firstBytesMs: 100 } });
    await new Promise<void>((resolve) => {
      const socket = tcpConnect(strict.listener.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.on('close', () => resolve());
      socket.resume();
    });
    expect(strict.logged.join()).toContain('a TLS handshake failed');
    await strict.stop();
  });
});

describe('mutual TLS', () => {
  it('verifies a client certificate if one is presented', async () => {
    const service = await testService({ tls: { ...server, ca: authority.ca } });
    expect(await submit(service, { ca: authority.ca })).toBe('safe');
    expect(await submit(service, { ca: authority.ca, ...mine })).toBe('safe');
    expect((await failure(submit(service, { ca: authority.ca, ...theirs }))).code).toBe('unavailable');
    expect(await overHttps(service.listener.port, '/rainbow.v1.JobService/Submit', mine)).toContain('web');
    await expect(overHttps(service.listener.port, '/rainbow.v1.JobService/Submit', theirs)).rejects.toThrow(
      /socket hang up|ECONNRESET|alert/,
    );
    expect(service.logged.join('\n')).toContain('a client certificate was refused');
    await service.stop();
  });

  it('requires one when told to', async () => {
    const service = await testService({ tls: { ...server, ca: authority.ca, requireClientCertificate: true } });
    expect(await submit(service, { ca: authority.ca, ...mine })).toBe('safe');
    expect((await failure(submit(service, { ca: authority.ca }))).code).toBe('unavailable');
    expect((await failure(submit(service, { ca: authority.ca, ...theirs }))).code).toBe('unavailable');
    await expect(overHttps(service.listener.port, '/rainbow.v1.JobService/Submit')).rejects.toThrow(
      /socket hang up|ECONNRESET|alert/,
    );
    await service.stop();
  });
});

describe('files', () => {
  it.each([
    ['no key', () => ({ cert: server.cert }), 'TLS needs both --cert and --key: --key is missing'],
    ['no certificate', () => ({ key: server.key }), '--cert is missing'],
    ['no such file', () => ({ cert: '/no/such.pem', key: server.key }), '--cert: /no/such.pem: there is no such file'],
    ['a directory', () => ({ cert: authority.folder, key: server.key }), 'it is a directory'],
    ['no certificate in it', () => ({ cert: server.key, key: server.key }), 'holds no certificate'],
    ['no key in it', () => ({ cert: server.cert, key: server.cert }), 'holds no private key'],
    ['the key of another', () => ({ cert: server.cert, key: mine.key }), 'is not the one that the certificate'],
    ['an authority that is none', () => ({ ...server, ca: server.key }), '--ca-cert: '],
    ['required without authority', () => ({ ...server, requireClientCertificate: true }), 'only with --ca-cert'],
  ])('of the server: %s', async (_what, files, message) => {
    const error = await failure(testService({ tls: files() }));
    expect(error.code).toBe('invalid_input');
    expect(error.message).toContain(message);
  });

  it.each([
    ['half a pair', () => ({ cert: mine.cert }), 'go together'],
    ['no such file', () => ({ ca: '/no/such.pem' }), '--ca-cert: /no/such.pem cannot be read (ENOENT)'],
    ['the key of another', () => ({ cert: mine.cert, key: theirs.key }), '--key: '],
    ['no certificate in it', () => ({ ca: join(authority.folder, 'empty') }), 'does not hold a certificate'],
  ])('of the client: %s', async (_what, files, message) => {
    writeFileSync(join(authority.folder, 'empty'), 'nothing');
    const client = createClient({ host: '127.0.0.1:1', tls: files() });
    const error = await failure(client.jobs.submit({}));
    expect(error.code).toBe('invalid_input');
    expect(error.message).toContain(message);
    client.close();
  });
});
