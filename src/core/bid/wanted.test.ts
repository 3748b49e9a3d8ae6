/** What a request asks for, counted; and how much of a cluster that is. */
import { expect, test } from 'vitest';
import { readJobspec } from '../jobspec/read.ts';
import { shareOf, taken, wanted } from './wanted.ts';

const totals = [
  { type: 'node', total: 4 },
  { type: 'core', total: 32 },
  { type: 'gpu', total: 8 },
];

function request(resources: unknown) {
  const jobspec = {
    version: 1,
    resources,
    tasks: [{ command: ['a'], slot: 's', count: { per_slot: 1 } }],
    attributes: { system: { duration: 60 } },
  };
  return readJobspec(JSON.stringify(jobspec)).request;
}
const slot = (count: number, inside: unknown[]) => ({ type: 'slot', count, label: 's', with: inside });

test.each([
  ['cores', [slot(3, [{ type: 'core', count: 4 }])], { core: 12 }, 12 / 32],
  [
    'cores of nodes that others share',
    [
      {
        type: 'node',
        count: 2,
        with: [
          slot(2, [
            { type: 'core', count: 4 },
            { type: 'gpu', count: 1 },
          ]),
        ],
      },
    ],
    { core: 16, gpu: 4 },
    0.5,
  ],
  ['whole nodes take their cores along', [slot(3, [{ type: 'node', count: 1 }])], { node: 3, core: 24 }, 0.75],
  [
    'exclusive nodes, too',
    [slot(1, [{ type: 'node', count: 2, exclusive: true, with: [{ type: 'core', count: 1 }] }])],
    { node: 2, core: 16 },
    0.5,
  ],
  ['more than there is is all of it', [slot(100, [{ type: 'core', count: 1 }])], { core: 100 }, 1],
])('%s', (_what, resources, takes, share) => {
  const asked = request(resources);
  expect(taken(asked, totals)).toEqual(takes);
  expect(shareOf(asked, totals)).toBeCloseTo(share);
});

test('nodes are wanted, whether they are taken whole or not: a tariff charges for them', () => {
  const shared = request([{ type: 'node', count: 2, with: [slot(1, [{ type: 'core', count: 4 }])] }]);
  expect(Object.fromEntries(wanted(shared))).toEqual({ node: 2, core: 8 });
});
