/** Input that means harm, or was saved by a careless editor: refused at once, with the place. */
import { expect, test } from 'vitest';
import { RainbowError } from '../errors.ts';
import { NO_CONTEXT } from './context.ts';
import { decodeText } from './text.ts';
import { formOf, translate } from './translate.ts';
import type { Form } from './translate.ts';
import { cpuTime } from '../../system/testing/cpu-time.ts';

const MiB = 2 ** 20;
const job = (more: string): string => `apiVersion: batch/v1
kind: Job
spec:
  template:
    spec:
      containers:
        - command: [a]
${more}`;

const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${Array.from('bcdefghij')
  .map((c, i) => `${c}: &${c} [${Array.from({ length: 10 }, () => `*${'abcdefghij'[i]!}`).join(',')}]\n`)
  .join('')}`;

function refusal(form: Form, text: string): string {
  const began = cpuTime();
  try {
    translate(text, form, NO_CONTEXT);
  } catch (error) {
    if (!(error instanceof RainbowError) || error.code !== 'invalid_input') throw error;
    if (cpuTime() - began > 3000) throw new Error('it took too long', { cause: error });
    return error.message;
  }
  return 'it was taken';
}

test.each<[string, Form, string, RegExp]>([
  [
    'a line of 10 MB',
    'sbatch',
    `#!/bin/sh\n#SBATCH -J ${'x'.repeat(10 * MiB)}\n`,
    /^line 2, column \d+: here the text passes/,
  ],
  [
    'a line of 10 MB',
    'flux',
    `#!/bin/sh\n# flux: -n1 --job-name=${'x'.repeat(10 * MiB)}\n`,
    /^line 2, column \d+: here/,
  ],
  ['a line of 10 MB', 'flux-command', `flux submit -- ${'x'.repeat(10 * MiB)}\n`, /^line 1, column 262145: here/],
  [
    'a line of 10 MB',
    'kubernetes',
    job(`          args: [${'x'.repeat(10 * MiB)}]`),
    /line 8, column \d+: longer than/,
  ],
  ['a long directive', 'sbatch', `#!/bin/sh\n#SBATCH -J ${'x'.repeat(100_000)}\n`, /^line 2, column 65537: /],
  ['a hundred thousand options', 'sbatch', `#!/bin/sh\n${`#SBATCH ${'-H '.repeat(15_000)}\n`.repeat(3)}`, /limit/],
  ['a hundred thousand options', 'flux', `#!/bin/sh\n${`# flux: ${'-x '.repeat(15_000)}\n`.repeat(3)}`, /limit/],
  ['DOS line breaks', 'sbatch', '#!/bin/sh\n#SBATCH -N1\r\necho\r\n', /^line 2, column 12: DOS line breaks/],
  ['DOS line breaks', 'sbatch', '#!/bin/sh\r\n#SBATCH -N1\r\n', /^line 1, column 10: DOS line breaks/],
  ['DOS line breaks', 'flux', '#!/bin/sh\n# flux: -n1\r\n', /^line 2, column 12: DOS line breaks/],
  ['a byte order mark', 'sbatch', '\uFEFF#!/bin/sh\n', /^line 1, column 1: a byte order mark/],
  ['a byte order mark', 'flux', '\uFEFF#!/bin/sh\n', /^line 1, column 1: a byte order mark/],
  ['a NUL', 'sbatch', '#!/bin/sh\necho \0\n', /^line 2, column 6: a NUL/],
  ['a NUL', 'flux', '#!/bin/sh\n# flux: -n1\necho \0\n', /^line 3, column 6: a NUL/],
  ['no first line', 'sbatch', 'echo hi\n', /^line 1, column 1: this is no batch script/],
  ['an open quote', 'sbatch', `#!/bin/sh\n#SBATCH -J "a b\n`, /^line 2, column 12: the " is not closed/],
  ['an open quote', 'flux', `#!/bin/sh\n# flux: -n1 --job-name='a b\n`, /^line 2, column 24: the ' is not closed/],
  [
    'open triple quotes',
    'flux',
    `#!/bin/sh\n# flux: -n1 --setattr=user.a="""\n# flux: b\n`,
    /^line 2, column \d+: the """ is not closed before line 4/,
  ],
  [
    'a directive too late',
    'flux',
    '#!/bin/sh\n# flux: -n1\necho\n# flux: -N1\n',
    /^line 4, column 3: a directive after line 3/,
  ],
  [
    'another sentinel',
    'flux',
    '#!/bin/sh\n# flux: -n1\n## flux: -N1\n',
    /^line 3, column 4: all directives begin alike/,
  ],
  ['a bomb of aliases', 'kubernetes', bomb, /line \d+, column \d+: holds more than 50000 values/],
  ['an alias to itself', 'kubernetes', job('          args: &a [*a]'), /line 8, column 21: no anchor &a/],
  [
    'a key twice',
    'kubernetes',
    job('          command: [b]'),
    /line 8, column 11: the key "command" stands here twice/,
  ],
  [
    'tabs',
    'kubernetes',
    'apiVersion: batch/v1\nkind: Job\nspec:\n\ttemplate: {}\n',
    /line 4, column \d+: Tabs are not allowed/,
  ],
  ['a million brackets', 'kubernetes', '['.repeat(MiB), /line 1, column 65: nested deeper than 64/],
  ['a million commas', 'kubernetes', `[${','.repeat(MiB - 10)}`, /line 1, column \d+: has more than 40000 tokens/],
  ['thousands of documents', 'kubernetes', '---\na\n'.repeat(5000), /line \d+, column \d+: more than 100 documents/],
  ['a tag', 'kubernetes', job('          args: !!python/object x'), /line 8, column 17: Unresolved tag/],
  ['nothing', 'kubernetes', '', /^line 1, column 1: there is no Job/],
  ['a scalar', 'kubernetes', 'hello', /^line 1, column 1: must be a map/],
])('%s, %s', (_, form, text, message) => {
  expect(refusal(form, text)).toMatch(message);
});

test('Kubernetes documents may have a byte order mark, DOS line breaks and anchors', () => {
  const text = `\uFEFF${job('          args: [&x b, *x]').replaceAll('\n', '\r\n')}`;
  const { jobs } = translate(text, formOf(text), NO_CONTEXT);
  expect(jobs[0]!.jobspec).toContain('- a\n      - b\n      - b\n');
});

test.each([
  [[0x61, 0x0a, 0x62, 0xff], 'line 2, column 2: the byte 0xff is not UTF-8'],
  [[0xc3, 0xa9, 0x80], 'line 1, column 2: the byte 0x80'],
  [[0xe2, 0x82], 'line 1, column 1: the byte 0xe2'],
  [[0xed, 0xa0, 0x80], 'line 1, column 1: the byte 0xed'],
  [[0xc0, 0xaf], 'line 1, column 1: the byte 0xc0'],
  [[0xf4, 0x90, 0x80, 0x80], 'line 1, column 1: the byte 0xf4'],
  [[0xf0, 0x9f, 0x98, 0x80, 0xfe], 'line 1, column 3: the byte 0xfe'],
])('%j is no UTF-8', (bytes, message) => {
  expect(() => decodeText(Uint8Array.from(bytes), 100)).toThrow(message);
});

test('too many bytes', () => {
  expect(() => decodeText(Buffer.from('ab\ncdef'), 5)).toThrow('line 2, column 3: here the text passes 5 bytes');
  expect(decodeText(Buffer.from('\uFEFFé'), 5)).toBe('\uFEFFé');
});
