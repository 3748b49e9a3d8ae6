/**
 * Random RFC 14 jobspecs: by far the most are what the system they are to be written for can say, the others have
 * anything in them.
 */
import * as fc from 'fast-check';
import { carry } from '../carrier.ts';
import { jsonMap, newDraft, writeDraft } from '../draft.ts';
import type { Draft, DraftVertex, Json } from '../draft.ts';
import { layOut } from '../layout.ts';

const word = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[a-zA-Z][\w.-]{0,12}$/) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "it's",
      'a b',
      '$HOME',
      '#no',
      '-x',
      '--',
      '%j',
      'ALL',
      '',
      '\\',
      '"',
      '`id`',
      'ü',
      '{{id}}',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.string({ minLength: 0, maxLength: 12, unit: 'grapheme' }).filter((text) => !text.includes('\0')),
  },
);
const name = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9-]{0,10}[a-z0-9]$/),
  word.filter((text) => text !== ''),
);
const plain = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}[a-z0-9]$/);
const few = fc.integer({ min: 1, max: 6 });

/** What a system can say; `null` for anything. */
type Taste = 'sbatch' | 'flux' | 'kubernetes' | null;

const units = { sbatch: ['GiB', 'MiB', 'KiB'], kubernetes: ['GiB', 'MiB', 'KiB', 'GB', 'MB', 'B'] };

function memory(taste: Taste): fc.Arbitrary<DraftVertex | null> {
  if (taste === 'flux') return fc.constant(null);
  return fc.option(
    fc.record({
      type: fc.constant('memory'),
      count: fc.integer({ min: 1, max: 4096 }),
      unit: fc.constantFrom(...units[taste ?? 'kubernetes']),
    }),
  );
}

const model: readonly Json[] = [{ name: 'cluster', field: 'model', match: 'a100' }];
const shm: readonly Json[] = [{ name: 'io', field: 'type', match: 'shm' }];

function device(taste: Taste, exclusive: boolean): fc.Arbitrary<DraftVertex | null> {
  const types =
    taste === 'flux'
      ? ['gpu']
      : taste === 'sbatch'
        ? ['gpu', 'shard']
        : taste === 'kubernetes'
          ? ['gpu', 'rdma/hca']
          : ['gpu', 'shard', 'rdma/hca'];
  const requires = taste === 'sbatch' ? [[], model] : taste === null ? [[], model, shm] : [[]];
  return fc.option(
    fc
      .record({ type: fc.constantFrom(...types), count: few, requires: fc.constantFrom<readonly Json[]>(...requires) })
      .map(({ requires, ...rest }) => ({
        ...rest,
        ...(exclusive ? { exclusive: true } : {}),
        ...(requires.length === 0 ? {} : { requires }),
      })),
  );
}

function bundle(taste: Taste, cores: boolean): fc.Arbitrary<readonly DraftVertex[]> {
  return fc
    .tuple(few, memory(taste), device(taste, !cores))
    .map(([count, memory, device]) => [
      ...(cores ? [{ type: 'core', count }] : []),
      ...[memory, device].filter((each) => each !== null),
    ]);
}

const nodes = fc.oneof(few, few, fc.constantFrom('2-4', '2-8:2', '1,3,7', '2+', '2-16:2:*'));

function layout(taste: Taste): fc.Arbitrary<ReturnType<typeof layOut>> {
  const anywhere = fc
    .record({ total: few, bundle: bundle(taste, true) })
    .map(({ total, bundle }) => layOut({ nodes: null, exclusive: false, slots: { total }, bundle, beside: [] }));
  if (taste === 'kubernetes') return anywhere;
  const beside = taste === 'flux' ? fc.constant<readonly DraftVertex[]>([]) : bundle(taste, false);
  const even = fc
    .record({
      nodes: taste === null ? nodes : few,
      each: few,
      bundle: bundle(taste, true),
      beside,
      exclusive: fc.boolean(),
    })
    .map(({ nodes, each, ...rest }) => layOut({ nodes, slots: { each }, ...rest }));
  if (taste === 'flux') return fc.oneof(anywhere, even);
  const uneven = fc
    .record({ nodes: few, more: few, bundle: bundle(taste, true), beside, exclusive: fc.boolean() })
    .map(({ nodes, more, ...rest }) => layOut({ nodes, slots: { total: nodes + more }, ...rest }));
  return fc.oneof(anywhere, even, uneven);
}

const host = fc.constantFrom('node1', 'node[1-3]', 'a,b', 'login[01-04]-ib');
const feature = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/).filter((text) => !/^(and|or|not)$/.test(text));
const label = fc.stringMatching(/^[a-z]{1,4}=[a-z0-9]{0,4}$/);

/** `leaf` joined; `not` where that can be said. */
function joined(leaf: fc.Arbitrary<Json>, not: boolean, maxDepth: number): fc.Arbitrary<Json> {
  return fc.letrec<{ tree: Json }>((tie) => ({
    tree: fc.oneof(
      { maxDepth, withCrossShrink: true },
      leaf,
      fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((and): Json => ({ and })),
      fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((or): Json => ({ or })),
      ...(not ? [tie('tree').map((each): Json => ({ not: [each] }))] : []),
    ),
  })).tree;
}

const some = (each: fc.Arbitrary<string>): fc.Arbitrary<Json> =>
  fc.array(each, { minLength: 1, maxLength: 3 }).map((properties): Json => ({ properties }));

function constraint(taste: Taste): fc.Arbitrary<Json> {
  const hosts = host.map((each): Json => ({ hostlist: [each] }));
  const ranks = fc.constant<Json>({ ranks: ['0-3'] });
  if (taste === 'sbatch') {
    const without = hosts.map((each): Json => ({ not: [each] }));
    return fc.oneof(
      joined(some(feature), false, 3),
      without,
      fc.tuple(joined(some(feature), false, 2), without).map((and): Json => ({ and })),
    );
  }
  if (taste === 'flux') return joined(fc.oneof(some(feature), hosts, ranks), true, 3);
  if (taste === 'kubernetes') {
    const one = label.map((each): Json => ({ properties: [each] }));
    const exists = feature.map((each): Json => ({ properties: [each] }));
    const here = fc.constantFrom<Json>({ hostlist: ['node1', 'node2'] }, { hostlist: ['a'] });
    const values = fc
      .array(fc.stringMatching(/^[a-z0-9]{1,3}$/), { minLength: 2, maxLength: 3 })
      .map((all): Json => ({ or: all.map((value): Json => ({ properties: [`k=${value}`] })) }));
    const positive = fc.oneof(one, exists, here, values);
    const expression = fc.oneof(
      positive,
      positive.map((each): Json => ({ not: [each] })),
    );
    const term = fc.array(expression, { minLength: 1, maxLength: 3 }).map((and): Json => ({ and }));
    return fc.oneof(
      expression,
      term,
      fc.array(term, { minLength: 1, maxLength: 3 }).map((or): Json => ({ or })),
    );
  }
  return joined(fc.oneof(some(fc.oneof(feature, label, fc.constantFrom('^old', 'a b', 'and'))), hosts, ranks), true, 3);
}

function script(taste: Taste): fc.Arbitrary<string> {
  return fc
    .record({
      interpreter: fc.constantFrom('/bin/sh', '/bin/bash -l', '/usr/bin/env python3'),
      directives: taste === null ? fc.constantFrom('#SBATCH --nodes=2\n', '# flux: -N2\n') : fc.constant(''),
      body: fc.array(fc.oneof(word, fc.constantFrom('echo hi', 'srun ./a', '# comment', '')), { maxLength: 6 }),
      end: taste === null ? fc.constantFrom('\n', '') : fc.constant('\n'),
    })
    .map(
      ({ interpreter, directives, body, end }) =>
        `#!${interpreter}\n${directives}${body.join('\n').replaceAll('\r', '')}${end}`,
    );
}

function command(taste: Taste): fc.Arbitrary<readonly string[]> {
  const args = taste === null ? fc.array(word, { maxLength: 2 }) : fc.constant([]);
  return fc.oneof(
    fc
      .tuple(taste === null ? word.filter((text) => text !== '') : plain, fc.array(word, { maxLength: 3 }))
      .map(([first, more]) => [first, ...more]),
    fc.tuple(script(taste), args).map(([text, args]) => carry({ script: text, name: 'job.sh', args })),
  );
}

function extras(taste: Taste): fc.Arbitrary<Record<string, Json>> {
  const variable = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,6}$/).filter((text) => text !== 'ALL');
  const value = taste === null ? word : fc.stringMatching(/^[a-zA-Z0-9 ,.:=/#-]{0,12}$/);
  const names = taste === null ? fc.oneof(variable, fc.constantFrom('ALL', '__proto__', 'a.b')) : variable;
  const afterok: Json = [
    { scheme: 'afterok', value: '12' },
    { scheme: 'singleton', value: '' },
  ];
  const stdout: Json = { options: { output: { stdout: { type: 'file', path: 'out-{{id}}.txt' } } } };
  const all = {
    duration: taste === null ? fc.constant<Json>(1.5) : fc.integer({ min: 1, max: 300_000 }),
    cwd: taste === null ? word.filter((text) => text !== '') : plain,
    job: (taste === null ? name : plain).map((each): Json => ({ name: each })),
    queue: taste === null ? name : plain,
    constraints: constraint(taste),
    environment: fc.dictionary(names, value, { maxKeys: 3, noNullPrototype: false }).map((each): Json => jsonMap(each)),
    ...(taste === 'kubernetes' ? {} : { bank: taste === null ? name : plain }),
    ...(taste === 'kubernetes'
      ? {}
      : {
          dependencies: fc.constantFrom<Json>(
            ...(taste === 'sbatch' ? [afterok] : [[{ scheme: 'string', value: 'x', more: 'y' }], afterok]),
          ),
        }),
    ...(taste === 'kubernetes'
      ? {}
      : {
          shell: fc.constantFrom<Json>(
            stdout,
            ...(taste === 'sbatch'
              ? []
              : [{ options: { output: { stderr: { type: 'file', path: '100%.{{other}}' } }, verbose: 1 } }]),
          ),
        }),
  };
  return fc.record(all, { requiredKeys: [] }) as fc.Arbitrary<Record<string, Json>>;
}

function own(taste: Taste): fc.Arbitrary<Record<string, Json>> {
  const arrays: Json[] = [{ indices: '0-7' }, { indices: '0-7', limit: 2 }];
  const all = {
    hold: fc.constant<Json>(true),
    retry: fc.constantFrom<Json>({ limit: 0 }, ...(taste === null || taste === 'kubernetes' ? [{ limit: 3 }] : [])),
    ...(taste === 'flux'
      ? {}
      : { array: fc.constantFrom<Json>(...arrays, ...(taste === 'kubernetes' ? [] : [{ indices: '1,3' }])) }),
    ...(taste === 'kubernetes' ? {} : { begin: fc.constant<Json>('now+1hour') }),
    ...(taste === null || taste === 'sbatch'
      ? {
          slurm: fc.constantFrom<Json>(
            { qos: 'high' },
            { licenses: 'a:2', requeue: true },
            { signal: 'B:USR1@60', reservation: 'maint', tmp: '10G' },
            { deadline: '2030-01-31T12:00:00Z', nice: '5' },
            ...(taste === null ? [{ unknown: 'x' }] : []),
          ),
        }
      : {}),
    ...(taste === null || taste === 'kubernetes'
      ? {
          kubernetes: fc.constantFrom<Json>(
            { 'spec.ttlSecondsAfterFinished': 10 },
            { 'metadata.labels': { app: 'x' } },
            ...(taste === null ? [{ 'spec.template.spec.containers[3].tty': true }] : []),
          ),
        }
      : {}),
    ...(taste === null || taste === 'flux'
      ? { flux: fc.constantFrom<Json>({ urgency: '20' }, { signal: 'TERM@2m' }, { rlimit: ['core', 'nofile=16'] }) }
      : {}),
  };
  return fc.record(all, { requiredKeys: [] }) as fc.Arbitrary<Record<string, Json>>;
}

/** RFC 14 YAML that `readJobspec` and `checkTasks` take. */
function jobspecsOf(taste: Taste): fc.Arbitrary<string> {
  const nothing = fc.constant<Record<string, Json>>({});
  const image: Record<string, Json> = { image: 'registry.example/app:1' };
  const users =
    taste === 'kubernetes'
      ? [image]
      : taste === 'sbatch'
        ? [{}]
        : [{}, image, { note: { a: [1, 'x', null], b: { c: 'd' } } }];
  return fc
    .record({
      layout: layout(taste),
      command: command(taste),
      runs: fc.constantFrom('once', 'each', ...(taste === null ? ['three'] : [])),
      system: fc.oneof(nothing, extras(taste)),
      rainbow: fc.oneof(nothing, nothing, own(taste)),
      user: fc.constantFrom<Record<string, Json>>(...users),
    })
    .map(({ layout, command, runs, system, rainbow, user }) => {
      const draft: Draft = { ...newDraft(), system: jsonMap(system), rainbow: jsonMap(rainbow), user: jsonMap(user) };
      draft.resources = layout.resources;
      const [first = 'task'] = layout.slots;
      if (runs === 'each') draft.tasks = layout.slots.map((slot) => ({ command, slot, count: { per_slot: 1 } }));
      else draft.tasks = [{ command, slot: first, count: { total: runs === 'once' ? 1 : 3 } }];
      return writeDraft(draft);
    });
}

export function jobspecs(target: string): fc.Arbitrary<string> {
  const taste = target === 'sbatch' || target === 'flux' || target === 'kubernetes' ? target : null;
  return fc.oneof(
    { weight: taste === null ? 0 : 3, arbitrary: jobspecsOf(taste) },
    { weight: 1, arbitrary: jobspecsOf(null) },
  );
}
