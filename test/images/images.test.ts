/** What an image needs, asked of registries: a real one (tags only), and one of these tests' own for all else. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readManifest } from '../../src/core/image/manifest.ts';
import type { RainbowError } from '../../src/core/errors.ts';
import { readImageFiles } from '../../src/server/images/files.ts';
import { createHttpGet } from '../../src/server/images/http.ts';
import { createImages, type Images } from '../../src/server/images/images.ts';
import { NO_IMAGES, type ImageSettings, type RegistrySettings } from '../../src/server/images/settings.ts';
import { realSystem } from '../../src/system/real.ts';
import { skipWithout } from '../needs.ts';
import {
  artifact,
  descriptor,
  EMPTY,
  image,
  indexOf,
  INDEX,
  MANIFEST,
  needing,
  stored,
  type Stored,
} from './artifacts.ts';
import { testAuthority } from '../wire/certificates.ts';
import { LOGIN, registryMissing, startDockerRegistry, type RunningRegistry } from './docker-registry.ts';
import { startOciServer, type OciServer } from './oci-server.ts';

const LOCAL = { plainHttp: true, privateNetwork: true, hosts: [], username: '', password: '', ca: '' };

function asking(host: string, over: Partial<RegistrySettings> = {}, settings: Partial<ImageSettings> = {}): Images {
  const registries = new Map([[host, { ...LOCAL, endpoint: host, ...over }]]);
  return createImages({
    settings: { ...NO_IMAGES, registries, ...settings },
    system: realSystem,
    http: createHttpGet(),
    log: { warn: () => {} },
  });
}

/** As the server starts it: with the files that its settings name. */
async function withFiles(
  host: string,
  over: Partial<RegistrySettings>,
  settings: Partial<ImageSettings> = {},
): Promise<Images> {
  const registries = new Map([[host, { ...LOCAL, endpoint: host, ...over }]]);
  const all = { ...NO_IMAGES, registries, ...settings };
  const log = { warn: () => {} };
  return createImages({
    settings: all,
    files: await readImageFiles(all),
    system: realSystem,
    http: createHttpGet(),
    log,
  });
}

const withoutRegistry = skipWithout('docker-registry', registryMissing());

describe.skipIf(withoutRegistry)('docker-registry', () => {
  let registry: RunningRegistry;
  beforeEach(async () => {
    registry = await startDockerRegistry();
  });
  afterEach(() => registry.stop());

  async function pushAbout(subject: Stored, ...all: readonly ReturnType<typeof artifact>[]): Promise<void> {
    for (const { manifest, blobs } of all) await registry.push('team/app', manifest.digest, manifest, blobs);
    const tag = subject.digest.replace(':', '-');
    await registry.push('team/app', tag, indexOf(all.map(({ listed }) => listed)), []);
  }

  test('the artifact under the tag of the digest, the newest of several', async () => {
    const { manifest, blobs } = image('layer');
    await registry.push('team/app', 'v1', manifest, blobs);
    const old = artifact(manifest, needing({ flag: 'SSE' }), { created: '2024-01-01T00:00:00Z' });
    const young = artifact(manifest, needing({ flag: 'AVX512F', weight: 10 }, { flag: 'AVX', weight: 1 }), {
      created: '2025-01-01T00:00:00Z',
    });
    const undated = artifact(manifest, needing({ flag: 'X' }));
    const other = artifact(manifest, '{}', {
      type: 'application/vnd.example.signature',
      created: '2026-01-01T00:00:00Z',
    });
    await pushAbout(manifest, old, young, undated, other);
    const resolved = await asking(registry.host).resolve(`${registry.host}/team/app:v1`);
    expect(resolved).toMatchObject({
      source: 'artifact',
      digest: manifest.digest,
      artifact: young.manifest.digest,
      mediaType: 'application/vnd.nfd.image-compatibility.v1alpha1',
      needs: { format: 'nfd', sets: [{ weight: 10 }, { weight: 1 }] },
    });
    const byDigest = await asking(registry.host).resolve(`${registry.host}/team/app@${manifest.digest}`);
    expect(byDigest?.artifact).toBe(young.manifest.digest);
  });

  test('an image of which nothing is said needs nothing; one that is not there is an error', async () => {
    const { manifest, blobs } = image('plain');
    await registry.push('team/app', 'v1', manifest, blobs);
    const images = asking(registry.host);
    expect(await images.resolve(`${registry.host}/team/app:v1`)).toMatchObject({
      source: 'none',
      needs: null,
      note: '',
    });
    await expect(images.resolve(`${registry.host}/team/app:v2`)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('has no image team/app:v2') as string,
    });
  });

  test('of an index the platform’s manifest is looked at too', async () => {
    const { manifest, blobs } = image('amd64');
    const platform = { architecture: 'amd64', os: 'linux' };
    const index = stored(
      { schemaVersion: 2, mediaType: INDEX, manifests: [{ ...descriptor(manifest), platform }] },
      INDEX,
    );
    await registry.push('team/app', manifest.digest, manifest, blobs);
    await registry.push('team/app', 'v1', index, []);
    await pushAbout(manifest, artifact(manifest, needing({ flag: 'AVX' })));
    const found = await asking(registry.host).resolve(`${registry.host}/team/app:v1`);
    expect(found).toMatchObject({ source: 'artifact', digest: manifest.digest });
    const arm = { platform: { os: 'linux', architecture: 'arm64' } };
    expect(await asking(registry.host, {}, arm).resolve(`${registry.host}/team/app:v1`)).toMatchObject({
      source: 'none',
    });
  });
});

describe('manifests of compspec, which pair images with artifacts', () => {
  const compspec =
    '{"version": "0.0.0", "kind": "CompatibilitySpec", "metadata": {"name": "x"}, "compatibilities": [{"name": "org.hpc", "version": "0", "attributes": {"gpu": "yes"}}]}';
  let server: OciServer;
  let folder: string;
  beforeEach(async () => {
    server = await startOciServer();
    folder = mkdtempSync(join(tmpdir(), 'rainbow-manifest-'));
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true });
    await server.stop();
  });

  /** As oras pushes it: no type of its own, no subject; the layer's type is all that there is. */
  function push(tag: string, document = compspec): Stored {
    const layer = stored(document, 'application/org.supercontainers.compspec');
    const other = stored('# read me', 'text/markdown');
    const manifest = stored(
      { schemaVersion: 2, mediaType: MANIFEST, config: descriptor(EMPTY), layers: [other, layer].map(descriptor) },
      MANIFEST,
    );
    for (const each of [layer, other]) server.put('team/app', each.digest, each);
    server.put('team/app', tag, manifest);
    return manifest;
  }

  test('given with the job: by the name of the image, however it is written', async () => {
    const manifest = push('v1-compspec');
    const images = asking(server.host);
    const pairs = readManifest(
      `images:\n- {name: "${server.host}/team/app", artifact: "${server.host}/team/app:v1-compspec"}\n`,
      'manifest',
    )!;
    for (const name of [`${server.host}/team/app`, `docker://${server.host}/team/app:latest`]) {
      expect(await images.resolvePaired(name, pairs)).toMatchObject({
        source: 'artifact',
        digest: '',
        artifact: manifest.digest,
        mediaType: 'application/org.supercontainers.compspec',
        needs: { format: 'compspec', sets: [{}] },
      });
    }
    await expect(images.resolvePaired(`${server.host}/team/app:v2`, pairs)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('pairs nothing with') as string,
    });
    expect(server.asked.some((path) => path.includes('/referrers/'))).toBe(false);
  });

  test('an artifact that is not there, that lies, or that is elsewhere', async () => {
    const named = `${server.host}/team/app`;
    const paired = (artifact: string): Promise<unknown> =>
      asking(server.host).resolvePaired(named, new Map([[named, artifact]]));
    await expect(paired(`${named}:none`)).rejects.toThrow('has not the artifact team/app:none');
    const manifest = push('v1-compspec');
    const digest = descriptor(stored('other', MANIFEST)).digest;
    server.put('team/app', digest, manifest);
    await expect(paired(`${named}@${digest}`)).rejects.toThrow('has another digest');
    expect(await paired('elsewhere.example/app:x')).toMatchObject({
      source: 'none',
      note: expect.stringContaining('is of elsewhere.example, which is not on this server') as string,
    });
  });

  test("the operator's: for the images that it lists; the others by what refers to them", async () => {
    push('v1-compspec');
    const { manifest, blobs } = image('other');
    const about = artifact(manifest, needing({ flag: 'AVX' }));
    for (const each of [manifest, ...blobs, about.manifest, ...about.blobs]) server.put('team/app', each.digest, each);
    server.put('team/app', 'v2', manifest);
    server.refer(manifest.digest, about.listed);
    const file = join(folder, 'images.yaml');
    writeFileSync(
      file,
      `images: [{name: "${server.host}/team/app:v1", artifact: "${server.host}/team/app:v1-compspec"}]`,
    );
    const images = await withFiles(server.host, {}, { manifest: file });
    expect((await images.resolve(`${server.host}/team/app:v1`))?.needs?.format).toBe('compspec');
    expect((await images.resolve(`${server.host}/team/app:v2`))?.needs?.format).toBe('nfd');
    writeFileSync(file, 'compatibilities: []');
    await expect(withFiles(server.host, {}, { manifest: file })).rejects.toThrow('is no manifest');
    await expect(withFiles(server.host, {}, { manifest: `${file}.none` })).rejects.toThrow('cannot be read');
  });
});

describe('TLS', () => {
  const authority = testAuthority('registries');
  const identity = authority.issue('registry');
  const secure = { plainHttp: false, ca: authority.ca };
  afterAll(() => authority.remove());

  test('a private authority counts for the registry that it is named for, and for no other', async () => {
    const server = await startOciServer(identity);
    try {
      const { manifest, blobs } = image('layer');
      const about = artifact(manifest, needing({ flag: 'AVX' }));
      for (const each of [manifest, ...blobs, about.manifest, ...about.blobs]) server.put('app', each.digest, each);
      server.put('app', 'v1', manifest);
      server.refer(manifest.digest, about.listed);
      const named = `${server.host}/app:v1`;
      expect((await (await withFiles(server.host, secure)).resolve(named))?.source).toBe('artifact');
      await expect((await withFiles(server.host, { plainHttp: false })).resolve(named)).rejects.toThrow(
        /shows a certificate that is not trusted .*names who signs for it with `ca`/,
      );
      await expect(withFiles(server.host, { ca: identity.key })).rejects.toThrow('holds no certificate in PEM');
    } finally {
      await server.stop();
    }
  });

  test.skipIf(withoutRegistry)('docker-registry with TLS of a private authority and a login', async () => {
    const registry = await startDockerRegistry({ identity, ca: authority.ca });
    try {
      const { manifest, blobs } = image('layer');
      const about = artifact(manifest, needing({ flag: 'AVX' }));
      await registry.push('team/app', 'v1', manifest, blobs);
      await registry.push('team/app', about.manifest.digest, about.manifest, about.blobs);
      await registry.push('team/app', manifest.digest.replace(':', '-'), indexOf([about.listed]), []);
      const named = `${registry.host}/team/app:v1`;
      const images = await withFiles(registry.host, { ...secure, ...LOGIN });
      expect(await images.resolve(named)).toMatchObject({ source: 'artifact', artifact: about.manifest.digest });
      const stranger = await withFiles(registry.host, secure);
      await expect(stranger.resolve(named)).rejects.toThrow('refuses to be asked without a login (401)');
    } finally {
      await registry.stop();
    }
  });
});

describe('the referrers API', () => {
  let server: OciServer;
  const { manifest, blobs } = image('layer');
  const named = (): string => `${server.host}/team/app:v1`;

  beforeEach(async () => {
    server = await startOciServer();
    put(manifest, blobs, 'v1');
  });
  afterEach(() => server.stop());

  function put(of: Stored, with_: readonly Stored[], tag: string): void {
    server.put('team/app', tag, of);
    server.put('team/app', of.digest, of);
    for (const blob of with_) server.put('team/app', blob.digest, blob);
  }

  function publish(...all: readonly ReturnType<typeof artifact>[]): void {
    for (const each of all) put(each.manifest, each.blobs, each.manifest.digest);
    server.refer(manifest.digest, ...all.map(({ listed }) => listed));
  }

  const plain = artifact(manifest, needing({ flag: 'AVX' }));
  /** What the submitter is told. */
  const problem = (images: Images): Promise<string> =>
    images.resolve(named()).then(
      (resolved) => `no problem: ${JSON.stringify(resolved)}`,
      (error: unknown) => (error as RainbowError).code + ': ' + (error as RainbowError).message,
    );

  test('pages are followed, and what a registry did not filter is left out', async () => {
    const others = Array.from({ length: 7 }, (_, i) =>
      artifact(manifest, `${i}`, { type: 'application/x', created: '2030-01-01T00:00:00Z' }),
    );
    publish(...others, plain);
    server.page = 3;
    server.filters = false;
    expect((await asking(server.host).resolve(named()))?.artifact).toBe(plain.manifest.digest);
    expect(server.asked.filter((path) => path.includes('/referrers/'))).toHaveLength(3);
  });

  test('other kinds of artifacts are asked for in turn; NFD’s counts first', async () => {
    const compspec = artifact(
      manifest,
      '{"kind": "CompatibilitySpec", "compatibilities": [{"name": "a", "attributes": {"b": "c"}}]}',
      {
        type: 'application/org.compspec',
      },
    );
    publish(compspec);
    expect((await asking(server.host).resolve(named()))?.needs?.format).toBe('compspec');
    publish(compspec, plain);
    expect((await asking(server.host).resolve(named()))?.needs?.format).toBe('nfd');
  });

  test('answers are kept, and those who ask at once share one', async () => {
    publish(plain);
    const images = asking(server.host);
    const [a, b] = await Promise.all([images.resolve(named()), images.resolve(named())]);
    expect(a).toBe(b);
    const asked = server.asked.length;
    expect(await images.resolve(named())).toBe(a);
    expect(server.asked).toHaveLength(asked);
  });

  test('what has a digest is fetched once, whatever the tag means later', async () => {
    publish(plain);
    const images = asking(server.host, {}, { keepMs: 0 });
    const before = await images.resolve(named());
    const asked = server.asked.length;
    expect((await images.resolve(named()))?.needs).toBe(before?.needs);
    const again = server.asked.slice(asked);
    expect(again.filter((path) => path.includes('/blobs/') || path.includes(plain.manifest.digest))).toEqual([]);
    // The tag, and who refers to what it means now.
    expect(again).toHaveLength(2);
    publish(artifact(manifest, needing({ flag: 'SSE' }), { created: '2030-01-01T00:00:00Z' }));
    expect((await images.resolve(named()))?.artifact).not.toBe(before?.artifact);
  });

  test.each(['basic', 'bearer'] as const)('a login: %s', async (scheme) => {
    publish(plain);
    server.login = { scheme, user: 'ada', password: 'l:ovelace' };
    const images = asking(server.host, { username: 'ada', password: 'l:ovelace' });
    expect((await images.resolve(named()))?.source).toBe('artifact');
    expect(await problem(asking(server.host, { username: 'ada', password: 'wrong' }))).toContain(
      'refuses to be asked as ada (401)',
    );
    expect(await problem(asking(server.host))).toContain('refuses to be asked without a login (401)');
  });

  test('a token for nobody in particular', async () => {
    publish(plain);
    server.login = { scheme: 'bearer', user: '', password: '' };
    expect((await asking(server.host).resolve(named()))?.source).toBe('artifact');
    // One for all that is asked of this repository.
    expect(server.asked.filter((path) => path.startsWith('/token'))).toHaveLength(1);
  });

  describe('who lies', () => {
    test('about the size of its layer', async () => {
      publish(artifact(manifest, needing({ flag: 'AVX' }), { layer: { size: 3 } }));
      expect(await problem(asking(server.host))).toContain('was announced with 3');
    });

    test('about the digest of its layer', async () => {
      const lie = artifact(manifest, needing({ flag: 'AVX' }));
      publish(lie);
      server.put('team/app', lie.blobs[1]!.digest, stored(needing({ flag: 'SSE' }), 'x'));
      expect(await problem(asking(server.host))).toContain('has another digest');
    });

    test('about its own digest', async () => {
      publish(plain);
      server.put(
        'team/app',
        plain.manifest.digest,
        stored(plain.manifest.bytes.toString().replace('"schemaVersion":2', '"schemaVersion":3'), 'x'),
      );
      expect(await problem(asking(server.host))).toContain('has another digest');
    });

    test('about the image that it is about', async () => {
      const other = artifact(image('another').manifest, needing({ flag: 'AVX' }));
      publish(other);
      expect(await problem(asking(server.host))).toContain('is about another image');
    });

    test('with a document that is too large, announced or not', async () => {
      publish(artifact(manifest, needing({ flag: 'AVX' }), { layer: { size: 300_000_000 } }));
      expect(await problem(asking(server.host))).toContain('announces 300000000 bytes');
      publish(artifact(manifest, 'x'.repeat(300_000), { layer: { size: 100 } }));
      expect(await problem(asking(server.host))).toContain('sends more than');
    });

    test('with a document that cannot be read', async () => {
      publish(
        artifact(
          manifest,
          'version: v1alpha1\ncompatibilities: [{rules: [{matchFeatures: [{feature: a.b, matchExpressions: {x: {op: Is}}}]}]}]',
        ),
      );
      expect(await problem(asking(server.host))).toContain('unknown operator "Is"');
    });
  });

  describe('who is unwell', () => {
    test('down', async () => {
      const { host } = server;
      await server.stop();
      await expect(asking(host).resolve(`${host}/team/app:v1`)).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining(`${host} refuses connections`) as string,
      });
    });

    test('slow', async () => {
      server.answer = () => true;
      expect(await problem(asking(server.host, {}, { timeoutMs: 100 }))).toContain('took too long');
    });

    test('without an end, in one answer or page after page', async () => {
      server.answer = (request, response) => {
        if (!(request.url ?? '').includes('/referrers/')) return false;
        response
          .writeHead(200, { 'content-type': INDEX, link: `<${request.url ?? ''}>; rel="next"` })
          .end('{"manifests":[]}');
        return true;
      };
      expect(await problem(asking(server.host))).toContain('more than 20 pages');
      server.answer = (request, response) => {
        if (!(request.url ?? '').includes('/referrers/')) return false;
        response.writeHead(200, { 'content-type': INDEX });
        const more = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536, 32)));
          response.once('drain', more);
        };
        more();
        return true;
      };
      expect(await problem(asking(server.host))).toContain('sends more than the 4194304 bytes');
    });

    test('a warning instead, if the operator wants it so', async () => {
      server.answer = (_, response) => response.writeHead(500).end() !== undefined;
      const resolved = await asking(server.host, {}, { onError: 'warn' }).resolve(named());
      expect(resolved).toMatchObject({
        source: 'none',
        needs: null,
        note: expect.stringContaining('answers 500') as string,
      });
    });
  });

  describe('where it may not go', () => {
    const sendTo = (location: string): void => {
      server.answer = (request, response) => {
        if (!(request.url ?? '').startsWith('/v2/')) return false;
        response.writeHead(307, { location }).end();
        return true;
      };
    };

    test('to a host that is not listed, or for a token', async () => {
      sendTo('http://169.254.169.254/latest/meta-data/');
      expect(await problem(asking(server.host))).toContain('redirects to http://169.254.169.254, which the server');
      server.answer = (_, response) =>
        response.writeHead(401, { 'www-authenticate': 'Bearer realm="http://10.0.0.1/token"' }).end() !== undefined;
      expect(await problem(asking(server.host))).toContain('asks for a token of 10.0.0.1');
    });

    test('to a private address, even of a host that is listed; by name or by number', async () => {
      const http = createHttpGet((_, found) => found(null, [{ address: '93.184.215.14', family: 4 }]));
      await expect(
        http(new URL(`http://127.0.0.1/`), {
          headers: {},
          most: 1,
          privateNetwork: false,
          signal: AbortSignal.timeout(5_000),
        }),
      ).rejects.toThrow('127.0.0.1 is in a private network');
      // A public name that resolves to a private address.
      const inside = createHttpGet((_, found) =>
        found(null, [
          { address: '127.0.0.1', family: 4 },
          { address: '::ffff:10.1.2.3', family: 6 },
        ]),
      );
      const options = { headers: {}, most: 1, privateNetwork: false, signal: AbortSignal.timeout(5_000) };
      await expect(inside(new URL('http://registry.example/'), options)).rejects.toThrow(
        'registry.example is in a private network',
      );
      expect(await problem(asking(server.host, { privateNetwork: false }))).toContain('is in a private network');
    });

    describe('by a name that is not what it was', () => {
      /** Another address of this machine, which stands for one out in the world. */
      const WORLD = '127.0.0.2';
      const isClosed = (address: string): boolean => address !== WORLD;
      let world: OciServer;
      beforeEach(async () => {
        world = await startOciServer(undefined, WORLD);
        for (const each of [manifest, ...blobs, plain.manifest, ...plain.blobs]) world.put('app', each.digest, each);
        world.put('app', 'v1', manifest);
        world.refer(manifest.digest, plain.listed);
      });
      afterEach(() => world.stop());

      function inWorld(over: Partial<RegistrySettings>, ...resolved: (readonly string[])[]): Images {
        const asked = new Map<string, number>();
        const http = createHttpGet((host, found) => {
          const turn = asked.get(host) ?? 0;
          asked.set(host, turn + 1);
          const addresses = resolved[Math.min(turn, resolved.length - 1)] ?? [];
          found(
            null,
            addresses.map((address) => ({ address, family: 4 })),
          );
        }, isClosed);
        const endpoint = `registry.example:${world.host.split(':')[1]}`;
        const registries = new Map([['registry.example', { ...LOCAL, privateNetwork: false, endpoint, ...over }]]);
        const settings = { ...NO_IMAGES, registries };
        return createImages({ settings, system: realSystem, http, log: { warn: () => {} } });
      }

      test('a name is looked up once for each connection, and what was checked is connected to', async () => {
        // Whoever looked it up again, to connect, would come to the other address.
        const images = inWorld({}, [WORLD], [WORLD], [WORLD], [WORLD], ['127.0.0.1']);
        expect((await images.resolve('registry.example/app:v1'))?.source).toBe('artifact');
        expect(world.asked).toHaveLength(4);
        // Of several addresses only those that may be are told to the socket.
        const mixed = inWorld({}, ['127.0.0.1', WORLD, '10.0.0.1']);
        expect((await mixed.resolve('registry.example/app:v1'))?.source).toBe('artifact');
        // The next connection is another look.
        const turned = inWorld({}, [WORLD], ['127.0.0.1']);
        await expect(turned.resolve('registry.example/app:v1')).rejects.toThrow(
          /registry\.example.* is in a private network/,
        );
        expect(server.asked).toEqual([]);
      });

      test('a redirect to a listed name that has a private address', async () => {
        world.answer = (request, response) => {
          if (!(request.url ?? '').includes('/blobs/')) return false;
          response.writeHead(302, { location: `http://blobs.example:${server.host.split(':')[1]}/x` }).end();
          return true;
        };
        const http = createHttpGet((host, found) => {
          found(null, [{ address: host === 'blobs.example' ? '127.0.0.1' : WORLD, family: 4 }]);
        }, isClosed);
        const port = server.host.split(':')[1];
        const endpoint = `registry.example:${world.host.split(':')[1]}`;
        const own = { ...LOCAL, privateNetwork: false, endpoint, hosts: [`blobs.example:${port}`] };
        const settings = { ...NO_IMAGES, registries: new Map([['registry.example', own]]) };
        const images = createImages({ settings, system: realSystem, http, log: { warn: () => {} } });
        await expect(images.resolve('registry.example/app:v1')).rejects.toThrow(
          'blobs.example is in a private network',
        );
        expect(server.asked).toEqual([]);
      });
    });

    test('with a login to another host', async () => {
      const other = await startOciServer();
      try {
        publish(plain);
        server.login = { scheme: 'basic', user: 'ada', password: 'secret' };
        const blob = plain.blobs[1]!;
        other.put('moved', blob.digest, blob);
        server.answer = (request, response) => {
          if (!(request.url ?? '').endsWith(`/blobs/${blob.digest}`)) return false;
          response.writeHead(302, { location: `http://${other.host}/v2/moved/blobs/${blob.digest}` }).end();
          return true;
        };
        const images = asking(server.host, { username: 'ada', password: 'secret', hosts: [other.host] });
        expect((await images.resolve(named()))?.source).toBe('artifact');
        expect(other.authorizations).toEqual([undefined]);
      } finally {
        await other.stop();
      }
    });

    test('round in circles', async () => {
      sendTo(`http://${server.host}/v2/team/app/manifests/v1`);
      expect(await problem(asking(server.host))).toContain('redirects more than 5 times');
    });

    test('to a registry that is not on the list: nobody is asked, and it is said', async () => {
      const images = asking('registry.example');
      expect(await images.resolve(named())).toMatchObject({
        source: 'none',
        note: expect.stringContaining('not on this server') as string,
      });
      expect(await images.resolve('/srv/images/app.sif')).toMatchObject({
        source: 'none',
        note: expect.stringContaining('no name of an image') as string,
      });
      expect(server.asked).toEqual([]);
      expect(
        await createImages({
          settings: NO_IMAGES,
          system: realSystem,
          http: createHttpGet(),
          log: { warn: () => {} },
        }).resolve('x'),
      ).toBeNull();
    });
  });
});
