/** Random batch scripts and command lines of sbatch and Flux, with every option there is, rightly and wrongly used. */
import * as fc from 'fast-check';
import { SBATCH_OPTIONS } from '../slurm/options.ts';
import { BATCH_OPTIONS, SUBMIT_OPTIONS } from '../flux/options.ts';
import type { OptionKind } from '../getopt.ts';
import { spoilt } from './spoil.ts';

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
