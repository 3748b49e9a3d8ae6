import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { ClusterSchema } from '../gen/rainbow/v1/clusters_pb.js';
import { CandidateSchema, Fits } from '../gen/rainbow/v1/job_pb.js';
import { nativeLines, nativeRenderings, serving } from './native-renderings.ts';

const JOB = `version: 1
resources: [{type: slot, count: 1, label: task, with: [{type: core, count: 1}]}]
tasks: [{command: [a], slot: task, count: {per_slot: 1}}]
`;

async function lines(jobspec: string): Promise<readonly string[]> {
  const names = ['plain', 'other', 'slurm'];
  const candidates = names.map((cluster) => create(CandidateSchema, { cluster, satisfiable: Fits.YES }));
  const clusters = names.map((name) => create(ClusterSchema, { name, runner: name === 'slurm' ? 'slurm' : 'process' }));
  return (await nativeRenderings(jobspec, candidates, clusters)).flatMap(nativeLines);
}

test('clusters that take jobspecs as they are say nothing, but what a job has for another kind alone', async () => {
  expect((await lines(JOB)).join('\n')).toMatch(/^on slurm \(slurm\):\n {2}sbatch\n/);
  const licensed = `${JOB}attributes: {rainbow: {slurm: {licenses: 'a:1'}}}\n`;
  expect((await lines(licensed)).slice(0, 3)).toEqual([
    'on plain, other (process):',
    '  would be lost: --licenses=a:1 of sbatch (no licence is reserved)',
    '  so it is not placed there, unless you say --allow-lossy',
  ]);
});

test('where nobody is there to start a job is said: an agent that is away, and a cluster that nobody has served', async () => {
  const at = { seconds: 60n, nanos: 0 };
  const clusters = [
    create(ClusterSchema, { name: 'here', runner: 'process', connected: true }),
    create(ClusterSchema, { name: 'away', runner: 'process', lastSeenAt: at }),
    create(ClusterSchema, { name: 'new' }),
    create(ClusterSchema, { name: 'polls', lastSeenAt: at }),
  ];
  const candidates = clusters.map(({ name }) => create(CandidateSchema, { cluster: name, satisfiable: Fits.YES }));
  const { absent } = await serving(JOB, candidates, clusters, 0);
  expect([...absent]).toEqual([
    ['away', 'its agent is back (it is not connected: last heard 1970-01-01T00:01:00.000Z)'],
    ['new', 'an agent is there (none has come yet)'],
  ]);
});

test('a cluster that nobody has served comes after one whose agent is there, and after that one alone', async () => {
  const clusters = [
    create(ClusterSchema, { name: 'here', runner: 'process', connected: true }),
    create(ClusterSchema, { name: 'away', runner: 'process', lastSeenAt: { seconds: 60n, nanos: 0 } }),
    create(ClusterSchema, { name: 'new' }),
    create(ClusterSchema, { name: 'polls', lastSeenAt: { seconds: 60n, nanos: 0 } }),
  ];
  const barredAmong = async (...names: string[]): Promise<readonly string[]> => {
    const candidates = names.map((cluster) => create(CandidateSchema, { cluster, satisfiable: Fits.YES }));
    return [...(await serving(JOB, candidates, clusters, 0)).barred].map((each) => each.join(' '));
  };
  expect(await barredAmong('here', 'away', 'new', 'polls')).toEqual([
    'new nobody has called in for it yet, and another that fits has an agent',
  ]);
  expect(await barredAmong('away', 'new', 'polls')).toEqual([]);
});
