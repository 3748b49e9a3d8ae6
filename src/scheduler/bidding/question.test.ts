/** Which jobs are the same question. */
import { expect, test } from 'vitest';
import { readJobspec } from '../../core/jobspec/read.ts';
import { askAbout } from './question.ts';

function shape(more: { cores?: number; command?: string; queue?: string } = {}, walltime = 60, priority = 0): string {
  const text = JSON.stringify({
    version: 1,
    resources: [{ type: 'slot', count: 1, label: 's', with: [{ type: 'core', count: more.cores ?? 2 }] }],
    tasks: [{ command: [more.command ?? 'a'], slot: 's', count: { per_slot: 1 } }],
    attributes: { system: { duration: 60, ...(more.queue === undefined ? {} : { queue: more.queue }) } },
  });
  return askAbout(text, readJobspec(text), walltime, priority).question.shape;
}

test('what decides the answer makes another question; what does not, does not', () => {
  expect(shape({ command: 'b' })).toBe(shape());
  const others = [
    shape({ cores: 3 }),
    shape({ queue: 'debug' }),
    shape({ queue: 'batch' }),
    shape({}, 61),
    shape({}, 60, 1),
  ];
  expect(new Set([shape(), ...others]).size).toBe(6);
});

test('no time is another question than the time that the server gives where none is', () => {
  const text = (duration?: number): string =>
    JSON.stringify({
      version: 1,
      resources: [{ type: 'slot', count: 1, label: 's', with: [{ type: 'core', count: 2 }] }],
      tasks: [{ command: ['a'], slot: 's', count: { per_slot: 1 } }],
      attributes: { system: { duration } },
    });
  const asked = (said: string): ReturnType<typeof askAbout>['question'] =>
    askAbout(said, readJobspec(said), 3600, 0).question;
  expect(asked(text()).shape).not.toBe(asked(text(3600)).shape);
  expect([asked(text()).isOpen, asked(text(3600)).isOpen]).toEqual([true, false]);
});

test('the class of shapes is by nodes, gpus and walltime', () => {
  const text = JSON.stringify({
    version: 1,
    resources: [
      { type: 'node', count: 3, with: [{ type: 'slot', count: 1, label: 's', with: [{ type: 'gpu', count: 1 }] }] },
    ],
    tasks: [{ command: ['a'], slot: 's', count: { per_slot: 1 } }],
    attributes: { system: { duration: 60 } },
  });
  expect(askAbout(text, readJobspec(text), 7200, 0).shapeClass).toBe('up to 4 nodes with gpus, up to 6 h');
});
