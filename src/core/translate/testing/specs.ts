/** Random jobspecs of all dialects, most of them a little wrong. */
import * as fc from 'fast-check';
import { spoilt } from './spoil.ts';
import { mostly, record, scalar, small, texts, yaml } from './values.ts';

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
