import { describe, expect, it } from 'vitest';
import { serverAddress } from './address.ts';

describe('serverAddress', () => {
  it.each([
    ['localhost:50051', 'localhost:50051', true],
    ['localhost', 'localhost:50051', true],
    [':8080', 'localhost:8080', true],
    ['127.0.0.2:1', '127.0.0.2:1', true],
    ['[::1]:8080', '[::1]:8080', true],
    ['[::1]', '[::1]:50051', true],
    ['rainbow.example.org', 'rainbow.example.org:50051', false],
    ['127.example.org:1', '127.example.org:1', false],
  ])('reads %s', (host, text, isLoopback) => {
    expect(serverAddress(host)).toEqual({ text, isLoopback });
  });

  it.each(['', 'a:b', 'localhost:0', 'localhost:65536', '::1', 'a/b', 'a b', 'unix:/x'])('refuses %j', (host) => {
    expect(() => serverAddress(host)).toThrow(/^--host: ".*" is no server address: write HOST:PORT/);
  });

  it('names the remedy for a URL', () => {
    expect(() => serverAddress('http://localhost:50051')).toThrow('without http://');
  });
});
