/** Names of images, challenges of registries, and addresses that are private. */
import { describe, expect, test } from 'vitest';
import { isPrivate } from './addresses.ts';
import { readChallenges } from './challenge.ts';
import { readReference } from '../../core/image/reference.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('names of images', () => {
  test.each([
    ['ubuntu', '', 'ubuntu', 'latest', ''],
    ['ubuntu:24.04', '', 'ubuntu', '24.04', ''],
    ['team/app', '', 'team/app', 'latest', ''],
    ['ghcr.io/team/app:v1', 'ghcr.io', 'team/app', 'v1', ''],
    ['GHCR.io/team/app', 'ghcr.io', 'team/app', 'latest', ''],
    ['localhost/app', 'localhost', 'app', 'latest', ''],
    ['localhost:5000/a/b/c:x', 'localhost:5000', 'a/b/c', 'x', ''],
    ['[::1]:5000/app', '[::1]:5000', 'app', 'latest', ''],
    [`ghcr.io/app@${DIGEST}`, 'ghcr.io', 'app', '', DIGEST],
    [`ghcr.io/app:v1@${DIGEST}`, 'ghcr.io', 'app', 'v1', DIGEST],
    ['docker://quay.io/app:1', 'quay.io', 'app', '1', ''],
  ])('%s', (image, registry, repository, tag, digest) => {
    expect(readReference(image)).toEqual({ registry, repository, tag, digest });
  });

  test.each([
    '/srv/app.sif',
    './app',
    'Team/App',
    'a//b',
    'app:',
    'app@sha256:1',
    'a.b/../../etc',
    'ghcr.io/app:a/b',
    'x'.repeat(600),
    'ev il/app',
    'user@host/app',
    'ghcr.io:99999999/app',
    'a.b/c?d=e',
    'a.b/c#d',
  ])('%s is none', (image) => {
    expect(readReference(image)).toBeNull();
  });
});

test('challenges: several, quoted, with what nobody knows', () => {
  const found = readChallenges(
    'Basic realm="a, \\"b\\"", Bearer realm="https://x/token",service=y,scope="repository:a/b:pull,push", Negotiate',
  );
  expect(found.map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])).toEqual([
    ['basic', { realm: 'a, "b"' }],
    ['bearer', { realm: 'https://x/token', service: 'y', scope: 'repository:a/b:pull,push' }],
    ['negotiate', {}],
  ]);
  expect(readChallenges('')).toEqual([]);
});

describe('private addresses', () => {
  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'fd00::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:db8::1',
    'no address',
  ])('%s', (address) => {
    expect(isPrivate(address)).toBe(true);
  });

  test.each(['8.8.8.8', '172.32.0.1', '2606:4700::1111'])('%s is not', (address) => {
    expect(isPrivate(address)).toBe(false);
  });
});
