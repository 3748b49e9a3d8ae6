/**
 * A script that was written for the prototype's Python client does the same with ours, and nothing of it is changed but
 * the import: it is run with both, each against a server of its own, and what it prints is compared. It goes through
 * what the prototype's examples do: register and save, subsystem, state, submit by command and by jobspec, receive.
 * Skipped, and said so, where there is no Python or no package index.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { skipWithout } from '../needs.ts';
import { python, pythonMissing } from '../python.ts';
import { io, KEEBLER } from '../server/graphs.ts';
import { Rainbow, SECRET } from '../server/rainbow.ts';

const run = promisify(execFile);
const skip = skipWithout('python-client', await pythonMissing());

const SCRIPT = `
import json
import sys

import grpc
from jobspec.core import Jobspec, converter

import rainbow.config as config
from rainbow.client import RainbowClient
from rainbow.protos import rainbow_pb2

host, secret = sys.argv[1:]
cfg = config.new_rainbow_config(host, "keebler", secret)
cfg.save_yaml("config.yaml")
client = RainbowClient(host=host, config_file="config.yaml")
response = client.register("keebler", secret=secret, cluster_nodes="nodes.json")
print(response.status == rainbow_pb2.RegisterResponse.ResultType.REGISTER_SUCCESS, len(response.token), len(response.secret))
cfg._cfg["cluster"]["secret"] = response.secret
cfg.add_cluster("keebler", response.token)
cfg.save_yaml("config.yaml")

again = client.register("keebler", secret=secret, cluster_nodes="nodes.json")
print(again.status == rainbow_pb2.RegisterResponse.ResultType.REGISTER_EXISTS, repr(again.token), repr(again.secret))
for name, shown in (("other", "wrong"), ("", secret), ("other", "")):
    try:
        print(client.register(name, secret=shown, cluster_nodes="nodes.json"))
    except grpc.RpcError as error:
        print("refused", error.code(), error.details())
    except ValueError as error:
        print("invalid")
try:
    client.register("other", secret=secret, cluster_nodes="nowhere.json")
except ValueError:
    print("no such file")

cfg = config.RainbowConfig("config.yaml")
own = cfg._cfg["cluster"]["secret"]
print(client.register_subsystem("keebler", subsystem="io", secret=own, nodes="io.json").status)
print(client.update_state("keebler", state_data="state.json", secret=own).status)
print(client.update_state("keebler", {"nodes_free": 19}, own).status)
print(cfg.match_algorithm, cfg.selection_algorithm, cfg.selection_algorithm_options, cfg.get_database()["name"])
print([entry["name"] for entry in cfg.get_clusters(["keebler", "other"])], cfg.get_clusters(["other"]))
try:
    cfg.add_cluster("keebler", "twice")
except ValueError as error:
    print(error)

cli = RainbowClient(config_file="config.yaml")
print(cli.host == host)

def show(response):
    print(type(response).__name__, response.status, response.cluster, list(response.clusters))
    print(response.total_matches, response.total_mismatches, response.total_clusters)

raw = converter.new_simple_jobspec(nodes=2, command=["echo", "hello"])
show(cli.submit_jobspec(Jobspec(raw)))
show(cli.submit_job(["hostname", "-f"], nodes=2, tasks=24))
show(cli.submit_job("hostname -f", satisfy_only=True))
show(cli.submit_jobspec(Jobspec("io.yaml"), select_algo="random", match_algo="match"))
print(list(cli.submit_job("hostname", nodes=100).clusters))
try:
    cli.submit_job("hostname", select_algo="nonsense")
except grpc.RpcError as error:
    print("refused", error.details())
try:
    cli.submit_job([])
except ValueError:
    print("no command")

jobs = cli.receive_jobs(1)
jobs += cli.receive_jobs()
jobs += cli.receive_jobs()
for job in jobs:
    print(sorted(job), job["id"], job["cluster"], repr(job["command"]), job["name"] != "")
    print(json.dumps(Jobspec(__import__("yaml").safe_load(job["jobspec"])).data, sort_keys=True))
`;

const JOBSPEC = `version: 1
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

async function said(script: string, more: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const rainbow = await Rainbow.start();
  const folder = await mkdtemp(join(tmpdir(), 'rainbow-import-'));
  try {
    await writeFile(join(folder, 'nodes.json'), KEEBLER.text);
    await writeFile(join(folder, 'io.json'), io(KEEBLER, ['node0', 'node1', 'node2']));
    await writeFile(join(folder, 'state.json'), '{"nodes_free": 20}');
    await writeFile(join(folder, 'io.yaml'), JOBSPEC);
    await writeFile(join(folder, 'script.py'), script);
    const env = { ...process.env, XDG_CONFIG_HOME: folder, PYTHONDONTWRITEBYTECODE: '1', ...more };
    const args = ['script.py', rainbow.server.address, SECRET];
    const { stdout } = await run(python, args, { cwd: folder, env, timeout: 60_000 });
    // The one thing that it tells people by itself and we do not.
    return stdout.split('\n').filter((line) => !line.includes('Submitting job'));
  } finally {
    await rainbow.end();
    await rm(folder, { recursive: true, force: true });
  }
}

test.skipIf(skip)('with nothing changed but the import', { timeout: 120_000 }, async () => {
  const ours = SCRIPT.replaceAll(/\brainbow\.(config|client|protos)\b/g, 'rainbow_queue.$1');
  expect(ours).not.toBe(SCRIPT);
  const theirs = await said(SCRIPT, {});
  expect(theirs.length).toBeGreaterThan(30);
  const folder = fileURLToPath(new URL('../../python', import.meta.url));
  expect(await said(ours, { PYTHONPATH: folder })).toEqual(theirs);
});
