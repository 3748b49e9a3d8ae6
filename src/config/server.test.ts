/** The server's settings file, and the prototype's in its place. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { firstGiven, readServerSettings, serverSettingsOf } from './config.ts';

test('everything that can be set', () => {
  const text = `
host: ":50051"
db: /var/lib/rainbow/rainbow.db
name: north
secret: orange
globalToken: demo
tls: {ca: ca.pem, cert: cert.pem, key: key.pem}
selection:
  name: constraint
  options:
    priorities: |
      - {priority: 1, steps: [{filter: "nodes_free > 0"}, {select: random}]}
  clientOverride: deny
match: {budget: 5000}
overcommit: deny
limits: {messageBytes: 1048576, submitsPerSecond: 2.5}
lease: {pollSeconds: 10, graceSeconds: 5}
walltimeDefaultSeconds: 60
outputCapBytes: 0
logLevel: info
`;
  expect(serverSettingsOf(text)).toEqual({
    host: ':50051',
    database: '/var/lib/rainbow/rainbow.db',
    name: 'north',
    secret: 'orange',
    globalToken: 'demo',
    tls: { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' },
    policy: 'constraint',
    policyOptions: { priorities: '- {priority: 1, steps: [{filter: "nodes_free > 0"}, {select: random}]}\n' },
    clientMayChoosePolicy: false,
    matchBudget: 5000,
    messageBytes: 1_048_576,
    submitsPerSecond: 2.5,
    leaseSeconds: 10,
    scheduler: { overcommit: 'deny', defaultWalltime: 60, notReportedGrace: 5 },
    outputCapBytes: 0,
    logLevel: 'info',
  });
});

test('what is not set is absent', async () => {
  expect(serverSettingsOf('')).toEqual({});
  expect(serverSettingsOf('tls:\nlimits: {}\n')).toEqual({});
  expect(await readServerSettings('/nonexistent/settings.yaml')).toBeNull();
});

test.each([
  ['hots: a', /^hots \(line 1, column 7\): unknown setting; known are host, db/],
  ['limits: {messageByte: 1}', /^limits\.messageByte .*known are messageBytes, submitsPerSecond/],
  ['tls: {cert: a}', /^tls\.key .*is missing/],
  ['secret: 12', /^secret \(line 1, column 9\): must be string \(put it in quotes\)/],
  ['overcommit: maybe', /^overcommit .*"queue"\|"deny"/],
  ['lease: {pollSeconds: -1}', /^lease\.pollSeconds/],
  ['walltimeDefaultSeconds: 0', /^walltimeDefaultSeconds/],
  ['limits: {messageBytes: 1}', /^limits\.messageBytes/],
  ['tls: { cert: c.pem, key: k.pem, requireClientCertificate: "no" }', /must be boolean/],
  ['selection: {name: best}', /^selection \(line 1.*did not find algorithm named best/],
  ['selection: {name: constraint}', /needs the option `priorities`/],
  [
    'selection: {name: constraint, options: {priorities: "- {priority: 1, steps: [{filter: \'a >\'}]}"}}',
    /filter, character 4/,
  ],
  [
    'scheduler: {algorithms: {selection: {name: best}}}',
    /^scheduler\.algorithms\.selection .*did not find algorithm named best/,
  ],
  ['scheduler: 5', /^scheduler .*must be a map/],
  ['[a]', /must be a map/],
])('%s is refused', (text, message) => {
  expect(() => serverSettingsOf(text)).toThrow(message);
});

test('own settings may stand beside the prototype’s sections, and count more', () => {
  const text =
    'scheduler: {name: old, secret: a}\nclusters: []\nhost: client-side:1\nname: new\nwalltimeDefaultSeconds: 10\n';
  expect(serverSettingsOf(text)).toEqual({ name: 'new', secret: 'a', scheduler: { defaultWalltime: 10 } });
});

const given = fileURLToPath(
  new URL('../../../shared/data/prototype/scheduler/rainbow-selection-config.yaml', import.meta.url),
);

describe.skipIf(!existsSync(given))('the prototype’s file', () => {
  test('sets name, secret and selection', async () => {
    const settings = await readServerSettings(given);
    expect(settings).toMatchObject({ name: 'keebler', secret: 'chocolate-cookies', policy: 'constraint' });
    expect(settings!.policyOptions!['priorities']).toContain('nodes_free > 0');
  });
});

test('what counts is the first that says something', () => {
  expect(firstGiven(undefined, '', null, 'file', 'default')).toBe('file');
  expect(firstGiven<number>(undefined, 0, 1)).toBe(0);
  expect(firstGiven(undefined, null)).toBeUndefined();
});

test('registries that may be asked about images', () => {
  const { images } = serverSettingsOf(`images:
  registries:
    docker.io:
    registry.lab:5000: {privateNetwork: true, plainHttp: true, username: rainbow, password: x, hosts: ["*.blobs.lab"], ca: /etc/lab.pem}
  manifest: /etc/rainbow/images.yaml
  onError: warn
  platform: linux/arm64
`);
  expect(images).toMatchObject({
    onError: 'warn',
    timeoutMs: 10_000,
    manifest: '/etc/rainbow/images.yaml',
    platform: { os: 'linux', architecture: 'arm64' },
  });
  expect([...(images?.registries ?? [])]).toEqual([
    [
      'docker.io',
      {
        endpoint: 'registry-1.docker.io',
        hosts: ['auth.docker.io', 'production.cloudflare.docker.com'],
        plainHttp: false,
        privateNetwork: false,
        username: '',
        password: '',
        ca: '',
      },
    ],
    [
      'registry.lab:5000',
      {
        endpoint: 'registry.lab:5000',
        hosts: ['*.blobs.lab'],
        plainHttp: true,
        privateNetwork: true,
        username: 'rainbow',
        password: 'x',
        ca: '/etc/lab.pem',
      },
    ],
  ]);
  expect(() => serverSettingsOf('images: {registries: {registry.example: {user: x}}}')).toThrow('unknown setting');
  expect(() => serverSettingsOf('images: {registries: {"http://registry.example": }}')).toThrow('HOST or HOST:PORT');
  expect(() => serverSettingsOf('images: {platform: linux}')).toThrow('OS/ARCHITECTURE');
});
