/** `rainbow graph nfd` and what can be asked with it, on the examples of docs/images.md. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readCompatibility } from '../../src/core/image/read.ts';
import { json, rainbow, root } from './command-line.ts';

const examples = join(root, 'examples', 'images');
const graph = join(examples, 'cluster.json');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rainbow-test-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('the example is what the command makes of its files', async () => {
  const out = join(folder, 'nfd.json');
  const made = await rainbow(['graph', 'nfd', '--graph', graph, join(examples, 'features.yaml'), '-o', out, '--json']);
  expect(json(made)).toEqual({ file: out, kinds: 2, unknown: [] });
  expect(await readFile(out, 'utf8')).toBe(await readFile(join(examples, 'nfd.json'), 'utf8'));
  expect(readCompatibility(await readFile(join(examples, 'avx512.yaml'), 'utf8'), 'example').sets).toHaveLength(2);
});

test('only the node that is good for the image counts, and a no says what is missing', async () => {
  const two = join(folder, 'two.yaml');
  const one = join(examples, 'job.yaml');
  await writeFile(two, (await readFile(one, 'utf8')).replace('count: 1, with', 'count: 2, with'));
  const outcome = await rainbow([
    'match',
    '--graph',
    graph,
    '--subsystem',
    `nfd=${join(examples, 'nfd.json')}`,
    one,
    two,
  ]);
  expect(outcome.stdout).toContain(`${one}: yes`);
  expect(outcome.stdout).toContain(
    'no: 1 of 2 nodes has what the image needs (cpu.cpuid AVX512F Exists: not on 1 of 2)',
  );
});

test('a file that does not say its node needs one; a node that is not there is an error', async () => {
  const file = join(folder, 'features.d');
  await writeFile(file, 'fast=true\n');
  expect(await rainbow(['graph', 'nfd', '--graph', graph, file])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`NODE=${file}`) as string,
  });
  expect(await rainbow(['graph', 'nfd', '--graph', graph, `nobody=${file}`])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no node of the resource graph') as string,
  });
  const made = await rainbow(['graph', 'nfd', '--graph', graph, `node1=${file}`]);
  expect(made.stdout).toContain('"local.feature":{"fast":"true"}');
  expect(made.stderr).toContain('nothing is known of 1 node: node0');
});
