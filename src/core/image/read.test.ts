/** Each format is read into the one model, told by its shape; what is wrong is an error with its place. */
import { describe, expect, test } from 'vitest';
import { readCompatibility } from './read.ts';

const read = (text: string) => readCompatibility(text, 'compatibility');

const NFD = `
version: v1alpha1
compatibilities:
- weight: 10
  tag: fast
  description: with vectors
  rules:
  - name: vectors
    vars: {wide: true}
    matchFeatures:
    - {feature: CPU.cpuid, matchExpressions: {AVX512F: {op: Exists}}}
  - matchAny:
    - matchFeatures: [{feature: pci.device, matchName: {op: In, value: [vendor]}}]
- rules: [{matchFeatures: [{feature: kernel.version, matchExpressions: {full: {op: GeLe, value: ["5.4", v6.0], type: version}}}]}]
`;

describe('formats', () => {
  test('NFD v1alpha1', () => {
    const { format, sets } = read(NFD);
    expect(format).toBe('nfd');
    expect(sets.map(({ weight, tag, description }) => [weight, tag, description])).toEqual([
      [10, 'fast', 'with vectors'],
      [0, '', ''],
    ]);
    expect(sets[0]?.rules[0]).toMatchObject({ name: 'vectors', vars: { wide: 'true' } });
    expect(sets[0]?.rules[0]?.matchFeatures[0]).toMatchObject({ feature: 'cpu.cpuid' });
    expect(sets[0]?.rules[1]?.matchAny[0]?.[0]).toMatchObject({ name: { op: 'In', values: ['vendor'] } });
  });

  test('one media type, two shapes: expressions with keys are ocifit-k8s, flat maps ocifit', () => {
    const keyed = read(
      '{"version": "v1alpha1", "compatibilities": [{"tag": "debian:11", "rules": [{"matchFeatures": [{"matchExpressions": [{"op": "Gte", "key": "flavor", "value": ["3"]}]}]}]}]}',
    );
    expect(keyed.format).toBe('ocifit-k8s');
    expect(keyed.sets[0]?.rules[0]?.matchFeatures).toEqual([
      { on: 'label', key: 'flavor', expression: { op: 'Ge', values: ['3'], type: 'integer' } },
    ]);
    const flat = read(
      '{"schemaVersion": "0.1.0", "compatibilities": [{"compspec.gpu": false}, {"compspec.mpi": 4.30}]}',
    );
    expect(flat.format).toBe('ocifit');
    expect(flat.sets.map(({ rules }) => rules[0]?.matchFeatures)).toEqual([
      [{ on: 'attribute', keys: ['compspec.gpu'], value: 'false' }],
      [{ on: 'attribute', keys: ['compspec.mpi'], value: '4.30' }],
    ]);
  });

  test('compspec makes one set of its parts; compat-lib has one part', () => {
    const compspec = read(
      '{"version": "0.0.0", "kind": "CompatibilitySpec", "metadata": {"name": "x"}, "compatibilities": [{"name": "org.hpc", "version": "0", "attributes": {"gpu": "yes"}}, {"name": "io", "attributes": {"archive.present": "true"}}]}',
    );
    expect(compspec.sets).toHaveLength(1);
    expect(compspec.sets[0]?.rules[0]?.matchFeatures).toEqual([
      { on: 'attribute', keys: ['gpu', 'org.hpc.gpu'], value: 'yes' },
      { on: 'attribute', keys: ['archive.present', 'io.archive.present'], value: 'true' },
    ]);
    expect(read('{"version": "0.1", "attributes": {"libc": "2.36"}}').format).toBe('compat-lib');
  });
});

describe('errors say where', () => {
  const rule = (expression: string): string =>
    `version: v1alpha1\ncompatibilities:\n- rules:\n  - matchFeatures:\n    - {feature: a.b, matchExpressions: {x: ${expression}}}`;
  test.each([
    ['{op: Gt, value: [1, 2]}', 'Gt takes exactly 1, not 2'],
    ['{op: GtLt, value: [1]}', 'GtLt takes exactly 2, not 1'],
    ['{op: GtLt, value: [2, 2]}', 'takes the smaller value first'],
    ['{op: GeLe, value: [3, 2]}', 'takes the smaller value first'],
    ['{op: Exists, value: [1]}', 'Exists takes no value, not 1'],
    ['{op: In}', 'In takes at least one value, not 0'],
    ['{op: Lt, value: [1.5]}', 'compares with a whole number'],
    ['{op: Lt, value: [next], type: version}', 'compares with a version'],
    ['{op: Lt, value: [1], type: float}', 'the only type is version'],
    ['{op: InRegexp, value: ["("]}', 'the pattern "("'],
    ['{op: Equals, value: [1]}', 'unknown operator "Equals"'],
    ['{op: any}', 'unknown operator "any"'],
  ])('%s', (expression, message) => {
    expect(() => read(rule(expression))).toThrow(message);
    expect(() => read(rule(expression))).toThrow(
      /compatibilities\[0\]\.rules\[0\]\.matchFeatures\[0\].*\(line 5, column \d+\)/,
    );
  });

  test.each([
    ['[]', 'must be a compatibility document'],
    ['{}', 'neither `compatibilities` nor `attributes`'],
    ['compatibilities: []', 'lists nothing'],
    ['images: [{name: a, artifact: b}]', 'send it beside the job (--compatibility)'],
    ['compatibilities: [{rules: []}]', '`version` is missing'],
    ['{version: v2, compatibilities: [{rules: [{}]}]}', 'must be v1alpha1'],
    ['{version: v1alpha1, compatibilities: [{rules: []}]}', 'has no rule'],
    ['{version: v1alpha1, compatibilities: [{rules: [{}], wight: 3}]}', 'did you mean `weight`'],
    ['{version: v1alpha1, compatibilities: [{rules: [{matchFeatures: [{feature: cpu}]}]}]}', 'must be DOMAIN.NAME'],
    [
      '{version: v1alpha1, compatibilities: [{rules: [{varsTemplate: "{{ template }}"}]}]}',
      'template line 1, column 1',
    ],
    ['{attributes: {name: x}}', 'tells vertices apart'],
    ['{kind: Pod, compatibilities: [{a: 1}]}', 'must be CompatibilitySpec'],
  ])('%s', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });

  test('what would take too long is refused', () => {
    const many = Array.from({ length: 2_001 }, (_, i) => `x${i}: {op: Exists}`).join(', ');
    expect(() => read(rule('{op: Exists}').replace('x: {op: Exists}', many))).toThrow('more than 2000 expressions');
    const sets = Array.from({ length: 101 }, () => '{a: b}').join(', ');
    expect(() => read(`compatibilities: [${sets}]`)).toThrow('more than 100 sets');
  });
});
