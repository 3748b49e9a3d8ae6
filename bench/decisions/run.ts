/**
 * `npm run bench -- decisions [COUNT]`: row 4 of the performance table. A decision is: read the call, authenticate its
 * user key and the token of a group, read the jobspec (64 shapes, known by their text after the first), match it with the
 * group's clusters, full and free, select. Floor: read the call, SHA-256 and HMAC of it. In turns, by CPU time; the choice
 * is checked before a time counts. Not included: storing it, and the wire.
 */
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from '../../src/cli/table.ts';
import { createMatcher } from '../../src/core/match/create.ts';
import { Roster } from '../../src/core/roster.ts';
import { policyNamed } from '../../src/core/select/policies.ts';
import { createJobspecs } from '../../src/scheduler/jobspecs.ts';
import { createAuthenticator } from '../../src/server/authenticate.ts';
import { hashSecret } from '../../src/server/secrets.ts';
import { build, plain } from '../match/graphs.ts';
import { cpu, inTurns, median } from '../match/measure.ts';
import { jobspecOf, wantedNumber } from '../match/naive.ts';

const SHAPES = 64;
const ROUNDS = 10;
const CLUSTERS = [1, 8, 64];
/** Jobs outstanding at a cluster at most. */
const QUEUED = 100;
const count = Number(process.argv[2] ?? 1_000_000);
const perRound = Math.max(SHAPES, Math.round(count / ROUNDS / CLUSTERS.length));
const { limit } = (
  JSON.parse(readFileSync(join(import.meta.dirname, 'limits.json'), 'utf8')) as { decision: { limit: number } }
).decision;

const token = 'f3b7c7c2-6f3e-4a38-9d0f-5a1a4a1f6f52';
const key = `rbu_${'a'.repeat(43)}`;
const bodies = Array.from({ length: SHAPES }, (_, i) =>
  JSON.stringify({ credentials: [{ name: 'all', token }], jobspec: jobspecOf(wantedNumber(i)), priority: 16 }),
);
interface Body {
  readonly credentials: readonly { readonly name: string; readonly token: string }[];
  readonly jobspec: string;
  readonly priority: number;
}

function floor(): number {
  let bytes = 0;
  const time = cpu(() => {
    for (let i = 0; i < perRound; i++) {
      const body = bodies[i % SHAPES]!;
      bytes += (JSON.parse(body) as Body).jobspec.length;
      bytes += createHash('sha256').update(body).digest().length;
      bytes += createHmac('sha256', token).update(body).digest().length;
    }
  });
  if (bytes === 0) throw new Error('nothing was read');
  return time / perRound;
}

function prepare(clusters: number) {
  const names = Array.from({ length: clusters }, (_, i) => `cluster${String(i).padStart(2, '0')}`);
  const matcher = createMatcher();
  for (const [i, name] of names.entries()) {
    // As many racks as any shape asks for; every other cluster with other nodes.
    matcher.setCluster(
      name,
      build([plain, { ...plain, gpus: 8 }], 256, () => i % 2),
      [],
    );
  }
  const roster = new Roster();
  const take = (cluster: string, queued: number): void => {
    const state = { rainbow_queued: queued, rainbow_free_node: 256 };
    queues.set(cluster, queued);
    roster.set({ cluster, state, roots: matcher.roots(cluster) });
  };
  const queues = new Map<string, number>();
  names.forEach(take);
  const jobspecs = createJobspecs();
  const group = { name: 'all', tokenHash: hashSecret(token), clusters: names };
  const authenticator = createAuthenticator({
    registry: { get: () => null, findAll: () => Promise.resolve() },
    groups: { get: () => Promise.resolve(group as never) },
    clock: { now: Date.now, monotonic: () => performance.now() },
    secretHash: hashSecret('the server'),
  });
  const call = {
    metadata: (name: string) => (name === 'authorization' ? `Bearer ${key}` : null),
    signal: new AbortController().signal,
    onAbort: () => undefined,
    peer: '127.0.0.1',
  };
  const select = policyNamed('least-loaded').compile({});

  return async (body: string, seed: string) => {
    const { credentials, jobspec: text } = JSON.parse(body) as Body;
    authenticator.person(call);
    const opened = await authenticator.credentials(credentials, call);
    const { jobspec } = jobspecs.read({ jobspec: text, image: null });
    if (jobspec === null) throw new Error('the jobspec does not read');
    const { request } = jobspec;
    if (opened.clusters.length !== clusters) throw new Error('the token opens something else');
    const { of } = matcher.asking(request);
    const picked = roster.decide({ ask: of!, select, seed });
    const chosen = picked?.decided.chosen;
    if (chosen === null || chosen === undefined) throw new Error('no cluster was chosen');
    // What was chosen stands differently before the next decision.
    take(chosen, (queues.get(chosen)! + 1) % QUEUED);
    return picked!.decided;
  };
}

const lines: string[][] = [];
for (const clusters of CLUSTERS) {
  const one = prepare(clusters);
  const decisions = async (round: number): Promise<number> => {
    let assigned = 0;
    const before = process.cpuUsage();
    for (let i = 0; i < perRound; i++) {
      const { outcome } = await one(bodies[i % SHAPES]!, String(round * perRound + i));
      if (outcome === 'assigned') assigned++;
    }
    const { user, system } = process.cpuUsage(before);
    if (assigned < perRound / 2) throw new Error(`only ${assigned} of ${perRound} were assigned`);
    return (user + system) / perRound;
  };
  await decisions(-1);
  floor();
  const times: number[] = [];
  const floors: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    times.push(await decisions(round));
    floors.push(...inTurns(1, [floor])[0]!);
  }
  const ratios = times.map((time, i) => floors[i]! / time).sort((a, b) => a - b);
  const ratio = median(ratios);
  lines.push([
    `${clusters} cluster${clusters === 1 ? '' : 's'}`,
    `${median(times).toFixed(2)} µs`,
    `${median(floors).toFixed(2)} µs`,
    `${ratio.toFixed(2)} (${ratios[0]!.toFixed(2)} to ${ratios.at(-1)!.toFixed(2)})`,
    `≥ ${limit}`,
    ratio >= limit ? 'met' : 'missed',
  ]);
}
console.log(`${perRound * ROUNDS} decisions each, ${SHAPES} shapes`);
console.log(
  table(
    ['a decision over', 'CPU', 'floor', 'rate over the floor’s (spread)', 'goal', ''].map((title, i) => ({
      title,
      cell: (line: readonly string[]) => line[i] ?? '',
    })),
    lines,
    (text) => text,
  ),
);
