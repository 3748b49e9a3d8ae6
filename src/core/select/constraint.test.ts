/** The constraint policy: its documented use, its errors, and what the prototype got wrong. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { readJobspec } from '../jobspec/read.ts';
import { constraintPolicy } from './constraint.ts';
import type { Contender, Selection, SelectInput } from './policy.ts';
import { cpuTime } from '../../system/testing/cpu-time.ts';

const at = { now: 0, job: { walltime: 60, priority: 16, submittedAt: 0, deadline: null } };

type States = Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;

function contenders(states: States): readonly Contender[] {
  return Object.entries(states)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([cluster, state]) => ({
      cluster,
      startable: true,
      state: state ?? { rainbow_queued: 0 },
      hasState: state !== null,
      offer: null,
    }));
}

function choose(priorities: string, states: States, parameters: SelectInput['parameters'] = {}, seed = 's'): Selection {
  return constraintPolicy.compile({ priorities })({ ...at, contenders: contenders(states), parameters, seed });
}

const steps = (...each: string[]): string => `- priority: 1\n  steps:\n${each.map((step) => `  - ${step}\n`).join('')}`;

test('a filter keeps those for which it is true, and only true', () => {
  const free = steps('filter: "nodes_free > 0"', 'select: first');
  for (let seed = 0; seed < 20; seed++) {
    expect(choose(free, { A: { nodes_free: 0 }, B: { nodes_free: 5 } }, {}, String(seed)).order).toEqual(['B']);
  }
  expect(choose(free, { A: { nodes_free: 0 }, B: { nodes_free: 0 } }).order).toEqual([]);
  const odd = { A: { nodes_free: 'x' }, B: {}, C: { nodes_free: null }, D: { nodes_free: 1 } };
  expect(choose(free, odd).order).toEqual(['D']);
  expect(choose(steps('filter: "nodes_free"', 'select: first'), { A: { nodes_free: 7 } }).order).toEqual([]);
  expect(choose(steps('filter: "false"', 'select: first'), { A: {} }).order).toEqual([]);
});

test('the cheapest by a calculated cost is chosen, and no state is changed', () => {
  const priorities = steps('calc: " cost = rate*seconds_per_gb"', 'sort_ascending: cost', 'select: first');
  const states = { A: { rate: 3 }, B: { rate: 1 } };
  const before = JSON.stringify(states);
  expect(choose(priorities, states, { seconds_per_gb: 2 }).order).toEqual(['B', 'A']);
  expect(choose(priorities.replace('ascending', 'descending'), states, { seconds_per_gb: 2 }).order).toEqual([
    'A',
    'B',
  ]);
  expect(JSON.stringify(states)).toBe(before);
});

test('nothing that one selection or priority sets is seen by the next', () => {
  const leak =
    '- {priority: 1, steps: [{calc: "x=1"}, {filter: "false"}]}\n- {priority: 2, steps: [{filter: "x == 1"}, {select: first}]}';
  expect(choose(leak, { A: {} }).order).toEqual([]);
  const compiled = constraintPolicy.compile({
    priorities: steps('calc: "y=(y ?? 0)+1"', 'filter: "y == 1"', 'select: first'),
  });
  const input = { ...at, contenders: contenders({ A: { b: 1 } }), parameters: {}, seed: '' };
  expect(compiled(input).order).toEqual(['A']);
  expect(compiled(input).order).toEqual(['A']);
});

test('priorities are tried in ascending order, each from all contenders', () => {
  const priorities =
    '- {priority: 20, steps: [{select: last}]}\n- {priority: 3, steps: [{filter: "n > 5"}, {select: first}]}';
  expect(choose(priorities, { A: { n: 1 }, B: { n: 2 } }).order[0]).toBe('B');
  expect(choose(priorities, { A: { n: 1 }, B: { n: 6 }, C: { n: 7 } }).order[0]).toBe('B');
});

test('a cluster that never reported a state is left out', () => {
  const { order, notes } = choose(steps('select: first'), { A: null, B: { x: 1 } });
  expect(order).toEqual(['B']);
  expect(notes[0]).toMatch(/1 without a reported state/);
});

test('a sort drops clusters without a number and keeps ties as they stood', () => {
  const states = { A: { v: 2 }, B: { v: 'x' }, C: { v: 1 }, D: { v: 2 }, E: {}, F: { v: 1.5 } };
  expect(choose(steps('sort_ascending: v', 'select: first'), states).order).toEqual(['C', 'F', 'A', 'D']);
  expect(choose(steps('sort_descending: v', 'select: first'), states).order).toEqual(['A', 'D', 'F', 'C']);
  expect(choose(steps('sort_descending: v', 'select: last'), states).order[0]).toBe('C');
});

test('a calculation that fails leaves the variable undefined there', () => {
  const priorities = steps('calc: "c=a*2"', 'filter: "(c ?? 0) == 0"', 'select: first');
  expect(choose(priorities, { A: { a: 1, c: 9 }, B: { c: 9 } }).order).toEqual(['B']);
});

test('state lies over parameters, and calc may hold comparators', () => {
  expect(choose(steps('filter: "x == 1"', 'select: first'), { A: { x: 1 }, B: {} }, { x: 2 }).order).toEqual(['A']);
  expect(choose(steps('calc: "ok=a>=2"', 'filter: ok', 'select: first'), { A: { a: 1 }, B: { a: 2 } }).order).toEqual([
    'B',
  ]);
});

test('select random reaches every cluster that is left', () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    seen.add(
      choose(steps('sort_ascending: v', 'select: random'), { A: { v: 1 }, B: { v: 2 }, C: { v: 3 } }, {}, String(seed))
        .order[0]!,
    );
  }
  expect([...seen].sort()).toEqual(['A', 'B', 'C']);
});

test.each([
  ['', /needs the option `priorities`/],
  ['5', /priorities \(line 1, column 1\): must be a list/],
  ['[]', /lists no priority/],
  ['- {priority: 1}', /`steps` is missing/],
  ['- {steps: [{select: first}]}', /`priority` is missing/],
  ['- {priority: 1, steps: []}', /lists no step/],
  [
    '- {priority: 1, steps: [{select: best}]}',
    /priorities\[0\]\.steps\[0\]\.select \(line 1.*must be random, first or last/,
  ],
  ['- {priority: 1, steps: [{select: first}, {filter: "true"}]}', /must be its last step/],
  ['- {priority: 1, steps: [{filter: "a", calc: "b=1"}]}', /a step is one key/],
  ['- {priority: 1, steps: [{order: a}]}', /there is no step "order"/],
  ['- {priority: 1, steps: [{filter: "a >"}]}', /filter, character 4 \(line 1.*ends where a value should be/],
  ['- {priority: 1, steps: [{calc: "a"}]}', /must be name=expression/],
  ['- {priority: 1, steps: [{calc: "a>=1"}]}', /must be name=expression/],
  ['- {priority: 1, steps: [{calc: "a==1"}]}', /calc, character 3/],
  ['- {priority: 1, steps: [{calc: "a=min()"}]}', /min needs at least one/],
  ['- {priority: 1, steps: [{filter: "a =~ \'(\'"}]}', /parenthesis/],
])('the option %s is refused when it is compiled', (priorities, message) => {
  expect(() => constraintPolicy.compile({ priorities })).toThrow(message);
});

test('min and max with wrong arguments drop a cluster instead of failing', () => {
  const priorities = steps('filter: "min(a, b) > 0"', 'select: first');
  expect(choose(priorities, { A: { a: 1, b: 'x' }, B: { a: 1 }, C: { a: 1, b: 2 } }).order).toEqual(['C']);
});

test('an expensive selection ends', () => {
  const priorities = steps(`filter: "${'a'.repeat(300)} =~ '(a|a)*b'"`, 'select: first')
    .replace('"aaa', '"long + \'aaa')
    .replace('aaa =~', "aaa' =~");
  const states = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`c${i}`, { long: 'a'.repeat(3000) }]));
  const began = cpuTime();
  expect(choose(priorities, states).order).toEqual([]);
  expect(cpuTime() - began).toBeLessThan(10_000);
});

const config = fileURLToPath(
  new URL('../../../../shared/data/prototype/scheduler/rainbow-selection-config.yaml', import.meta.url),
);

describe.skipIf(!existsSync(config))('the prototype’s documented configuration', () => {
  const read = (): string =>
    (
      parse(readFileSync(config, 'utf8')) as {
        scheduler: { algorithms: { selection: { options: { priorities: string } } } };
      }
    ).scheduler.algorithms.selection.options.priorities;

  test('chooses among the clusters with free nodes', () => {
    const states = {
      keebler: { cost_per_node_hour: 3, nodes_free: 20, memory_per_node: 200 },
      full: { cost_per_node_hour: 1, nodes_free: 0, memory_per_node: 200 },
    };
    const { order, notes } = choose(read(), states, { seconds_per_gb: 0.4 });
    expect(order).toEqual(['keebler']);
    // 3 * (200 * 0.4) / 60 / 60
    expect(notes.join('\n')).toContain('sort descending build_cost : keebler 0.0666667'.replace(' :', ':'));
  });

  test('with the state and the job that its documentation gives', () => {
    const folder = new URL('./', pathToFileURL(config));
    const state = JSON.parse(readFileSync(new URL('cluster-state.json', folder), 'utf8')) as Record<string, unknown>;
    const { parameters } = readJobspec(readFileSync(new URL('jobspec-constraint.yaml', folder), 'utf8'));
    for (let seed = 0; seed < 10; seed++) {
      const { order, notes } = choose(read(), { keebler: state, silent: null }, parameters, String(seed));
      expect(order).toEqual(['keebler']);
      expect(notes).toEqual([
        '1 without a reported state left out',
        'priority 1: filter nodes_free > 0: kept 1',
        'priority 1: calc build_cost=(cost_per_node_hour * (memory_per_node * seconds_per_gb)/60/60)',
        'priority 1: sort descending build_cost: keebler 0.0666667',
        'priority 1: select random of 1: keebler',
      ]);
    }
  });

  test('falls back to its second priority', () => {
    const { order, notes } = choose(
      read().replace('nodes_free > 0', 'nodes_free > 100'),
      {
        keebler: { cost_per_node_hour: 3, nodes_free: 20, memory_per_node: 150 },
      },
      { seconds_per_gb: 0.4 },
    );
    expect(order).toEqual(['keebler']);
    // min(100, 150 - 100) = 50: 3 * (50 * 0.4) / 60 / 60
    expect(notes.join('\n')).toContain('keebler 0.0166667');
  });
});
