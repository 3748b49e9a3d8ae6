/**
 * Row "loading": a graph of 400,000 vertices, some 245 MB of JSON as compspec writes it, registered over the wire by a
 * client in a process of its own, and read again at a start of the server; beside JSON.parse of the same bytes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FOR_MATCHING, GraphReader } from '../../src/core/graph/read.ts';
import { createMatcher } from '../../src/core/match/create.ts';
import { atOnce } from '../../src/core/match/adopt.ts';
import { planTree } from '../../src/core/match/plan.ts';
import { serve } from '../../src/server/serve.ts';
import { realSystem } from '../../src/system/real.ts';
import { cpu, heldBytes, median } from './measure.ts';

export interface Loading {
  /** Milliseconds, medians of the rounds; ratios are medians of each round's. JSON.parse of the same bytes. */
  readonly parse: number;
  /** CPU of reading and compiling here, at once, and that over the CPU of JSON.parse. */
  readonly read: number;
  readonly readRatio: number;
  /** Time from the client's first byte to its answer, and that over the time of JSON.parse. */
  readonly registered: number;
  readonly registeredRatio: number;
  /** Start of a server that has it. */
  readonly restarted: number;
  readonly restartedRatio: number;
  /** Longest time that the server's event loop did not turn; and one that has nothing to do, just as long. */
  readonly stall: number;
  readonly restartStall: number;
  readonly idleStall: number;
  /** Kept per node, of which each has 44 vertices. */
  readonly bytesPerNode: number;
}

const NODES = 9_070;
const CORES = 36;
const GPUS = 4;
const PIECE = 1 << 20;

export async function loading(rounds = 3): Promise<Loading> {
  const folder = mkdtempSync(join(tmpdir(), 'rainbow-loading-'));
  try {
    const file = join(folder, 'graph.json');
    const vertices = writeGraph(file);
    const times: Times[] = [];
    for (let round = 0; round < rounds; round++)
      times.push(await oneRound(file, join(folder, `${round}.db`), vertices));
    const middle = (of: (times: Times) => number): number => median(times.map(of));
    return {
      parse: middle(({ parse }) => parse),
      read: middle(({ read }) => read),
      readRatio: middle(({ read, parseCpu }) => read / parseCpu),
      registered: middle(({ registered }) => registered),
      registeredRatio: middle(({ registered, parse }) => registered / parse),
      restarted: middle(({ restarted }) => restarted),
      restartedRatio: middle(({ restarted, parse }) => restarted / parse),
      stall: middle(({ stall }) => stall),
      restartStall: middle(({ restartStall }) => restartStall),
      idleStall: middle(({ idleStall }) => idleStall),
      bytesPerNode: keptPerNode(file),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Times {
  readonly parse: number;
  readonly parseCpu: number;
  readonly idleStall: number;
  readonly read: number;
  readonly registered: number;
  readonly restarted: number;
  readonly stall: number;
  readonly restartStall: number;
}

async function oneRound(file: string, database: string, vertices: number): Promise<Times> {
  const { parse, parseCpu } = parseHere(file);
  const read = readHere(file);
  const options = { host: '127.0.0.1:0', database, version: '0', secret: 'loading', logLevel: 'silent' } as const;
  let server = await serve(options, realSystem);
  const client = spawn(process.execPath, [join(import.meta.dirname, 'register.ts'), server.address, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  client.stdout.on('data', (data: Buffer) => (said += data.toString()));
  const watched = watch();
  const [code] = (await once(client, 'exit')) as [number];
  const stall = watched();
  const answer = JSON.parse(said) as { ms: number; vertices: number };
  if (code !== 0 || answer.vertices !== vertices) throw new Error(`it was not registered: ${said}`);
  await server.stop();

  const again = watch();
  const start = performance.now();
  server = await serve(options, realSystem);
  const restarted = performance.now() - start;
  const restartStall = again();
  await server.stop();

  const idle = watch();
  await new Promise((resolve) => void setTimeout(resolve, answer.ms));
  return { parse, parseCpu, read, registered: answer.ms, restarted, stall, restartStall, idleStall: idle() };
}

/** Answers, once it is called, the longest time between two turns of the event loop. */
function watch(): () => number {
  let longest = 0;
  let last = performance.now();
  let timer = setInterval(turn, 1);
  function turn(): void {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }
  return () => {
    turn();
    clearInterval(timer);
    return longest;
  };
}

function parseHere(file: string): { parse: number; parseCpu: number } {
  const text = readFileSync(file, 'latin1');
  let parse = 0;
  const parseCpu = cpu(() => {
    const start = performance.now();
    if (Object.keys(JSON.parse(text) as object).length === 0) throw new Error('nothing was read');
    parse = performance.now() - start;
  });
  return { parse, parseCpu: parseCpu / 1_000 };
}

function readHere(file: string): number {
  const pieces = piecesOf(file);
  const matcher = createMatcher();
  const time = cpu(() => {
    const reader = new GraphReader(FOR_MATCHING);
    for (const piece of pieces) reader.push(piece);
    atOnce(matcher.load('c', planTree(reader.finish()), []));
  });
  return time / 1_000;
}

function piecesOf(file: string): string[] {
  const bytes = readFileSync(file);
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += PIECE) pieces.push(bytes.toString('latin1', at, at + PIECE));
  return pieces;
}

/** Of the second cluster of two: what is made once is there by then. */
function keptPerNode(file: string): number {
  const matcher = createMatcher();
  fill('first');
  const before = heldBytes();
  fill('second');
  return (heldBytes() - before) / NODES;

  /** A function of its own, so that nothing keeps the graph. */
  function fill(name: string): void {
    const reader = new GraphReader(FOR_MATCHING);
    for (const piece of piecesOf(file)) reader.push(piece);
    atOnce(matcher.load(name, planTree(reader.finish()), []));
    if (matcher.counts(name).find(({ type }) => type === 'node')?.total !== NODES) throw new Error('nodes are missing');
  }
}

/** As compspec writes them: both directions of every edge, indented. */
function writeGraph(file: string): number {
  const nodes: Record<string, unknown> = {};
  const edges: unknown[] = [];
  let count = 0;
  const add = (parent: { id: string; path: string } | null, type: string, number: number, rank: number, size = 1) => {
    const id = String(count++);
    const name = `${type}${number}`;
    const path = `${parent?.path ?? ''}/${name}`;
    const own = { type, basename: type, name, id: number, uniq_id: Number(id), rank, exclusive: false, unit: '', size };
    nodes[id] = { label: name, metadata: { ...own, paths: { containment: path } } };
    if (parent !== null) {
      edges.push({ source: parent.id, target: id, relation: 'contains' });
      edges.push({ source: id, target: parent.id, relation: 'in' });
    }
    return { id, path };
  };
  const root = add(null, 'cluster', 0, -1);
  let rack = root;
  for (let n = 0; n < NODES; n++) {
    if (n % 64 === 0) rack = add(root, 'rack', n / 64, -1);
    const node = add(rack, 'node', n, n);
    for (let s = 0; s < 2; s++) {
      const socket = add(node, 'socket', s, n);
      for (let c = 0; c < CORES / 2; c++) add(socket, 'core', (s * CORES) / 2 + c, n);
      for (let g = 0; g < GPUS / 2; g++) add(socket, 'gpu', (s * GPUS) / 2 + g, n);
    }
    add(node, 'memory', 0, n, 256);
  }
  const text = JSON.stringify({ graph: { directed: true, nodes, edges } }, null, 2);
  writeFileSync(file, text);
  return count;
}
