/**
 * Jobspecs of others, read as they are: Fluxion's test suite and the prototype's examples. They lie beside the
 * repository, not in it; where they are absent these tests are reported as skipped.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readJobspec } from './read.ts';

const data = fileURLToPath(new URL('../../../../shared/data/', import.meta.url));
const fluxion = join(data, 'fluxion');
const prototype = join(data, 'prototype');

describe.skipIf(!existsSync(fluxion))('Fluxion’s jobspecs', () => {
  test('every one that has a verdict is read', () => {
    const lines = readFileSync(join(fluxion, 'cases.tsv'), 'utf8').trim().split('\n');
    const names = [...new Set(lines.map((line) => line.split('\t')[1]!))];
    expect(names.length).toBeGreaterThan(100);
    const empty = names.filter((name) => {
      const jobspec = readJobspec(readFileSync(join(fluxion, 'jobspecs', name), 'utf8'));
      return jobspec.request.groups[0]!.vertices.length === 0 || jobspec.tasks.length === 0;
    });
    expect(empty).toEqual([]);
  });
});

describe.skipIf(!existsSync(prototype))('the prototype’s jobspecs', () => {
  test.each([
    ['scheduler/jobspec-io.yaml', 'io'],
    ['scheduler/jobspec-constraint.yaml', null],
    ['match-algorithms/range/jobspec-valid-range.yaml', 'spack'],
    ['match-algorithms/range/jobspec-invalid-range.yaml', 'spack'],
  ])('%s', (name, subsystem) => {
    const jobspec = readJobspec(readFileSync(join(prototype, name), 'utf8'));
    expect(jobspec).toMatchObject({ dialect: 'nextgen', tasks: [{ command: ['ior'] }] });
    const vertex = jobspec.request.groups[0]!.vertices[0]!;
    expect(vertex.requires[0]?.subsystem ?? null).toBe(subsystem);
    expect(vertex).toMatchObject({ type: 'node', with: [{ type: 'core', count: { min: 2 } }] });
  });
});
