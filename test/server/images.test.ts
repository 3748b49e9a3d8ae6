/** An image's needs from the registry to the decision: which cluster, which nodes, why not the others, and for how long. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { generateGraph } from '../../src/core/graph/generate.ts';
import { readGraph } from '../../src/core/graph/read.ts';
import { featureSubsystem } from '../../src/core/image/feature-subsystem.ts';
import { readNodeFile } from '../../src/core/image/node-files.ts';
import { Fits, JobState } from '../../src/gen/rainbow/v1/job_pb.js';
import { NO_IMAGES } from '../../src/server/images/settings.ts';
import { artifact, descriptor, EMPTY, image, MANIFEST, needing, stored } from '../images/artifacts.ts';
import { startOciServer, type OciServer } from '../images/oci-server.ts';
import { OPERATOR, Rainbow, user, type Registered } from './rainbow.ts';
import { failure, status } from './raw-client.ts';

let server: OciServer;
let rainbow: Rainbow;
let k: Registered;
let l: Registered;
const ada = { authorization: user('ada') };
const { manifest, blobs } = image('layer');
const both = () => [k, l].map(({ name, token }) => ({ name, token }));

/** Two nodes of four cores; the flags of all of them as NFD reports them. */
async function register(name: string, flags: readonly string[]): Promise<Registered> {
  const graph = generateGraph({ name, nodes: 2, coresPerNode: 4 });
  const read = readGraph(graph);
  const nodes = read.names.filter((_, i) => read.types[i] === 'node');
  const features = nodes.map(
    (node) =>
      `apiVersion: nfd.k8s-sigs.io/v1alpha1\nkind: NodeFeature\nmetadata: {name: ${node}, labels: {nfd.node.kubernetes.io/node-name: ${node}}}\n` +
      `spec: {features: {flags: {cpu.cpuid: {elements: {${flags.map((flag) => `${flag}: {}`).join(', ')}}}}, attributes: {system.name: {elements: {nodename: ${node}}}}, instances: {}}, labels: {}}\n`,
  );
  const { text, kinds } = featureSubsystem(read, readNodeFile(features.join('---\n'), 'features', 0));
  expect(kinds).toBe(1);
  const registered = await rainbow.register(name, graph);
  await rainbow.subsystem(registered, 'nfd', text);
  return registered;
}

function publish(document: string, tag = 'v1'): void {
  const about = artifact(manifest, document);
  for (const each of [manifest, about.manifest, ...blobs, ...about.blobs]) server.put('app', each.digest, each);
  server.put('app', tag, manifest);
  server.refer(manifest.digest, about.listed);
}

const jobspec = (more = ''): string =>
  `{version: 1, resources: {a: {type: node, count: 1, exclusive: true}}, tasks: [{command: [x], resources: a}], attributes: {image: "${server.host}/app:v1"${more}}}`;

beforeAll(async () => {
  server = await startOciServer();
  const registry = {
    endpoint: server.host,
    plainHttp: true,
    privateNetwork: true,
    hosts: [],
    username: '',
    password: '',
    ca: '',
  };
  const images = { ...NO_IMAGES, registries: new Map([[server.host, registry]]), keepMs: 0 };
  rainbow = await Rainbow.start({ images });
  k = await register('k', ['AVX']);
  l = await register('l', ['AVX', 'AVX512F']);
});
beforeEach(() => {
  server.answer = () => false;
});
afterAll(async () => {
  await rainbow.end();
  await server.stop();
});

describe('where it may go', () => {
  test('only where the nodes have what it needs; the other says which feature failed on how many', async () => {
    publish(needing({ flag: 'AVX512F' }));
    const { job, decision } = await rainbow.jobs.submit({ jobspec: jobspec(), credentials: both() }, ada);
    expect(job).toMatchObject({ state: JobState.ASSIGNED, cluster: 'l' });
    const [atK, atL] = decision!.candidates;
    expect([atK?.satisfiable, atL?.satisfiable]).toEqual([Fits.NO, Fits.YES]);
    expect(atK?.reasons[0]).toMatchObject({
      stage: 'image',
      message: '0 of 2 nodes have what the image needs (cpu.cpuid AVX512F Exists: not on 2 of 2)',
    });
    expect(decision!.notes[0]).toContain(`found for ${manifest.digest}`);
    const shown = await rainbow.jobs.get({ id: job!.id }, ada);
    expect(shown.imageNeeds).toMatchObject({
      source: 'artifact',
      digest: manifest.digest,
      format: 'nfd',
      sets: [{ weight: '0' }],
    });
    const none = await rainbow.jobs.submit({ jobspec: jobspec(), credentials: both(), clusters: ['k'] }, ada);
    expect(none.job?.state).toBe(JobState.REJECTED);
    expect(none.job?.reason?.message).toContain('AVX512F Exists: not on 2 of 2');
  });

  test('both where each has one of its sets; the heavier is preferred, unless the policy says how', async () => {
    publish(needing({ flag: 'AVX512F', weight: 10 }, { flag: 'AVX', weight: 1 }));
    const ask = async (policy: string, policyOptions: Record<string, string> = {}) => {
      const { job, decision } = await rainbow.jobs.submit(
        { jobspec: jobspec(), credentials: both(), policy, policyOptions, hold: true },
        ada,
      );
      await rainbow.jobs.cancel({ id: job!.id }, ada);
      return decision!;
    };
    for (let i = 0; i < 8; i++) expect((await ask('random')).order[0]).toBe('l');
    const decision = await ask('first');
    expect(decision.candidates.map(({ state }) => state?.['compat_weight'])).toEqual([1, 10]);
    expect(decision.order).toEqual(['l', 'k']);
    for (const name of ['k', 'l'])
      await rainbow.clusters.updateState({ cluster: name, state: { up: 1 } }, { authorization: OPERATOR });
    const lightest = { priorities: '- {priority: 1, steps: [{sort_ascending: compat_weight}, {select: first}]}' };
    expect((await ask('constraint', lightest)).order[0]).toBe('k');
  });

  test('as the jobspec or the submit says, and then nobody is asked', async () => {
    publish(needing({ flag: 'NOWHERE' }));
    const asked = server.asked.length;
    const inline = jobspec(
      ', compatibility: {version: v1alpha1, compatibilities: [{rules: [{matchFeatures: [{feature: cpu.cpuid, matchExpressions: {AVX512F: {op: DoesNotExist}}}]}]}]}',
    );
    expect(
      (await rainbow.jobs.match({ jobspec: inline, credentials: both() }, ada)).candidates.map(
        ({ satisfiable }) => satisfiable,
      ),
    ).toEqual([Fits.YES, Fits.NO]);
    expect(await rainbow.satisfying(parse(inline))).toEqual(['k']);
    const { job } = await rainbow.jobs.submit(
      { jobspec: jobspec(), credentials: both(), compatibility: needing({ flag: 'AVX512F' }), array: '0-1' },
      ada,
    );
    expect((await rainbow.jobs.get({ id: job!.id }, ada)).imageNeeds).toMatchObject({ source: 'given', format: 'nfd' });
    const tasks = await rainbow.jobs.list({ array: job!.id }, ada);
    expect(tasks.jobs.map(({ cluster }) => cluster).filter((cluster) => cluster !== '' && cluster !== 'l')).toEqual([]);
    expect(server.asked).toHaveLength(asked);
    expect(
      (await failure(rainbow.jobs.submit({ jobspec: inline, credentials: both(), compatibility: 'x: y' }, ada))).code,
    ).toBe(status.INVALID_ARGUMENT);
    const bad = await failure(
      rainbow.jobs.submit(
        {
          jobspec: jobspec(),
          credentials: both(),
          compatibility: 'version: v1alpha1\ncompatibilities: [{rules: [{matchFeatures: [{feature: a}]}]}]',
        },
        ada,
      ),
    );
    expect(bad.message).toContain('must be DOMAIN.NAME');
  });

  test('a client of the prototype as well; its question without a name looks nothing up', async () => {
    publish(needing({ flag: 'AVX512F' }));
    const asked = server.asked.length;
    expect(await rainbow.satisfying(parse(jobspec()))).toEqual(['k', 'l']);
    expect(server.asked).toHaveLength(asked);
    expect((await rainbow.submit([k, l], jobspec())).cluster).toBe('l');
  });
});

test('what was found at submit holds for whoever decides later, whatever the registry says then', async () => {
  publish(needing({ flag: 'AVX512F' }));
  const { job } = await rainbow.jobs.submit({ jobspec: jobspec(), credentials: both(), hold: true }, ada);
  expect(job?.state).toBe(JobState.PENDING);
  publish(needing({ flag: 'NOWHERE' }));
  await rainbow.restart();
  await rainbow.jobs.release({ id: job!.id }, ada);
  await expect.poll(async () => (await rainbow.jobs.get({ id: job!.id }, ada)).cluster).toBe('l');
});

test('a manifest sent with the job names the artifact', async () => {
  const layer = stored(
    '{"kind": "CompatibilitySpec", "compatibilities": [{"name": "a", "attributes": {"fast": "yes"}}]}',
    'application/org.compspec',
  );
  const paired = stored({ schemaVersion: 2, config: descriptor(EMPTY), layers: [descriptor(layer)] }, MANIFEST);
  server.put('app', layer.digest, layer);
  server.put('app', 'v1-compspec', paired);
  const compatibility = `images: [{name: "${server.host}/app:v1", artifact: "${server.host}/app:v1-compspec"}]`;
  const { job } = await rainbow.jobs.submit({ jobspec: jobspec(), credentials: both(), compatibility }, ada);
  expect(job).toMatchObject({ state: JobState.REJECTED });
  expect(job?.reason?.message).toContain('attribute fast=yes: not on 2 of 2');
  const shown = await rainbow.jobs.get({ id: job!.id }, ada);
  expect(shown.imageNeeds).toMatchObject({ format: 'compspec', artifact: paired.digest, digest: '' });
  const asked = server.asked.length;
  const stranger = await failure(rainbow.jobs.match({ jobspec: jobspec(), compatibility }));
  expect([stranger.code, server.asked.length]).toEqual([status.UNAUTHENTICATED, asked]);
  const other = `images: [{name: another, artifact: "${server.host}/app:v1-compspec"}]`;
  const refused = await failure(
    rainbow.jobs.submit({ jobspec: jobspec(), credentials: both(), compatibility: other }, ada),
  );
  expect(refused.code).toBe(status.INVALID_ARGUMENT);
  expect(refused.message).toContain('pairs nothing with');
});

test('a registry that cannot be asked: UNAVAILABLE, with what to do, and nothing is stored', async () => {
  server.answer = (_, response) => response.writeHead(503).end() !== undefined;
  const before = (await rainbow.jobs.list({}, ada)).jobs.length;
  const refused = await failure(rainbow.jobs.submit({ jobspec: jobspec(), credentials: both() }, ada));
  expect(refused.code).toBe(status.UNAVAILABLE);
  expect(refused.message).toContain('answers 503');
  expect(refused.message).toContain('--compatibility');
  expect((await rainbow.jobs.list({}, ada)).jobs).toHaveLength(before);
});
