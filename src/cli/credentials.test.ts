import { describe, expect, test } from 'vitest';
import type { ClientConfig } from '../config/config.ts';
import { RainbowError } from '../core/errors.ts';
import { credentialsFor, type Wanted } from './credentials.ts';
import { withCredentials } from './enroll.ts';
import { UsageError } from './exit.ts';

const red = { name: 'red', token: 'r' };
const blue = { name: 'blue', token: 'b' };
const physics = { name: 'physics', token: 'p' };

function choose(config: Partial<ClientConfig>, wanted: Wanted, optional = false, clusterName?: string) {
  return credentialsFor(
    {
      config: { clusters: [], groups: [], ...config },
      configPath: 'config.yaml',
      globals: clusterName === undefined ? {} : { clusterName },
    },
    wanted,
    optional,
  );
}

describe('what a submit presents', () => {
  const config = { clusters: [red, blue, { name: 'no-token' }], groups: [physics] };

  test('everything that there is a token for', () => {
    expect(choose(config, {})).toEqual([red, blue, physics]);
  });

  test('only the clusters named; for one without a token of its own, the groups', () => {
    expect(choose(config, { cluster: ['blue'] })).toEqual([blue]);
    expect(choose(config, { cluster: ['blue', 'green'] })).toEqual([blue, physics]);
    expect(() => choose({ clusters: [red] }, { cluster: ['green'] })).toThrow(
      /no token for cluster green in config.yaml/,
    );
  });

  test('only the groups named', () => {
    expect(choose(config, { group: ['physics'] })).toEqual([physics]);
    expect(() => choose(config, { group: ['chemistry'] })).toThrow(RainbowError);
  });

  test('a token given is for what is named', () => {
    expect(choose(config, { token: 't', cluster: ['green'] })).toEqual([{ name: 'green', token: 't' }]);
    expect(choose(config, { token: 't' }, false, 'green')).toEqual([{ name: 'green', token: 't' }]);
    expect(() => choose(config, { token: 't' })).toThrow(UsageError);
  });

  test('nothing at all is an error that names the remedy, unless it may be', () => {
    expect(() => choose({}, {})).toThrow(/Put those that you were given under "clusters"/);
    expect(choose({}, {}, true)).toEqual([]);
  });
});

describe('what a registration leaves in the configuration', () => {
  const got = { name: 'red', secret: 's1', token: 't1' };

  test('its own entries; other clusters and groups stay', () => {
    expect(withCredentials({ clusters: [blue], groups: [physics], host: 'h:1' }, got)).toEqual({
      host: 'h:1',
      cluster: { name: 'red', secret: 's1' },
      clusters: [blue, { name: 'red', token: 't1' }],
      groups: [physics],
    });
  });

  test('its older entry is replaced', () => {
    const config = {
      cluster: { name: 'red', secret: 'old' },
      clusters: [{ name: 'red', token: 'old' }, blue],
      groups: [],
    };
    expect(withCredentials(config, got)).toMatchObject({
      cluster: { name: 'red', secret: 's1' },
      clusters: [blue, { name: 'red', token: 't1' }],
    });
  });

  test('another cluster keeps its secret', () => {
    const config = { cluster: { name: 'blue', secret: 's0' }, clusters: [blue], groups: [] };
    expect(withCredentials(config, got)).toMatchObject({
      cluster: { name: 'red', secret: 's1' },
      clusters: [
        { ...blue, secret: 's0' },
        { name: 'red', token: 't1' },
      ],
    });
  });
});
