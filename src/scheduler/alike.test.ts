/** Many clusters that look alike cost one question, and each gets the answer that it would get alone. */
import { expect, test } from 'vitest';
import { readJobspec } from '../core/jobspec/read.ts';
import { createMatcher } from '../core/match/create.ts';
import { generateGraph } from '../core/graph/generate.ts';
import { readGraph } from '../core/graph/read.ts';
import { openRig, type Rig } from './testing/rig.ts';

const looks = [
  { nodes: 1, cores: 4 },
  { nodes: 2, cores: 8 },
  { nodes: 3, cores: 12 },
];

/** Up to that many. */
async function fill(rig: Rig, clusters: number): Promise<string[]> {
  const names = rig.scheduler.registry.list().map(({ name }) => name);
  for (let i = names.length; i < clusters; i++) {
    const { nodes, cores } = looks[i % looks.length] as (typeof looks)[number];
    names.push(`c${i}`);
    await rig.cluster(`c${i}`, nodes, cores);
  }
  return names;
}

function jobspec(nodes: number, cores: number) {
  const slot = { type: 'slot', count: 1, label: 'task', with: [{ type: 'core', count: cores }] };
  return readJobspec(
    JSON.stringify({
      version: 1,
      resources: [{ type: 'node', count: nodes, with: [slot] }],
      tasks: [{ command: ['app'], slot: 'task', count: { per_slot: 1 } }],
      attributes: { system: { duration: 60 } },
    }),
    { format: 'json' },
  );
}

/** Verdicts that `work` made the matcher work out. */
function answers(rig: Rig, work: () => unknown): number {
  const before = rig.matcher.answered;
  work();
  return rig.matcher.answered - before;
}

test('sixty clusters of three looks cost three questions, and six hundred no more', async () => {
  const rig = await openRig();
  for (const clusters of [60, 600]) {
    const names = await fill(rig, clusters);
    const asked = jobspec(2, 8);
    expect(answers(rig, () => rig.scheduler.match(asked, names))).toBe(3);
    // What nobody has changed is not asked again.
    expect(answers(rig, () => rig.scheduler.match(asked, names))).toBe(0);
  }
  await rig.close();
});

test('a cluster that changes is asked again, alone; one that looks like another is not asked', async () => {
  const rig = await openRig();
  const names = await fill(rig, 60);
  const asked = jobspec(2, 8);
  rig.scheduler.match(asked, names);
  const witness = rig.matcher.place('c1', jobspec(1, 8).request, 'free');
  rig.matcher.debit('c1', 'job', witness!);
  expect(answers(rig, () => rig.scheduler.match(asked, names))).toBe(1);
  rig.matcher.credit('c1', 'job');
  expect(answers(rig, () => rig.scheduler.match(asked, names))).toBe(0);
  await rig.cluster('late', 3, 12);
  expect(answers(rig, () => rig.scheduler.match(asked, [...names, 'late']))).toBe(0);
  await rig.cluster('other', 4, 12);
  expect(answers(rig, () => rig.scheduler.match(asked, [...names, 'late', 'other']))).toBe(1);
  await rig.close();
});

test('each gets the verdict and the reasons that it would get alone, one object for those that look alike', async () => {
  const rig = await openRig();
  const names = await fill(rig, 30);
  const witness = rig.matcher.place('c2', jobspec(3, 12).request, 'free');
  rig.matcher.debit('c2', 'job', witness!);
  const asked = jobspec(2, 9);
  const results = rig.scheduler.match(asked, names);
  for (const [i, result] of results.entries()) {
    const { nodes, cores } = looks[i % looks.length] as (typeof looks)[number];
    const alone = createMatcher();
    alone.setCluster('alone', readGraph(generateGraph({ name: names[i] as string, nodes, coresPerNode: cores })), []);
    if (names[i] === 'c2') alone.debit('alone', 'job', witness!);
    const satisfiable = alone.satisfiable('alone', asked.request);
    const startable = satisfiable.fits === 'yes' ? alone.startable('alone', asked.request) : satisfiable;
    expect([result.satisfiable.fits, result.satisfiable.reasons]).toEqual([satisfiable.fits, satisfiable.reasons]);
    expect([result.startable.fits, result.startable.reasons]).toEqual([startable.fits, startable.reasons]);
  }
  expect(results[2]?.startable.fits).toBe('no');
  expect(results[5]?.startable.fits).toBe('yes');
  expect(results[0]?.satisfiable).toBe(results[3]?.satisfiable);
  expect(results[0]?.satisfiable.reasons).not.toEqual([]);
  await rig.close();
});

test('a constraint that names nodes is asked of every cluster', async () => {
  const rig = await openRig();
  const names = await fill(rig, 30);
  const base = jobspec(1, 1);
  const constraint = { op: 'hostlist', values: ['c3-node[0-9]', 'c30', 'c3'] } as const;
  const asked = { ...base, request: { ...base.request, constraint } };
  const fitting = rig.scheduler.match(asked, names).filter(({ satisfiable }) => satisfiable.fits === 'yes');
  expect(answers(rig, () => rig.scheduler.match(asked, names))).toBe(names.length + fitting.length);
  await rig.close();
});
