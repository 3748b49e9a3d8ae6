/**
 * Random input for the readers, by grammar: most of it nearly right, so that it gets far into them, and then spoilt:
 * a character more or less, a tab, a carriage return, a byte order mark, an anchor, a quote that stays open.
 */
import * as fc from 'fast-check';
import { SBATCH_OPTIONS } from '../slurm/options.ts';
import { BATCH_OPTIONS, SUBMIT_OPTIONS } from '../flux/options.ts';
import type { OptionKind } from '../getopt.ts';

const number = fc.oneof(
  fc.integer({ min: 0, max: 40 }).map(String),
  fc.constantFrom(
    '-1',
    '1e9',
    '2147483648',
    '99999999999999999999',
    '0x10',
    '1k',
    '2-4',
    '1,3',
    '4-2',
    '1-9:2',
    '00:00',
    '1-2',
    '-',
    '',
  ),
);
const amount = fc.oneof(
  number,
  fc.tuple(number, fc.constantFrom('G', 'M', 'Gi', 'GB', 'K', 'T', 'x', 'm', 's', 'h')).map((both) => both.join('')),
);
const name = fc.oneof(
  fc.stringMatching(/^[a-zA-Z][\w.-]{0,8}$/),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'ALL',
    'NONE',
    'gpu',
    'node[1-3]',
    'node[1-',
    'a&b|c',
    '[a|b]',
    '(a',
    'a*4',
    'ü',
    '%j',
    '%5t',
    '{{id}}',
    'afterok:1',
    'singleton',
    'a?b',
    'a=b',
    'a=b,c=',
    "a='b",
    'gpu:a100:2',
    'gpu:0',
    'cpu:4,gres/gpu:1',
    '^x',
    'host:a',
    '-x',
    'not',
    'x y',
    '{"a":1}',
    'a.b.c=[1,2]',
    '^f=g',
  ),
);
const value = fc.oneof(number, amount, name, fc.string({ maxLength: 8, unit: 'binary' }));

function option(kinds: readonly OptionKind[]): fc.Arbitrary<string> {
  return fc
    .record({
      kind: fc.constantFrom(...kinds),
      value,
      how: fc.integer({ min: 0, max: 5 }),
      cut: fc.integer({ min: 0, max: 12 }),
    })
    .map(({ kind, value, how, cut }) => {
      const long = kind.long[cut % kind.long.length]!;
      const shortened = cut === 0 ? long.slice(0, -1) : long;
      const quoted = how === 4 ? `"${value}"` : how === 5 ? `'${value}'` : value;
      if (kind.takes === 'nothing')
        return kind.short !== null && how % 2 === 0 ? `-${kind.short}` : `--${shortened}${how === 3 ? '=x' : ''}`;
      if (kind.short !== null && how % 2 === 0) return `-${kind.short}${how === 0 ? '' : ' '}${quoted}`;
      return `--${shortened}${how === 1 ? ' ' : '='}${quoted}`;
    });
}

/** What spoils a text that was all right. */
const spoil = fc.oneof(
  { weight: 30, arbitrary: fc.constant((text: string) => text) },
  {
    weight: 6,
    arbitrary: fc
      .record({
        at: fc.noBias(fc.integer({ min: 0, max: 1000 })),
        cut: fc.integer({ min: 0, max: 4 }),
        put: fc.oneof(
          fc.constantFrom(
            '\t',
            '\r',
            '\0',
            '"',
            "'",
            '\\',
            '#',
            '\n',
            '  ',
            '&a ',
            '*a',
            '- ',
            ': ',
            '{',
            ']',
            '|',
            '>',
            '%',
            '"""',
            '\uFEFF',
            '\uD800',
            '---\n',
            '<<: ',
          ),
          fc.string({ maxLength: 3, unit: 'binary' }),
        ),
      })
      .map(({ at, cut, put }) => (text: string) => {
        const from = Math.floor((at / 1000) * text.length);
        return text.slice(0, from) + put + text.slice(from + cut);
      }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      (text: string) => text.replaceAll('\n', '\r\n'),
      (text: string) => `\uFEFF${text}`,
      (text: string) => text.replaceAll('  ', '\t'),
      (text: string) => text + text,
    ),
  },
);

function spoilt(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(text, spoil, spoil).map(([text, first, second]) => second(first(text)));
}

const shebang = fc.constantFrom(
  ...Array.from({ length: 8 }, () => '#!/bin/sh'),
  '#!/bin/bash -l',
  '#! /usr/bin/env python3',
  '#!sh',
  '',
  'echo',
);
const body = fc.array(fc.constantFrom('echo hi', 'srun ./a', 'exec srun -- a b', 'exec a', '# comment', '', 'exit 3'), {
  maxLength: 3,
});

export const sbatchScripts = spoilt(
  fc
    .record({
      shebang,
      lines: fc.array(
        fc.oneof(
          {
            weight: 8,
            arbitrary: fc
              .array(option(SBATCH_OPTIONS), { minLength: 1, maxLength: 3 })
              .map((all) => `#SBATCH ${all.join(' ')}`),
          },
          {
            weight: 1,
            arbitrary: fc.constantFrom(
              '#SBATCH',
              '#SBATCH hetjob',
              '##SBATCH -N1',
              '# comment',
              '#PBS -l nodes=1',
              '',
              '#SBATCH word',
              '#SBATCH -N1 # why',
              '#SBATCH --',
            ),
          },
        ),
        { maxLength: 5 },
      ),
      body,
    })
    .map(({ shebang, lines, body }) => [shebang, ...lines, ...body, ''].join('\n')),
);

export const fluxScripts = spoilt(
  fc
    .record({
      shebang,
      mark: fc.constantFrom('# flux: ', '# flux: ', '#FLUX: ', '-- flux: ', 'flux: '),
      lines: fc.array(
        fc.oneof(
          {
            weight: 8,
            arbitrary: fc.array(option(BATCH_OPTIONS), { minLength: 1, maxLength: 3 }).map((all) => all.join(' ')),
          },
          {
            weight: 1,
            arbitrary: fc.constantFrom(
              '-N2',
              '-n 4',
              '# nothing',
              '--setattr=user.a="""b"c"""',
              '--setattr=user.a="""\nx\ny"""',
              "--job-name='''a",
              '',
            ),
          },
        ),
        { maxLength: 4 },
      ),
      slots: fc.constantFrom(true, true, true, false),
      body,
    })
    .map(({ shebang, mark, lines, slots, body }) =>
      [
        shebang,
        ...(slots ? [`${mark}-n2`] : []),
        ...lines.flatMap((line) => line.split('\n')).map((line) => mark + line),
        ...body,
        '',
      ].join('\n'),
    ),
);

export const fluxCommands = spoilt(
  fc
    .record({
      command: fc.constantFrom('submit', 'submit', 'submit', 'run', 'batch', 'batch', 'alloc'),
      options: fc.array(option(SUBMIT_OPTIONS), { maxLength: 4 }),
      rest: fc.constantFrom(
        '-- a b',
        "-- 'a b' c",
        'a',
        '',
        "<<'E'\n#!/bin/sh\necho\nE\n",
        "-n1 <<'E'\n#!/bin/sh\n# flux: -N1\nexec a\nE\n",
      ),
    })
    .map(({ command, options, rest }) => `flux ${command} ${options.join(' ')} ${rest}\n`),
);

const scalar = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    '',
    'Never',
    'Indexed',
    'NonIndexed',
    'a',
    '1',
    '500m',
    '1.5Gi',
    '1e3',
    '-1',
    '1e99',
    '0',
    '9223372036854775808',
    'x'.repeat(300),
    '$(A) $$(B) $(',
    'node[1-3]',
    '__proto__',
  ),
  fc.integer({ min: -2, max: 20 }),
  fc.double(),
);

const small = fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 9 }) }, { weight: 1, arbitrary: scalar });

/** Now and then something else than what belongs there. */
function or(right: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 60, arbitrary: right },
    { weight: 1, arbitrary: scalar },
    { weight: 1, arbitrary: fc.constantFrom<unknown>([], {}, [[]], { a: { b: [1] } }, [null], { '': '' }) },
  );
}

function record(
  required: Record<string, fc.Arbitrary<unknown>>,
  optional: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<unknown> {
  const all = Object.fromEntries(Object.entries({ ...required, ...optional }).map(([key, each]) => [key, or(each)]));
  return fc.record(all, { requiredKeys: Object.keys(required) });
}

/** Nearly always the first. */
function mostly(right: unknown, ...others: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 20, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

const quantity = fc.constantFrom<unknown>(
  '500m',
  1,
  2,
  '4Gi',
  '100M',
  '0',
  '1.5',
  '1e3',
  0.5,
  '12345678901',
  '1Ei',
  'lots',
);
const quantities = fc.dictionary(
  fc.constantFrom(
    'cpu',
    'memory',
    'nvidia.com/gpu',
    'amd.com/gpu',
    'rdma/hca',
    'ephemeral-storage',
    'hugepages-2Mi',
    'x',
  ),
  quantity,
  { maxKeys: 3, noNullPrototype: true },
);
const texts = fc.array(fc.constantFrom<unknown>('a', '$(A)', '', 'b c', 3, true), { maxLength: 3 });
const variables = fc.array(
  record(
    { name: mostly('A', 'B', '', 'a=b') },
    { value: scalar, valueFrom: fc.constant<unknown>({ fieldRef: { fieldPath: 'x' } }) },
  ),
  { maxLength: 3 },
);
const anything = fc.constantFrom<unknown>('x', 3, true, { a: 1 }, [{ b: null }]);
const expression = record(
  {
    key: fc.constantFrom<unknown>('k', 'kubernetes.io/hostname', 'a/b'),
    operator: mostly('In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Is'),
  },
  { values: fc.array(fc.constantFrom<unknown>('a', 'b', 1), { maxLength: 2 }) },
);
const term = record(
  {},
  { matchExpressions: fc.array(expression, { maxLength: 2 }), matchFields: fc.array(expression, { maxLength: 1 }) },
);
const affinity = record(
  {},
  {
    nodeAffinity: record(
      {},
      {
        requiredDuringSchedulingIgnoredDuringExecution: record(
          { nodeSelectorTerms: fc.array(term, { maxLength: 2 }) },
          {},
        ),
        preferredDuringSchedulingIgnoredDuringExecution: anything,
      },
    ),
    podAffinity: fc.constant<unknown>({ requiredDuringSchedulingIgnoredDuringExecution: [{}] }),
  },
);
const container = record(
  { name: fc.constant<unknown>('c'), command: texts },
  {
    image: mostly('a:1', 'b c', ''),
    args: texts,
    env: variables,
    envFrom: anything,
    workingDir: mostly('/a', ''),
    resources: record({}, { requests: quantities, limits: quantities, claims: anything }),
    ports: anything,
    volumeMounts: anything,
    unknown: anything,
  },
);
const pod = record(
  { containers: fc.array(container, { minLength: 1, maxLength: 2 }) },
  {
    restartPolicy: fc.constantFrom<unknown>('Never', 'OnFailure'),
    nodeSelector: fc.constantFrom<unknown>({ a: 'b' }, { 'kubernetes.io/hostname': 'n' }),
    affinity,
    nodeName: mostly('n', 'n['),
    activeDeadlineSeconds: small,
    tolerations: anything,
    volumes: anything,
    initContainers: anything,
    securityContext: anything,
  },
);
const spec = record(
  { template: record({ spec: pod }, { metadata: anything }) },
  {
    parallelism: small,
    completions: small,
    completionMode: fc.constantFrom<unknown>('Indexed', 'NonIndexed'),
    backoffLimit: small,
    activeDeadlineSeconds: small,
    suspend: fc.boolean(),
    ttlSecondsAfterFinished: scalar,
    podFailurePolicy: anything,
  },
);
const job = record(
  {
    apiVersion: mostly('batch/v1', 'batch/v1beta1'),
    kind: mostly('Job', 'CronJob'),
    spec,
  },
  {
    metadata: record(
      {},
      {
        name: fc.constantFrom<unknown>('j', ''),
        generateName: fc.constantFrom<unknown>('g-', 'rainbow-'),
        labels: mostly({ app: 'x' }, 3),
        annotations: mostly({ 'rainbow/name': 'A b' }, [1]),
        uid: scalar,
      },
    ),
    status: anything,
  },
);
const documents = fc.oneof(
  { weight: 6, arbitrary: job.map((one) => [one]) },
  { weight: 1, arbitrary: fc.array(job, { maxLength: 3 }) },
  {
    weight: 1,
    arbitrary: fc.array(job, { maxLength: 2 }).map((items): unknown[] => [{ apiVersion: 'v1', kind: 'List', items }]),
  },
);

export const kubernetesDocuments = spoilt(
  fc
    .tuple(documents, fc.boolean())
    .map(([all, flow]) => all.map((one) => (flow ? JSON.stringify(one) : yaml(one, 0))).join('\n---\n')),
);

/** Plain block YAML: quick, and with indentation to spoil. */
function yaml(value: unknown, depth: number): string {
  const indent = '  '.repeat(depth);
  if (Array.isArray(value) && value.length > 0)
    return value.map((each) => `\n${indent}- ${yaml(each, depth + 1).trimStart()}`).join('');
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0 && !Array.isArray(value)) {
    return Object.entries(value)
      .map(
        ([key, each]) => `\n${indent}${/^[\w./-]+$/.test(key) ? key : JSON.stringify(key)}: ${yaml(each, depth + 1)}`,
      )
      .join('');
  }
  return JSON.stringify(value) ?? 'null';
}

const ranges: readonly unknown[] = ['2-4', '1,3', '2+:2:*', { min: 1 }, { min: 2, max: 8, operator: '*', operand: 2 }];

/** `inList`: of RFC 14; else of nextgen. */
function vertices(inList: boolean): fc.Arbitrary<unknown> {
  const number = mostly(2, 0, -1, 'x');
  const count = inList ? fc.oneof(number, fc.constantFrom(...ranges)) : number;
  const plain = {
    unit: fc.constantFrom<unknown>('GB', ''),
    exclusive: fc.boolean(),
    requires: mostly([{ name: 'io', field: 'type', match: 'shm' }], 'x', [{}]),
  };
  return fc.letrec<{ vertex: unknown }>((tie) => {
    const within = fc.array(tie('vertex'), { minLength: 1, maxLength: 2 });
    const leaf = record({ type: mostly('core', 'gpu', 'memory', 'slot'), count }, plain);
    const inner = record(
      { type: mostly('node', 'rack'), count, with: within },
      inList ? plain : { ...plain, replicas: number },
    );
    const slot = record({ type: fc.constant<unknown>('slot'), count, label: mostly('a', 'b'), with: within }, {});
    return { vertex: fc.oneof({ maxDepth: 3 }, leaf, inner, slot) };
  }).vertex;
}

const resources = fc.oneof(
  fc.array(vertices(true), { minLength: 1, maxLength: 2 }),
  fc.dictionary(fc.oneof(fc.constantFrom('a', 'b'), fc.constantFrom('a', 'b', 'a|b')), vertices(false), {
    maxKeys: 2,
    noNullPrototype: true,
  }),
);
const task = record(
  { command: fc.oneof(texts, fc.constantFrom<unknown>('a b', "a 'b")) },
  {
    slot: fc.constantFrom<unknown>('a', 'b'),
    resources: fc.constantFrom<unknown>('a', 'b'),
    count: fc.constantFrom<unknown>({ per_slot: 1 }, { total: 3 }, { per_resource: { type: 'core', count: 2 } }, {}),
    group: fc.constantFrom<unknown>('g'),
    replicas: scalar,
    depends_on: mostly(['x'], 3),
  },
);
const jobspec = record(
  { version: mostly(1, 9999, 2) },
  {
    name: mostly('x', 1, {}),
    resources,
    tasks: fc.array(task, { maxLength: 2 }),
    groups: fc.array(
      record(
        { name: fc.constant<unknown>('g') },
        { tasks: fc.array(task, { maxLength: 2 }), groups: mostly([], [{ name: 'g' }], 'x') },
      ),
      { maxLength: 2 },
    ),
    attributes: record(
      {},
      {
        system: record(
          {},
          {
            duration: small,
            cwd: mostly('/a', '', 3),
            environment: mostly({ A: 'b', C: null }, 3),
            constraints: fc.constantFrom<unknown>(
              { properties: ['a'] },
              { hostlist: ['a[1-3'] },
              { and: [{ ranks: ['0-3'] }] },
              { nor: [] },
            ),
            job: mostly({ name: 'x' }, 3),
          },
        ),
        parameter: mostly({ a: 1 }, [1]),
        image: scalar,
      },
    ),
  },
);

export const jobspecDocuments = spoilt(
  fc.tuple(jobspec, fc.boolean()).map(([one, flow]) => (flow ? JSON.stringify(one) : yaml(one, 0))),
);
