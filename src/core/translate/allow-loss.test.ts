import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readJobspec } from '../jobspec/read.ts';
import { allowLoss } from './allow-loss.ts';
import { lossAllowed } from './native.ts';

const example = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../../examples/jobspecs', name), 'utf8');

test.each(['nextgen.yaml', 'rfc14.yaml', 'rfc25.yaml', 'software.yaml', 'constraint.yaml'])(
  '%s says it then, and nothing else changes',
  (name) => {
    const before = example(name);
    const after = allowLoss(before);
    expect(lossAllowed(before)).toBe(false);
    expect(lossAllowed(after)).toBe(true);
    expect(readJobspec(after)).toEqual({ ...readJobspec(before), allowLossy: true });
    expect(allowLoss(after)).toBe(after);
  },
);

test('comments, scripts and numbers stay as they are written; JSON too', () => {
  const script = 'a: 0.10 # so\nb: |\n  #!/bin/sh\n  echo  x\nattributes:\n  system: { duration: 1e1 }\n  rainbow: ~\n';
  expect(allowLoss(script)).toBe(script.replace('rainbow: ~', 'rainbow:\n    allowLossy: true'));
  expect(lossAllowed(allowLoss('{"version": 1, "attributes": {"rainbow": {"allowLossy": false}}}'))).toBe(true);
});

test('where it cannot be put is said', () => {
  expect(() => allowLoss('attributes: 7')).toThrow(/attributes: a map is needed/);
  expect(() => allowLoss('x: &a {}\nattributes: *a')).toThrow(/attributes/);
  expect(() => allowLoss('[1]')).toThrow(/jobspec/);
  expect(() => allowLoss('{')).toThrow(/line 1/);
});
