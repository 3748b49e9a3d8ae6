/** However much an agent sends, the store takes a bounded part of it. */
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OutputChunkSchema, OutputStream, type OutputChunk } from '../../gen/rainbow/v1/jobs_pb.js';
import { openRig, type Rig } from '../../scheduler/testing/rig.ts';
import { keepOutput, type OutputKeeper } from './keep-output.ts';

const CAP = 10;

let rig: Rig;
let id: string;
beforeEach(async () => {
  rig = await openRig();
  await rig.cluster('K');
  ({ id } = (await rig.submit({})).job);
});
afterEach(() => rig.close());

function keeper(): OutputKeeper {
  const cluster = rig.scheduler.registry.get('K');
  if (cluster === null) throw new Error('there is no cluster K');
  return keepOutput(rig.store, cluster, CAP);
}

function chunk(task: number, text: string, offset = 0, stream = OutputStream.STDOUT): OutputChunk {
  return create(OutputChunkSchema, { task, stream, offset: String(offset), data: Buffer.from(text) });
}

const keep = (to: OutputKeeper, ...chunks: OutputChunk[]) => to.keep(id, 1, chunks, 1_000);

async function stored(): Promise<{ bytes: number; texts: string[] }> {
  const { chunks } = await rig.store.output.read(id, 1, 0, 10_000);
  return {
    bytes: chunks.reduce((sum, { data }) => sum + data.byteLength, 0),
    texts: chunks.map(({ task, data }) => `${task}:${Buffer.from(data).toString()}`),
  };
}

test('all tasks together have 64 caps; what is over that is dropped and acknowledged', async () => {
  const output = keeper();
  for (let task = 0; task < 70; task++) {
    expect(await keep(output, chunk(task, 'x'.repeat(9)))).toEqual([
      { task, stream: OutputStream.STDOUT, offset: '9' },
    ]);
  }
  expect((await stored()).bytes).toBe(630);
  expect(await keep(output, chunk(70, 'y'.repeat(9)))).toHaveLength(1);
  expect(await keep(output, chunk(71, 'abcdefghi'), chunk(0, 'z', 9))).toHaveLength(2);
  expect((await stored()).bytes).toBe(640);
  expect((await stored()).texts.filter((text) => text.startsWith('71:'))).toEqual(['71:a']);
});

test('repeats cost nothing; each stream has a cap of its own, half of it for the end', async () => {
  const output = keeper();
  for (let round = 0; round < 100; round++) await keep(output, chunk(0, 'abcdefgh'), chunk(0, 'ghijklmn', 6));
  expect((await stored()).texts.map((text) => text.slice(2)).join('')).toMatch(/^abcde[a-z]*jklmn$/);
  expect((await stored()).bytes).toBeLessThanOrEqual(10 + 16);
  await keep(output, chunk(0, 'error', 0, OutputStream.STDERR), chunk(1, 'more'));
  expect((await stored()).texts.slice(-2)).toEqual(['0:error', '1:more']);
});

test('another stream of the same agent counts what is there already', async () => {
  for (let task = 0; task < 63; task++) await keep(keeper(), chunk(task, 'x'.repeat(10)));
  await keep(keeper(), chunk(100, 'y'.repeat(9)), chunk(101, 'y'.repeat(9)), chunk(102, 'y'.repeat(9)));
  expect((await stored()).bytes).toBe(640);
  await keep(keeper(), chunk(103, 'z'));
  expect((await stored()).bytes).toBe(640);
});

test('a job’s own cap counts', async () => {
  ({ id } = (await rig.submit({}, { handling: { outputCap: 100 } })).job);
  await keep(keeper(), chunk(0, 'x'.repeat(60)));
  expect((await stored()).bytes).toBe(60);
});

test('of ranks from 10,000 nothing is kept, and the agent is not asked to send it again', async () => {
  const acknowledged = await keep(keeper(), chunk(9_999, 'last'), chunk(10_000, 'over'), chunk(2_000_000_000, 'far'));
  expect(acknowledged.map(({ task, offset }) => [task, offset])).toEqual([
    [9_999, '4'],
    [10_000, '4'],
    [2_000_000_000, '3'],
  ]);
  expect((await stored()).texts).toEqual(['9999:last']);
});
