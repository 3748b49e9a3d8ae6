/** Files of others about nodes, and the subsystem made of them. */
import { describe, expect, test } from 'vitest';
import { generateGraph } from '../graph/generate.ts';
import { readGraph, readSubsystem } from '../graph/read.ts';
import { featureSubsystem } from './feature-subsystem.ts';
import { readNodeFile } from './node-files.ts';

const read = (text: string) => readNodeFile(text, 'features', Date.parse('2026-01-01T00:00:00Z'));

describe('reading', () => {
  test('NodeFeature objects: by their label, else by their name; several, or a list of them', () => {
    const object = (name: string, label: string): string =>
      `{kind: NodeFeature, metadata: {name: ${name}${label}}, spec: {labels: {zone: a}, features: {flags: {cpu.cpuid: {elements: {AVX: {}}}}, attributes: {cpu.model: {elements: {id: "0302"}}}, instances: {pci.device: {elements: [{attributes: {class: 0200}}]}}}}}`;
    const named = ', labels: {nfd.node.kubernetes.io/node-name: node7}';
    const [first, second] = read(`${object('x', named)}\n---\n${object('node8', '')}`);
    expect([first?.node, second?.node]).toEqual(['node7', 'node8']);
    expect(first?.features).toEqual({
      flags: { 'cpu.cpuid': ['AVX'] },
      attributes: { 'cpu.model': { id: '0302' } },
      instances: { 'pci.device': [{ class: '0200' }] },
    });
    expect(first?.labels).toEqual({ zone: 'a' });
    expect(read(`{kind: List, items: [${object('a', '')}, ${object('b', '')}]}`).map(({ node }) => node)).toEqual([
      'a',
      'b',
    ]);
  });

  test('exported features, and a feature file', () => {
    expect(read('{"flags": {"cpu.cpuid": {"elements": {"AVX": {}}}}, "attributes": {}}')[0]).toMatchObject({
      node: '',
      features: { flags: { 'cpu.cpuid': ['AVX'] } },
    });
    const all = { 'my-feature.1': 'true', 'vendor.io/my-feature.2': 'value' };
    expect(read('# found by a script\nmy-feature.1\nvendor.io/my-feature.2=value\n')).toEqual([
      {
        node: '',
        features: { flags: {}, attributes: { 'local.feature': all, 'local.label': all }, instances: {} },
        labels: { 'feature.node.kubernetes.io/my-feature.1': 'true', 'vendor.io/my-feature.2': 'value' },
      },
    ]);
  });

  test('directives of a feature file: what has expired, what is a label or a feature alone', () => {
    const file = `
# +expiry-time=2012-07-28T11:22:33Z
v/old=1
# +expiry-time=2080-07-28T11:22:33Z
v/new=1
# +no-feature
v/label-only=2

# +no-label
# a comment between them
feature-only=3
v/both=4
# +expiry-time=2025-12-31T23:59:59+00:00
v/last-year=5
# +unknown=directive
`;
    const [report] = read(file);
    expect(report?.features.attributes).toEqual({
      'local.feature': { 'v/new': '1', 'feature-only': '3', 'v/both': '4' },
      'local.label': { 'v/new': '1', 'v/label-only': '2', 'v/both': '4' },
    });
    expect(report?.labels).toEqual({ 'v/new': '1', 'v/label-only': '2', 'v/both': '4' });
    expect(() => read('a=b\n# +expiry-time=tomorrow')).toThrow('features (line 2): "tomorrow" is no time');
    expect(() => read(`a=${'b'.repeat(70_000)}`)).toThrow('over 64 KiB');
  });

  test.each(['extractors', 'results'])('compspec’s extraction (%s): elements, instances, flags', (key) => {
    const sections = {
      cpu: { 'cpuid.AVX': 'true', 'model.vendor_id': 'AMD', 'cpuid.x': 'false' },
      pci: { 'device.0.class': '0302', 'device.0.vendor': '10de', 'device.1.class': '0200' },
    };
    expect(read(JSON.stringify({ [key]: { nfd: { sections } } }))[0]?.features).toEqual({
      flags: { 'cpu.cpuid': ['AVX'] },
      attributes: { 'cpu.cpuid': { AVX: 'true', x: 'false' }, 'cpu.model': { vendor_id: 'AMD' } },
      instances: { 'pci.device': [{ class: '0302', vendor: '10de' }, { class: '0200' }] },
    });
  });

  test.each([
    ['', 'is empty'],
    ['{kind: Pod}', 'is neither a NodeFeature'],
    ['[1]', 'no object with node features'],
    ['{kind: NodeFeature, spec: {features: 3}}', 'features that are no map'],
    ['{a: [', 'line 1'],
  ])('%s is an error', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});

describe('the subsystem', () => {
  const graph = readGraph(generateGraph({ name: 'c', nodes: 3, coresPerNode: 1 }));
  const nodes = graph.names.filter((_, i) => graph.types[i] === 'node');
  const report = (node: string, flag: string) => ({
    node,
    features: { flags: { 'cpu.cpuid': [flag] }, attributes: { 'system.name': { nodename: node } }, instances: {} },
    labels: {},
  });

  test('nodes with equal features share a vertex, whatever their names; what is not known is told', () => {
    const { text, kinds, unknown } = featureSubsystem(graph, [report(nodes[0]!, 'AVX'), report(nodes[1]!, 'AVX')]);
    expect([kinds, unknown]).toEqual([1, [nodes[2]]]);
    const subsystem = readSubsystem('nfd', text, graph);
    expect(subsystem.size).toBe(1);
    expect(subsystem.links).toHaveLength(2);
    expect(subsystem.metadata(0)['features']).toEqual({
      attributes: {},
      flags: { 'cpu.cpuid': ['AVX'] },
      instances: {},
    });
  });

  test('two objects about one node count together', () => {
    const { text } = featureSubsystem(graph, [report(nodes[0]!, 'AVX'), report(nodes[0]!, 'SSE')]);
    expect(text).toContain('"cpu.cpuid":["AVX","SSE"]');
  });

  test('a node that the graph has not is an error', () => {
    expect(() => featureSubsystem(graph, [report('nobody', 'AVX')])).toThrow(
      'node "nobody": is no node of the resource graph',
    );
  });
});
