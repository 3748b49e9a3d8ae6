/** What the contract says of a reason's stage is what the code gives. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MATCH_STAGES } from './matcher.ts';

test('the contract lists the stages, in their order', () => {
  const proto = readFileSync(new URL('../../../proto/rainbow/v1/job.proto', import.meta.url), 'utf8');
  const comment = /message MatchReason \{\n((?: *\/\/.*\n)+) *string stage = 1;/.exec(proto)?.[1] ?? '';
  const list = comment.replaceAll(/\n? *\/\/ ?/g, ' ').replaceAll(/\([^)]*\)/g, '');
  const said = list.slice(list.indexOf(':') + 1).split(',');
  expect(said.map((each) => each.trim())).toEqual([...MATCH_STAGES]);
});
