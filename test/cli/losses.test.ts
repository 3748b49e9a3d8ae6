/** What a cluster cannot be told, or does not act on, is said where a job is submitted: by cluster, and what to do. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AgentService, RunAs } from '../../src/gen/rainbow/v1/agent_pb.js';
import { connect } from '../server/raw-client.ts';
import { afterwards, expectExit, json } from './command-line.ts';
import { place, SECRET, startAgent, untilConnected, write, type Place } from './with-server.ts';

/** An agent that says that it is one of a Slurm cluster, and takes nothing. */
async function slurmAgent(
  at: Place,
  cluster: string,
  secret: string,
  accounts?: readonly string[],
  containers = '',
): Promise<void> {
  const connection = connect(`127.0.0.1:${at.server.port}`);
  const stream = connection.client(AgentService).connect();
  afterwards(() => {
    stream.cancel();
    connection.close();
  });
  const mapping = accounts === undefined ? {} : { runAs: RunAs.MAPPED, accounts: { owners: [...accounts] } };
  const value = {
    protocol: 1,
    cluster,
    secret,
    instanceId: 'one',
    instanceStartedMs: '1',
    runner: 'slurm',
    containers,
    ...mapping,
  };
  stream.send({ message: { case: 'hello', value } });
  await untilConnected(at, cluster);
}

test('--allow-lossy reaches the cluster: without it a job that Slurm cannot be told is refused, with it it goes', async () => {
  const at = await place();
  const { secret } = await at.register('red', '--nodes', '2', '--cores', '4');
  await slurmAgent(at, 'red', secret);
  const file = write(
    at.folder,
    'job.yaml',
    `version: 1 # of RFC 14
resources: [{type: slot, count: 1, label: t, with: [{type: core, count: 1}]}]
tasks: [{command: [hostname], slot: t, count: {per_slot: 1}}]
attributes: {system: {duration: 60}, strange: {a: 1}}
`,
  );
  const dry = await at.run(['submit', '--jobspec', file, '--dry-run']);
  expect(dry.stdout).toMatch(/on red \(slurm\):\n(.*\n)+ {2}would be lost: .*strange.*\n {2}so it is not placed there/);
  expect((await at.run(['submit', '--jobspec', file, '--dry-run', '--allow-lossy'])).stdout).toContain(
    'and it may be: --allow-lossy',
  );
  const refused = await at.run(['submit', '--jobspec', file, '--json']);
  expect(refused.code).toBe(1);
  expect(json(refused)).toMatchObject({
    state: 'rejected',
    reason: { code: 'never_fits', message: expect.stringContaining('cannot be told all of it') as string },
  });
  const allowed = await at.run(['submit', '--jobspec', file, '--allow-lossy', '--json']);
  expect(json(allowed)).toMatchObject({ state: expect.stringMatching(/assigned|received/) as string, cluster: 'red' });
  const { id } = json<{ id: number }>(allowed);
  const shown = json<{ jobspec: string }>(await at.run(['job', 'show', String(id), '--json']));
  expect(shown.jobspec).toContain('version: 1 # of RFC 14');
  expect(shown.jobspec).toContain('allowLossy: true');

  const script = write(at.folder, 'job.sh', '#!/bin/sh\n#SBATCH --licenses=matlab:1 --time=1\nhostname\n');
  const batch = await at.run(['submit', '--batch', script, '--allow-lossy', '--json']);
  expect(json(batch)).toMatchObject({ cluster: 'red' });
});

test('a partition that no cluster has is refused at submit, with those that there are, and said in a dry run', async () => {
  const at = await place();
  const node = 'NodeName=n1 Sockets=1 CoresPerSocket=2 CPUTot=2 RealMemory=1000 State=IDLE Partitions=gpu,main';
  const nodes = write(at.folder, 'nodes.txt', `${node}\n`);
  const graph = join(at.folder, 'red.json');
  expectExit(
    await at.run(['graph', 'discover', nodes, '--cluster-name', 'red', '--subsystems', at.folder, '-o', graph]),
    0,
  );
  const partitions = `partition=${join(at.folder, 'partition.json')}`;
  const args = ['--cluster-name', 'red', '--nodes-json', graph, '-s', SECRET, '--subsystem', partitions, '--save'];
  expectExit(await at.run(['register', 'cluster', ...args]), 0);
  const dry = async (partition: string): Promise<string> => {
    const script = write(at.folder, 'job.sh', `#!/bin/sh\n#SBATCH -p ${partition}\nhostname\n`);
    return (await at.run(['submit', '--batch', script, '--dry-run'])).stdout;
  };
  for (const one of ['gpu', 'main,gpu']) expect(await dry(one)).not.toContain('partition');
  expect(await dry('gpuu')).toContain('it has no partition gpuu: it has gpu, main');
  // Of a list sbatch wants each.
  expect(await dry('gpuu,main')).toContain('it has no partition gpuu: it has gpu, main');
  const script = write(at.folder, 'job.sh', '#!/bin/sh\n#SBATCH -p gpuu\nhostname\n');
  expect(await at.run(['submit', '--batch', script])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('it has no partition gpuu: it has gpu, main') as string,
  });
  // There is no such place there, whatever may be lost on the way.
  expect((await at.run(['submit', '--batch', script, '--allow-lossy'])).code).toBe(1);
});

test('a cluster whose agent maps accounts is a no for those whom it does not', async () => {
  const at = await place();
  const { secret } = await at.register('red', '--nodes', '1', '--cores', '2');
  await at.register('blue', '--nodes', '1', '--cores', '1');
  const { owner } = json<{ owner: string }>(await at.run(['submit', '--json', '--', 'true']));
  expect(owner).toMatch(/^user:/);
  await slurmAgent(at, 'red', secret, ['user:somebody']);
  const dry = await at.run(['submit', '--dry-run', '--cores', '2', '--', 'true']);
  expect(dry.code).toBe(1);
  expect(dry.stdout).toContain(`its owner (${owner}) has no local user there`);
  const rejected = await at.run(['submit', '--cores', '2', '--', 'true']);
  expect(rejected).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(`its owner (${owner}) has no local user`),
  });
  expect(json(await at.run(['submit', '--json', '--', 'true']))).toMatchObject({ cluster: 'blue' });
});

test('where no images are run, who asks for one is passed over, unless that is allowed', async () => {
  const at = await place();
  await at.register('red', '--nodes', '1', '--cores', '2');
  startAgent(at, 'red', ['--graph', `${at.folder}/red.json`, '--containers', 'none']);
  await untilConnected(at, 'red');
  const command = ['--image', 'debian:12', '--', 'true'];
  const lost = 'the image debian:12 (no containers are run there)';
  expect(json(await at.run(['cluster', 'show', 'red', '--json']))).toMatchObject({ containers: 'none' });
  const dry = await at.run(['submit', '--dry-run', ...command]);
  expect(dry.stdout).toContain(`would be lost: ${lost}\n  so it is not placed there, unless you say --allow-lossy`);
  const refused = await at.run(['submit', '--json', ...command]);
  expect(refused.code).toBe(1);
  expect(json(refused)).toMatchObject({
    state: 'rejected',
    reason: {
      code: 'never_fits',
      message: expect.stringContaining(
        `it cannot do all of it: ${lost}. Allow that with --allow-lossy, or give`,
      ) as string,
    },
    openings: [],
  });
  expect(dry).toMatchObject({ code: 1, stdout: expect.stringContaining('it would be rejected') as string });
  // It waits for another cluster where that is asked for.
  const waits = json(await at.run(['submit', '--json', '--wait-for-cluster', ...command]));
  expect(waits).toMatchObject({ state: 'pending', reason: { code: 'waiting_for_cluster' } });

  const said = 'red: its agent starts the program on the machine itself, so the image debian:12 is not used there';
  const allowed = await at.run(['submit', '--json', '--allow-lossy', ...command]);
  expect(allowed.stderr).toContain(said);
  const { id } = json<{ id: number }>(allowed);
  expect((await at.run(['explain', String(id)])).stdout).toContain(said);
  expect((await at.run(['submit', '--dry-run', '--allow-lossy', ...command])).stdout).toContain(said);

  // The prototype's word says what its nodes must be good for: it goes where it always went.
  const file = write(
    at.folder,
    'job.yaml',
    `{version: 1, resources: {a: {type: node, count: 1}}, tasks: [{command: ['true'], resources: a}], attributes: {image: debian:12}}`,
  );
  const named = await at.run(['submit', '--json', '--jobspec', file]);
  expect(json(named)).toMatchObject({ cluster: 'red' });
  expect(named.stderr).toContain(said);
  expect((await at.run(['explain', '--jobspec', file])).stdout).toContain(said);
  expect((await at.run(['submit', '--', 'true'])).stderr).toBe('');
});

test('a dry run shows how an image is run, by what the agent found', async () => {
  const at = await place();
  const { secret } = await at.register('red', '--nodes', '2', '--cores', '4');
  await slurmAgent(at, 'red', secret, undefined, 'apptainer');
  const image = ['--image', 'ghcr.io/me/app:1'];
  const dry = await at.run(['submit', '--dry-run', ...image, '--', 'hostname']);
  expect(dry.stdout).toMatch(/# in its image: apptainer exec .* docker:\/\/ghcr\.io\/me\/app:1 hostname/);
  expect(dry.stdout).not.toContain('would be lost');
  expect((await at.run(['cluster', 'show', 'red'])).stdout).toMatch(/containers +apptainer/);
});

test('what is no name of an image is refused however it comes, and nothing is stored', async () => {
  const at = await place();
  await at.register('red', '--nodes', '1', '--cores', '2');
  let files = 0;
  const jobspec = (attributes: string): string =>
    write(
      at.folder,
      `job${++files}.yaml`,
      `{version: 1, resources: {a: {type: node, count: 1}}, tasks: [{command: ['true'], resources: a}], attributes: {${attributes}}}`,
    );
  const script = write(at.folder, 'a.sh', '#!/bin/sh\ntrue\n');
  const job = write(
    at.folder,
    'pod.yaml',
    'apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{image: ./a.sif, command: [id]}]}}}\n',
  );
  for (const given of [
    ['--image', './a.sif', '--', 'true'],
    ['--dry-run', '--image=--privileged', '--', 'true'],
    ['--image', 'a.sif', '--batch', script],
    ['--kubernetes', job],
    ['--jobspec', jobspec('user: {image: /no/such.sif}')],
    ['--jobspec', jobspec('system: {image: a.sif}')],
    ['--dry-run', '--jobspec', jobspec('system: {image: a.sif}')],
  ]) {
    const refused = await at.run(['submit', ...given]);
    expect([given, refused.code, refused.stderr]).toEqual([
      given,
      expect.any(Number),
      expect.stringContaining('is no name of an image in a registry: NAME, NAME:TAG') as string,
    ]);
    expect(refused.code).toBeGreaterThan(0);
  }
  expect((await at.run(['jobs', '--json'])).stdout).toBe('');
  // The prototype's word goes where it always went.
  expect(json(await at.run(['submit', '--json', '--jobspec', jobspec('image: ./a.sif')]))).toMatchObject({
    cluster: 'red',
  });
});
