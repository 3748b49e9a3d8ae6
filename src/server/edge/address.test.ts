import { describe, expect, it } from 'vitest';
import { addressText, listenAddress } from './address.ts';

describe('listenAddress', () => {
  it.each([
    ['localhost:50051', 'localhost', 50051],
    ['localhost', 'localhost', 50051],
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['[::1]:8080', '::1', 8080],
    ['[::]', '::', 50051],
    [':50051', '', 50051],
    ['node-1.example.org:1', 'node-1.example.org', 1],
  ])('reads %s', (text, host, port) => {
    expect(listenAddress(text)).toEqual({ host, port });
  });

  it.each(['', ':', '::1', 'a:b', ':65536', 'a/b:1', '[::1', 'a:1:2', ' :1'])('refuses %j', (text) => {
    expect(() => listenAddress(text)).toThrow(/^--host: ".*" is no address to listen on/);
  });
});

describe('addressText', () => {
  it('writes IPv6 in brackets', () => {
    expect([addressText('::1', 1), addressText('localhost', 2)]).toEqual(['[::1]:1', 'localhost:2']);
  });
});
