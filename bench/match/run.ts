/**
 * `npm run bench -- match`: the matcher beside its floors, rows 1, 2, 3, 5 and 13 of the performance table,
 * and what loading a large graph costs. Every
 * question is answered before its time counts, and the answers are compared with the naive peer's.
 */
import { readJobspec } from '../../src/core/jobspec/read.ts';
import type { Request } from '../../src/core/jobspec/jobspec.ts';
import { adopt, atOnce } from '../../src/core/match/adopt.ts';
import { createMatcher } from '../../src/core/match/create.ts';
import { AttributeTable } from '../../src/core/match/attributes.ts';
import { ClassTable, type Class } from '../../src/core/match/classes.ts';
import { FormTable } from '../../src/core/match/forms.ts';
import { Holding } from '../../src/core/match/holding.ts';
import type { Matcher, Witness } from '../../src/core/match/matcher.ts';
import { planTree } from '../../src/core/match/plan.ts';
import { seededRandom } from '../../src/core/random.ts';
import { decisionRows } from './decisions.ts';
import { askFluxionsQuestions } from './fluxion.ts';
import { build, plain, type NodeKind } from './graphs.ts';
import { loading } from './loading.ts';
import { cpu, heldBytes, inTurns, median } from './measure.ts';
import { endsOf, jobspecOf, naive, wantedNumber, type Wanted } from './naive.ts';
import { printReport, report, reportRounds, us } from './report.ts';

function requestOf(wanted: Wanted): Request {
  return readJobspec(jobspecOf(wanted), { format: 'json' }).request;
}

const rounds = 15;
const perRound = 110;
const wanted = Array.from({ length: (rounds + 1) * perRound }, (_, i) => wantedNumber(i));
const texts = wanted.map(jobspecOf);

/** CPU per question that was never asked before; round −1 warms the program up. */
function coldSatisfy(matcher: Matcher, requests: readonly Request[], round: number): number {
  const from = (round + 1) * perRound;
  let yes = 0;
  const time = cpu(() => {
    for (let i = from; i < from + perRound; i++)
      if (matcher.satisfiable('c', requests[i] as Request).fits === 'yes') yes++;
  });
  if (yes === 0) throw new Error('nothing fits');
  return time / perRound;
}

function parseFloor(round: number): number {
  const from = (round + 1) * perRound;
  let length = 0;
  const time = cpu(() => {
    for (let i = from; i < from + perRound; i++) length += Object.keys(JSON.parse(texts[i] as string) as object).length;
  });
  if (length === 0) throw new Error('nothing was read');
  return time / perRound;
}

// Rows 1, 5 and 13: equal nodes, from a hundred to a hundred thousand, asked in turns.
{
  const requests = wanted.map(requestOf);
  const small = createMatcher();
  fill(small, 100);
  const large = createMatcher();
  const before = heldBytes();
  const built = cpu(() => fill(large, 100_000));
  const kept = (heldBytes() - before) / 100_000;
  const again = wanted.map(requestOf);
  // The program itself is warm before anything counts; the questions are not.
  for (let i = 0; i < 5; i++) {
    const other = createMatcher();
    fill(other, 64);
    const copies = wanted.map(requestOf);
    for (let round = -1; round < rounds; round++) coldSatisfy(other, copies, round);
  }
  coldSatisfy(small, again, -1);
  coldSatisfy(large, requests, -1);
  parseFloor(-1);
  const [onLargeRounds, onSmallRounds, floors] = inTurns(rounds, [
    (round) => coldSatisfy(large, requests, round),
    (round) => coldSatisfy(small, again, round),
    parseFloor,
  ]) as [number[], number[], number[]];
  const onLarge = median(onLargeRounds);
  const slow = naiveSearch(large, 100_000);
  reportRounds('1 flat', onLargeRounds, onSmallRounds);
  reportRounds('1 floor', onLargeRounds, floors);
  report('1 naive', us(onLarge), us(slow), slow / onLarge);
  const floorBytes = 4 + 'node99999'.length;
  report('5 floor', `${kept.toFixed(1)} bytes`, `${floorBytes} bytes`, kept / floorBytes);
  for (let i = 0; i < 10; i++) [small, large].map(oneChange);
  const changes = inTurns(2 * rounds, [() => oneChange(large), () => oneChange(small)]) as [number[], number[]];
  const changeLarge = median(changes[0]);
  reportRounds('13 flat', ...changes);
  report('13 rebuild', us(changeLarge), us(built), built / changeLarge);
}

/** In a function of its own, so that nothing keeps the graph. */
function fill(matcher: Matcher, nodes: number): void {
  matcher.setCluster(
    'c',
    build([plain], nodes, () => 0),
    [],
  );
}

/** CPU of one question to the naive peer, whose answer must be the matcher's. */
function naiveSearch(matcher: Matcher, nodes: number): number {
  const graph = build([plain], nodes, () => 0);
  const ends = endsOf(graph);
  const request = { racks: 1, nodes: 64, slots: 8, cores: 8, gpus: 1 };
  let fits = false;
  const time = cpu(() => {
    fits = naive(graph, ends, request);
  });
  if (matcher.satisfiable('c', requestOf(request)).fits !== (fits ? 'yes' : 'no'))
    throw new Error('the peer disagrees');
  return time;
}

/** CPU of: one node taken, the question asked again, the node given back. */
function oneChange(matcher: Matcher): number {
  const request = requestOf({ racks: 1, nodes: 1, slots: 1, cores: 64, gpus: 8 });
  const witness = matcher.place('c', request, 'free') as Witness;
  const question = requestOf({ racks: 1, nodes: 4, slots: 2, cores: 8, gpus: 1 });
  const times = 50;
  let yes = 0;
  const time = cpu(() => {
    for (let i = 0; i < times; i++) {
      matcher.debit('c', `job ${i}`, witness);
      if (matcher.startable('c', question).fits === 'yes') yes++;
      matcher.credit('c', `job ${i}`);
    }
  });
  if (yes !== times) throw new Error('it does not fit any more');
  return time / times / 2;
}

// Row 2: many kinds of node.
{
  const random = seededRandom('kinds');
  const kinds: NodeKind[] = Array.from({ length: 160 }, () => ({
    sockets: 1 + random.below(2),
    cores: 8 + random.below(25),
    gpus: 1 + random.below(4),
  }));
  const graph = build(kinds, 100_000, () => random.below(160));
  const attributes = new AttributeTable();
  const classes = new ClassTable();
  const tables = { attributes, classes, forms: new FormTable(classes) };
  const tree = atOnce(adopt(tables, planTree(graph), { owns: [], forms: [] }));
  const root = new Holding(tables, tree).full.root as Class;
  const edges = edgesOf(root);
  const matcher = createMatcher();
  matcher.setCluster('c', graph, []);
  const requests = wanted.map(requestOf);
  const look = new Map(edges.map((cls, i) => [cls, i]));
  coldSatisfy(matcher, requests, -1);
  const times = inTurns(rounds, [
    (round) => coldSatisfy(matcher, requests, round),
    () => {
      let sum = 0;
      const time = cpu(() => {
        for (let i = 0; i < perRound; i++) for (const cls of edges) sum += look.get(cls) as number;
      });
      if (sum === 0) throw new Error('nothing was looked up');
      return time / perRound;
    },
  ]);
  const [system, floors] = times as [number[], number[]];
  reportRounds('2 floor', system, floors, `, ${edges.length} edges`);
}

function edgesOf(root: Class): Class[] {
  const seen = new Set([root]);
  const edges: Class[] = [];
  for (const cls of seen) {
    for (const kid of cls.kids) {
      edges.push(kid);
      seen.add(kid);
    }
  }
  return edges;
}

// Row 3: many clusters of few shapes.
{
  const shapes = Array.from({ length: 200 }, (_, i) => {
    const graph = build([{ sockets: 1, cores: 4 + (i % 20), gpus: 1 + (i % 4) }], 6 + 6 * Math.floor(i / 20), () => 0);
    return { graph, ends: endsOf(graph) };
  });
  const matcherOf = (clusters: number): Matcher => {
    const matcher = createMatcher();
    for (let i = 0; i < clusters; i++)
      matcher.setCluster(`cluster${i}`, (shapes[i % 200] as { graph: ReturnType<typeof build> }).graph, []);
    return matcher;
  };
  const [many, few] = [matcherOf(10_000), matcherOf(1_000)];
  const copies = [wanted.map(requestOf), wanted.map(requestOf)] as const;
  const each = 20;
  const warming = 25;
  /** Which of the even numbers are asked in a round: those of one rack. */
  const asked = (round: number): number[] => Array.from({ length: each }, (_, i) => ((round + warming) * each + i) * 2);
  /** Which looks satisfy; the names of their clusters are there, and are written out as the floor below. */
  const satisfying = (matcher: Matcher, requests: readonly Request[], round: number): number => {
    let looks = 0;
    const time = cpu(() => {
      for (const i of asked(round)) looks += matcher.satisfying(requests[i] as Request).alike.length;
    });
    if (looks === 0) throw new Error('nothing satisfies');
    return time / each;
  };
  const loop = (round: number): number => {
    const counts = asked(round).slice(0, 2);
    let found = 0;
    const time = cpu(() => {
      for (const at of counts) {
        const one = { ...(wanted[at] as Wanted), racks: 1 };
        for (let i = 0; i < 10_000; i++) {
          const { graph, ends } = shapes[i % 200] as (typeof shapes)[number];
          if (naive(graph, ends, one)) found++;
        }
      }
    });
    const told = counts.reduce((sum, at) => sum + many.satisfying(copies[0][at] as Request).yes.length, 0);
    if (found !== told) throw new Error(`the naive peer finds ${found}, the matcher ${told}`);
    return time / counts.length;
  };
  for (let round = -warming; round < 0; round++)
    [many, few].forEach((matcher, i) => satisfying(matcher, copies[i]!, round));
  const [onMany, onFew, loops] = inTurns(rounds, [
    (round) => satisfying(many, copies[0], round),
    (round) => satisfying(few, copies[1], round),
    loop,
  ]) as [number[], number[], number[]];
  const known = inTurns(rounds, [
    (round) => cpu(() => asked(round).forEach((i) => many.satisfying(copies[0][i] as Request))) / each,
    (round) => {
      const names = asked(round).map((i) => many.satisfying(copies[0][i] as Request).alike);
      return cpu(() => names.forEach((alike) => alike.flat())) / each;
    },
  ]) as [number[], number[]];
  reportRounds('3 floor', ...known);
  reportRounds('3 loop', loops, onMany);
  reportRounds('3 flat', onMany, onFew);
}

await decisionRows(rounds);

// Loading: a graph of 400,000 vertices over the wire.
{
  const found = await loading();
  const ms = (milliseconds: number): string => `${milliseconds.toFixed(0)} ms`;
  const { parse, idleStall } = found;
  report('loading read', `${ms(found.read)} CPU`, ms(parse), found.readRatio);
  report('loading wire', ms(found.registered), ms(parse), found.registeredRatio);
  report('loading restart', ms(found.restarted), ms(parse), found.restartedRatio);
  report('loading stall', ms(found.stall), `idle: ${ms(idleStall)}`, found.stall);
  report('loading restart stall', ms(found.restartStall), `idle: ${ms(idleStall)}`, found.restartStall);
  report('loading bytes', `${found.bytesPerNode.toFixed(1)} bytes`, '', found.bytesPerNode);
}

printReport();
askFluxionsQuestions();
