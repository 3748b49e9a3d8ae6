/** How entries of `requires` become bindings. */
import { expect, test } from 'vitest';
import { readJobspec } from './read.ts';

function requirements(written: string): readonly (readonly [string | null, readonly string[]])[] {
  const text = `version: 1\nresources: {a: {type: node, requires: ${written}}}`;
  const vertex = readJobspec(text).request.groups[0]!.vertices[0]!;
  return vertex.requires.map(({ subsystem, fields }) => [
    subsystem,
    fields.map(
      ({ field, match, min, max }) =>
        `${field}${match === null ? '' : `=${match}`}${min === null ? '' : `>=${min.text}`}${max === null ? '' : `<=${max.text}`}`,
    ),
  ]);
}

test.each([
  [
    'distinct fields bind one vertex',
    '[{name: sw, field: name, match: openmpi}, {name: sw, field: version, min: "11"}]',
    [['sw', ['name=openmpi', 'version>=11']]],
  ],
  [
    'a repeated field starts a new binding, which later fields join',
    '[{name: io, field: type, match: shm}, {name: io, field: type, match: nvme}, {name: io, field: size, match: 3}]',
    [
      ['io', ['type=shm']],
      ['io', ['type=nvme', 'size=3']],
    ],
  ],
  [
    'subsystems are apart',
    '[{name: io, field: type, match: shm}, {name: sw, field: type, match: x}, {name: io, field: a, match: b}]',
    [
      ['io', ['type=shm', 'a=b']],
      ['sw', ['type=x']],
    ],
  ],
  ['value alone means match', '[{name: s, field: cpu.target, value: amd64}]', [['s', ['cpu.target=amd64']]]],
  [
    'attribute and value are one more field of the same vertex',
    '[{name: spack, field: type, match: package, attribute: name, value: openssl}]',
    [['spack', ['type=package', 'attributes.name=openssl']]],
  ],
  ['a nested map', '{io.archspec: {cpu.target: amd64}}', [['io.archspec', ['cpu.target=amd64']]]],
  ['a nested range', '{sw: {version: {min: "0.5", max: 1}}}', [['sw', ['version>=0.5<=1']]]],
  ['a nested map in a list', '[{io: {type: shm}}]', [['io', ['type=shm']]]],
  ['scalars by their source text', '[{name: sw, field: version, match: 0.10}]', [['sw', ['version=0.10']]]],
  ['the containment graph itself', '[{name: cluster, field: site, match: north}]', [[null, ['site=north']]]],
])('%s', (_, written, expected) => {
  expect(requirements(written)).toEqual(expected);
});

test('bounds say whether they were numbers', () => {
  const text = 'version: 1\nresources: {a: {type: node, requires: [{name: sw, field: v, min: 0.10, max: "2"}]}}';
  const field = readJobspec(text).request.groups[0]!.vertices[0]!.requires[0]!.fields[0]!;
  expect(field.min).toEqual({ text: '0.10', number: 0.1 });
  expect(field.max).toEqual({ text: '2', number: null });
});
