/**
 * The prototype's released Python client, unmodified (rainbow-scheduler 0.0.16 from the package index), against our
 * server. Skipped, and said so, where there is no Python or no package index.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { skipWithout } from '../needs.ts';
import { python, pythonMissing } from '../python.ts';
import { io, KEEBLER } from '../server/graphs.ts';
import { Rainbow, SECRET } from '../server/rainbow.ts';

const run = promisify(execFile);
const skip = skipWithout('python-client', await pythonMissing());

let rainbow: Rainbow;
let folder: string;
beforeAll(async () => {
  if (skip) return;
  rainbow = await Rainbow.start();
  folder = await mkdtemp(join(tmpdir(), 'rainbow-python-'));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'nodes.json'), KEEBLER.text);
  await writeFile(join(folder, 'io.json'), io(KEEBLER, ['node0', 'node1', 'node2']));
  await writeFile(join(folder, 'state.json'), '{"nodes_free": 20, "cost_per_node_hour": 3}');
});
afterAll(async () => {
  if (skip) return;
  await rainbow.end();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a script with `client` made from `config`; what it prints after `>>> ` is JSON. */
async function script(config: object | null, body: string): Promise<unknown> {
  const address = rainbow.server.address;
  const configFile = join(folder, 'config.yaml');
  const database = { name: 'memory', host: address, options: { host: address } };
  const whole = { scheduler: { secret: SECRET, name: 'rainbow' }, graphdatabase: database, ...config };
  await writeFile(configFile, JSON.stringify(whole));
  const lines = [
    'import json, grpc',
    'from rainbow.client import RainbowClient',
    `client = RainbowClient(host=${JSON.stringify(address)}, config_file=${JSON.stringify(configFile)})`,
    'def say(value): print(">>> " + json.dumps(value))',
    body,
  ];
  const { stdout } = await run(python, ['-c', lines.join('\n')], { cwd: folder, timeout: 60_000 });
  const said = stdout.split('\n').find((line) => line.startsWith('>>> '));
  if (said === undefined) throw new Error(`the script said nothing: ${stdout}`);
  return JSON.parse(said.slice(4));
}

test.skipIf(skip)('register, subsystem, state, submit, receive', { timeout: 120_000 }, async () => {
  const register = `
def answer(r): return [r.status, r.token, r.secret]
say(answer(client.register("keebler", ${JSON.stringify(SECRET)}, "nodes.json")))`;
  const [status, token, secret] = (await script(null, register)) as [number, string, string];
  expect(status).toBe(1);
  expect(token).toMatch(/^[0-9a-f-]{36}$/);
  expect(secret).toMatch(/^[0-9a-f-]{36}$/);
  expect(token).not.toBe(secret);
  expect(await script(null, register)).toEqual([4, '', '']);

  const wrong = await script(
    null,
    `
try:
    client.register("other", "wrong", "nodes.json")
    say("registered")
except grpc.RpcError as e:
    say([e.code().name, e.details()])`,
  );
  expect(wrong).toEqual(['UNAUTHENTICATED', 'request denied']);

  const config = { cluster: { name: 'keebler', secret }, clusters: [{ name: 'keebler', token }] };
  const registered = await script(
    config,
    `
r = client.register_subsystem("keebler", "io", ${JSON.stringify(secret)}, "io.json")
say(r.status)`,
  );
  expect(registered).toBe(1);

  // A file's content comes encoded twice, a dictionary once.
  const states = await script(
    config,
    `
one = client.update_state("keebler", "state.json", ${JSON.stringify(secret)})
two = client.update_state("keebler", {"nodes_free": 19}, ${JSON.stringify(secret)})
say([one.status, two.status])`,
  );
  expect(states).toEqual([2, 2]);
  expect((await rainbow.clusters.get({ name: 'keebler' })).state).toEqual({ nodes_free: 19, cost_per_node_hour: 3 });

  const submitted = await script(
    config,
    `
r = client.submit_job("hostname -f", nodes=2, tasks=24)
say([r.status, r.cluster, r.total_matches, r.total_clusters])`,
  );
  expect(submitted).toEqual([1, 'keebler', 1, 1]);
  const none = await script(
    config,
    `
r = client.submit_job("hostname", nodes=100)
say(list(r.clusters))`,
  );
  expect(none).toEqual([]);

  const jobspec = `
version: 1
name: with-io
resources:
  ior:
    type: node
    replicas: 1
    requires:
    - {name: io, field: type, match: shm}
    with:
    - {type: core, count: 2}
tasks:
- command: [ior, -o, "it's"]
  resources: ior
`;
  const withIo = await script(
    config,
    `
import jobspec.core as js
r = client.submit_jobspec(js.Jobspec(${JSON.stringify(jobspec)}))
only = client.submit_jobspec(js.Jobspec(${JSON.stringify(jobspec)}), satisfy_only=True)
say([r.status, r.cluster, list(only.clusters)])`,
  );
  expect(withIo).toEqual([1, 'keebler', ['keebler']]);

  const received = (await script(
    config,
    `
one = client.receive_jobs(1)
rest = client.receive_jobs()
none = client.receive_jobs()
say([one, rest, none])`,
  )) as { id: number; cluster: string; jobspec: string; command: string }[][];
  expect(received.map((jobs) => jobs.length)).toEqual([1, 1, 0]);
  const [first, second] = received.flat();
  expect(first).toMatchObject({ id: 1, cluster: 'keebler', command: '' });
  expect(second).toMatchObject({ id: 2, cluster: 'keebler', name: expect.any(String) as string });
  expect(second!.jobspec).toContain("it's");
});
