/** Operators, features, rules and their variables, as Node Feature Discovery has them. */
import { describe, expect, test } from 'vitest';
import { compileCompatibility } from './evaluate.ts';
import { featuresOf } from './features.ts';
import { readCompatibility } from './read.ts';

const NODE = {
  type: 'node',
  labels: { zone: 'a', cores: '16' },
  features: {
    flags: { 'cpu.cpuid': { elements: { AVX: {}, AVX512F: {} } }, 'kernel.loadedmodule': ['nvidia'] },
    attributes: {
      'cpu.model': { elements: { vendor_id: 'Intel', id: '143', hyperthreading: 'true', turbo: 'false' } },
      'kernel.version': { full: '5.14.0-427.el9', major: '5' },
    },
    instances: {
      'pci.device': {
        elements: [
          { attributes: { vendor: '10de', class: '0302' } },
          { attributes: { vendor: '15b3', class: '0200', sriov: '8' } },
        ],
      },
    },
  },
};

const facts = featuresOf({ metadata: { type: 'node' }, links: [{ subsystem: 'nfd', set: { vertices: [NODE] } }] });

function failures(rules: string): readonly string[] {
  const needs = readCompatibility(`{version: v1alpha1, compatibilities: [{rules: ${rules}}]}`, 'c');
  return compileCompatibility(needs).failures(facts)[0] ?? ['nothing was asked'];
}

const matches = (rules: string): boolean => failures(rules).length === 0;
const asks = (feature: string, expressions: string): boolean =>
  matches(`[{matchFeatures: [{feature: ${feature}, matchExpressions: ${expressions}}]}]`);

describe('operators on attributes', () => {
  test.each([
    ['id', '{op: In, value: [1, 143]}', true],
    ['id', '{op: In, value: [1]}', false],
    ['id', '{op: NotIn, value: [1]}', true],
    ['id', '{op: NotIn, value: [143]}', false],
    ['none', '{op: NotIn, value: [1]}', false],
    ['vendor_id', '{op: InRegexp, value: ["^x", "nt"]}', true],
    ['vendor_id', '{op: InRegexp, value: ["^nt"]}', false],
    ['vendor_id', '{op: Exists}', true],
    ['none', '{op: Exists}', false],
    ['none', '{op: DoesNotExist}', true],
    ['id', '{op: DoesNotExist}', false],
    ['hyperthreading', '{op: IsTrue}', true],
    ['turbo', '{op: IsTrue}', false],
    ['turbo', '{op: IsFalse}', true],
    ['id', '{op: Gt, value: ["142"]}', true],
    ['id', '{op: Gt, value: ["143"]}', false],
    ['id', '{op: Ge, value: ["143"]}', true],
    ['id', '{op: Lt, value: ["143"]}', false],
    ['id', '{op: Le, value: ["143"]}', true],
    ['id', '{op: GtLt, value: ["142", "144"]}', true],
    ['id', '{op: GtLt, value: ["143", "144"]}', false],
    ['id', '{op: GeLe, value: ["143", "143"]}', true],
    // A value of the node that is no number matches nothing, and stops nobody.
    ['vendor_id', '{op: Gt, value: ["1"]}', false],
    ['none', '{op: ""}', true],
  ])('%s %s', (element, expression, expected) => {
    expect(asks('cpu.model', `{${element}: ${expression}}`)).toBe(expected);
  });

  test('versions compare by their numbers, and what stands behind them does not count', () => {
    const version = (expression: string): boolean => asks('kernel.version', `{full: ${expression}}`);
    expect(version('{op: Ge, value: ["5.14"], type: version}')).toBe(true);
    expect(version('{op: Gt, value: ["5.14.0"], type: version}')).toBe(false);
    expect(version('{op: Gt, value: ["5.9"], type: version}')).toBe(true);
    expect(version('{op: Lt, value: ["5.14.0-1"], type: version}')).toBe(false);
    expect(version('{op: Gt, value: ["5"]}')).toBe(false);
  });
});

describe('features', () => {
  test('flags have no values, and names are read in any case', () => {
    expect(asks('CPU.CPUID', '{AVX512F: {op: Exists}, SSE9: {op: DoesNotExist}}')).toBe(true);
    expect(asks('cpu.cpuid', '{AVX512F: {op: In, value: [AVX512F]}}')).toBe(false);
    expect(asks('kernel.loadedmodule', '{nvidia: {op: Exists}}')).toBe(true);
  });

  test('one instance must meet all expressions', () => {
    expect(asks('pci.device', '{vendor: {op: In, value: [15b3]}, class: {op: In, value: ["0200"]}}')).toBe(true);
    expect(asks('pci.device', '{vendor: {op: In, value: [10de]}, class: {op: In, value: ["0200"]}}')).toBe(false);
    expect(asks('pci.device', '{vendor: {op: In, value: [10de]}, sriov: {op: DoesNotExist}}')).toBe(true);
  });

  test('an absent feature fails, whatever is asked of it', () => {
    expect(failures('[{matchFeatures: [{feature: usb.device, matchExpressions: {x: {op: DoesNotExist}}}]}]')).toEqual([
      'usb.device (not known of the node)',
    ]);
    expect(matches('[{matchFeatures: [{feature: usb.device}]}]')).toBe(false);
    expect(matches('[{matchFeatures: [{feature: cpu.model}]}]')).toBe(true);
  });

  test('names of elements', () => {
    const named = (feature: string, expression: string): boolean =>
      matches(`[{matchFeatures: [{feature: ${feature}, matchName: ${expression}}]}]`);
    expect(named('cpu.cpuid', '{op: InRegexp, value: ["^AVX512"]}')).toBe(true);
    expect(named('cpu.cpuid', '{op: In, value: [SSE]}')).toBe(false);
    expect(named('cpu.model', '{op: In, value: [id]}')).toBe(true);
    expect(named('pci.device', '{op: In, value: [sriov]}')).toBe(true);
  });
});

describe('rules', () => {
  test('all of matchFeatures, and one of matchAny', () => {
    const avx = '{feature: cpu.cpuid, matchExpressions: {AVX: {op: Exists}}}';
    const sve = '{feature: cpu.cpuid, matchExpressions: {SVE: {op: Exists}}}';
    expect(matches(`[{matchFeatures: [${avx}, ${sve}]}]`)).toBe(false);
    expect(
      matches(`[{matchFeatures: [${avx}], matchAny: [{matchFeatures: [${sve}]}, {matchFeatures: [${avx}]}]}]`),
    ).toBe(true);
    expect(matches(`[{matchFeatures: [${avx}], matchAny: [{matchFeatures: [${sve}]}]}]`)).toBe(false);
    expect(failures(`[{matchFeatures: [${avx}]}, {matchFeatures: [${sve}]}]`)).toEqual(['cpu.cpuid SVE Exists']);
  });

  test('a rule sees the variables of those before it, if they matched', () => {
    const sees = (expression: string): string =>
      `{matchFeatures: [{feature: rule.matched, matchExpressions: {${expression}}}]}`;
    const first =
      '{name: a, vars: {wide: yes}, matchFeatures: [{feature: cpu.cpuid, matchExpressions: {AVX: {op: Exists}}}]}';
    expect(matches(`[${first}, ${sees('wide: {op: In, value: ["yes"]}')}]`)).toBe(true);
    expect(matches(`[${sees('wide: {op: In, value: ["yes"]}')}, ${first}]`)).toBe(false);
  });

  test('a template makes variables out of what matched', () => {
    const rules = (template: string, expression: string): string =>
      JSON.stringify([
        {
          varsTemplate: template,
          matchFeatures: [
            { feature: 'pci.device', matchExpressions: { vendor: { op: 'Exists' } } },
            { feature: 'cpu.cpuid', matchName: { op: 'InRegexp', value: ['^AVX'] } },
          ],
        },
        {
          matchFeatures: [
            { feature: 'rule.matched', matchExpressions: { [expression]: { op: 'In', value: ['yes'] } } },
          ],
        },
      ]);
    expect(
      matches(rules('{{ range .pci.device }}dev-{{ .vendor }}-{{ .class }}=yes\n{{ end }}', 'dev-15b3-0200')),
    ).toBe(true);
    expect(
      matches(rules('{{ range .pci.device }}dev-{{ .vendor }}-{{ .class }}=yes\n{{ end }}', 'dev-15b3-0302')),
    ).toBe(false);
    const only =
      '{{- range .cpu.cpuid }}{{ if eq .Name "AVX512F" }}wide=yes{{ else }}{{ .Name }}=no{{ end }}\n{{ end -}}';
    expect(matches(rules(only, 'wide'))).toBe(true);
    expect(matches(rules('{{ if .usb.device }}usb=yes{{ else }}none=yes{{ end }}', 'none'))).toBe(true);
    // Not a line of name=value: there are no variables, and nothing breaks.
    expect(matches(rules('wide', 'wide'))).toBe(false);
  });

  test('the heaviest set that matches counts', () => {
    const set = (weight: number, flag: string): string =>
      `{weight: ${weight}, rules: [{matchFeatures: [{feature: cpu.cpuid, matchExpressions: {${flag}: {op: Exists}}}]}]}`;
    const weight = (...sets: string[]): number | null =>
      compileCompatibility(readCompatibility(`{version: v1alpha1, compatibilities: [${sets.join()}]}`, 'c')).weight(
        facts,
      );
    expect(weight(set(1, 'AVX'), set(10, 'AVX512F'))).toBe(10);
    expect(weight(set(1, 'AVX'), set(10, 'SVE'))).toBe(1);
    expect(weight(set(1, 'SVE'))).toBeNull();
  });
});

describe('other formats', () => {
  const good = (text: string): boolean => compileCompatibility(readCompatibility(text, 'c')).weight(facts) !== null;

  test('labels: NotIn holds where there is none', () => {
    const label = (expression: string): boolean =>
      good(
        `{"version": "v1alpha1", "compatibilities": [{"rules": [{"matchFeatures": [{"matchExpressions": [${expression}]}]}]}]}`,
      );
    expect(label('{"op": "In", "key": "zone", "value": ["a"]}')).toBe(true);
    expect(label('{"op": "NotIn", "key": "zone", "value": ["a"]}')).toBe(false);
    expect(label('{"op": "NotIn", "key": "none", "value": ["a"]}')).toBe(true);
    expect(label('{"op": "Lte", "key": "cores", "value": ["16"]}')).toBe(true);
  });

  test('attributes: of the node, of what is linked to it, or of its metadata.attributes', () => {
    const linked = featuresOf({
      metadata: { type: 'node', arch: 'amd64', gpu: { vendor: 'nvidia' } },
      links: [
        { subsystem: 'software', set: { vertices: [{ type: 'package', attributes: { 'mpi.variant': 'mpich' } }] } },
      ],
    });
    const has = (attributes: object): boolean =>
      compileCompatibility(readCompatibility(JSON.stringify({ attributes }), 'c')).weight(linked) !== null;
    expect(has({ arch: 'amd64', 'gpu.vendor': 'nvidia', 'mpi.variant': 'mpich' })).toBe(true);
    expect(has({ arch: 'arm64' })).toBe(false);
    expect(has({ 'mpi.variant': 'openmpi' })).toBe(false);
  });
});
