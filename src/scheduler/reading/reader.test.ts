/** What a thread reads is what is read at once; and a source that fails takes its thread along. */
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { generateGraph } from '../../core/graph/generate.ts';
import type { Subsystem } from '../../core/graph/graph.ts';
import { idAt } from '../../core/match/ids.ts';
import { createMatcher } from '../../core/match/create.ts';
import { realSystem } from '../../system/real.ts';
import { simulatedSystem } from '../../system/simulated.ts';
import type { Document } from '../../store/store.ts';
import { PIECE, packPiece, textOf, unpackPiece } from './pack.ts';
import { createReading, type Reading } from './reader.ts';

const here = createReading(realSystem, { small: Infinity });
const inThread = createReading(realSystem, { small: 0 });
const text = generateGraph({ name: 'ü', racks: 2, nodes: 40, socketsPerNode: 2, coresPerNode: 8, memoryGiBPerNode: 7 });

async function* cut(whole: string, length: number): AsyncGenerator<string> {
  for (let at = 0; at < whole.length; at += length) yield whole.slice(at, at + length);
}

async function wholeOf(document: Document): Promise<string> {
  return (await Promise.all((document as Uint8Array[]).map(unpackPiece))).map(textOf).join('');
}

async function* packed(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield packPiece(piece);
}

/** What does not depend on who made it. */
function plain(subsystem: Subsystem): unknown {
  const { name, size, links, children } = subsystem;
  return { name, size, links, children, vertices: children.map((_, vertex) => subsystem.metadata(vertex)) };
}

async function refusal(reading: Reading, document: string): Promise<unknown> {
  return reading.graph(document).then(
    () => 'it was taken',
    ({ code, message, place }: { code: string; message: string; place: string }) => ({ code, message, place }),
  );
}

describe('a thread', () => {
  test('reads a graph as it is read here, however it is cut, and hands it back to be stored', async () => {
    const { plan, counts, document } = await here.graph(text);
    expect(document).toBe(text);
    for (const length of [97, 5_000, text.length]) {
      const read = await inThread.graph(cut(text, length));
      expect(read.plan).toEqual(plan);
      expect(read.counts).toEqual(counts);
      expect(await wholeOf(read.document)).toBe(text);
    }
    const stored = (await inThread.graph(text)).document;
    expect((await inThread.graph(stored)).plan).toEqual(plan);
    const matcher = createMatcher();
    for (const _ of matcher.load('c', plan, []));
    const byType = (a: { readonly type: string }, b: { readonly type: string }): number => (a.type < b.type ? -1 : 1);
    const all = counts.map((count) => ({ ...count, free: count.total }));
    expect(matcher.counts('c').toSorted(byType)).toEqual(all.toSorted(byType));
    expect(matcher.vertexId('c', 7)).toBe(idAt(plan.ids, 7));
  });

  test('reads a subsystem as it is read here', async () => {
    const { plan } = await here.graph(text);
    const nodes = Object.fromEntries(
      Array.from({ length: 700 }, (_, i) => [`s${i}`, { metadata: { type: 'io', name: `io-${i % 3}`, size: i } }]),
    );
    const edges = Array.from({ length: 700 }, (_, i) => ({
      source: i < 400 ? String(i) : `s${i - 400}`,
      target: `s${i}`,
      relation: 'contains',
    }));
    const subsystem = JSON.stringify({ graph: { edges, nodes } });
    const expected = await here.subsystem('io', subsystem, plan.ids);
    const read = await inThread.subsystem('io', subsystem, plan.ids);
    expect(read.subsystem).toMatchObject({ name: 'io', size: 700 });
    expect(plain(read.subsystem)).toEqual(plain(expected.subsystem));
  });

  test.each([
    ['no JSON', text.replace('"40"', '40')],
    ['an end too early', text.slice(0, -5)],
    ['an edge to nowhere', text.replace('"target":"9"', '"target":"none"')],
    ['a size that is none', text.replace('"size":7', '"size":-7')],
    ['nothing', ''],
  ])('refuses as here: %s', async (_, document) => {
    const refused = await refusal(here, document);
    expect(refused).toMatchObject({ code: 'invalid_input', place: expect.any(String) });
    expect(await refusal(inThread, document)).toEqual(refused);
  });

  test('takes pieces that come packed, of any size, and text between them', async () => {
    const { plan } = await here.graph(text);
    const long = text.replace('"name":"ü"', `"name":"${'ü'.repeat(PIECE)}"`);
    for (const [whole, length] of [
      [text, 700],
      [long, PIECE],
    ] as const) {
      const mixed = async function* (): AsyncGenerator<string | Uint8Array> {
        let count = 0;
        for await (const piece of cut(whole, length)) yield count++ % 3 === 1 ? piece : packPiece(piece);
      };
      const read = await inThread.graph(mixed());
      expect(read.plan.ids).toEqual(plan.ids);
      expect((await wholeOf(read.document)) === whole).toBe(true);
    }
    // A stored piece is at least half of one: none is kept as small as it came.
    const stored = (await inThread.graph(packed(cut(text, 700)))).document;
    expect(stored).toHaveLength(Math.ceil(text.length / PIECE));
  });

  test.each([
    ['no frame', Buffer.from('{"graph": {}}'), 'invalid_input'],
    ['a frame of too much', zstdCompressSync(Buffer.alloc(8 << 20, ' ')), 'invalid_input'],
    ['half a character', zstdCompressSync(Buffer.from('ü').subarray(0, 1)), 'invalid_input'],
    ['more in all than is taken', packPiece(' '.repeat(2 << 20)), 'resource_exhausted'],
  ])('refuses a packed piece: %s', async (_, piece, code) => {
    const reading = createReading(realSystem, { longest: PIECE });
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield piece;
    };
    await expect(reading.graph(source())).rejects.toMatchObject({ code, place: expect.stringContaining('graph') });
  });

  test('a source that fails, and a stop, end what is under way', async () => {
    const broken = async function* (): AsyncGenerator<string> {
      yield text;
      throw new Error('the caller has left');
    };
    await expect(inThread.graph(broken())).rejects.toThrow('the caller has left');
    const stalled = async function* (): AsyncGenerator<string> {
      yield text;
      await new Promise(() => undefined);
    };
    const reading = createReading(realSystem, { small: 0 });
    // Two have a thread each, the third waits for one.
    const waiting = [0, 1, 2].map(() => reading.graph(stalled()));
    const ends = Promise.allSettled(waiting);
    await reading.stop();
    for (const end of await ends) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
  });

  test('a source that stalls, or says hardly anything, gives up its thread', async () => {
    const system = simulatedSystem();
    const reading = createReading(system);
    const stalled = async function* (): AsyncGenerator<Uint8Array> {
      yield packPiece('{"graph":');
      await new Promise(() => undefined);
    };
    const drop = packPiece(' ');
    const dripping = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) {
        yield drop;
        await new Promise<void>((resolve) => void system.timers.after(5_000, resolve));
      }
    };
    // More than there are threads: the last waits for one.
    const ends = Promise.allSettled([reading.graph(stalled()), reading.graph(dripping())]);
    const last = reading.graph(packed(cut(text, 5_000)));
    await system.advance(30_000);
    for (const end of await ends) {
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'deadline_exceeded', place: 'graph' } });
    }
    expect((await last).counts.length).toBeGreaterThan(0);
    await reading.stop();
  });

  test('pieces end between characters', async () => {
    const wide = text.replace('"name":"ü"', `"name":"${'𝄞'.repeat(PIECE)}"`);
    const { document } = await createReading(realSystem).graph(wide);
    expect((await wholeOf(document)) === wide).toBe(true);
  });
});
