/** The first contender by name. */
import { heavierFirst } from './heavier.ts';
import { ranking } from './policy.ts';
import type { Policy } from './policy.ts';

const NONE: readonly number[] = [];

const select = ranking(
  { by: 'state', keys: () => NONE, ties: 'name', note: () => 'first: by name' },
  ({ contenders }) =>
    heavierFirst(
      contenders.map((contender) => contender.cluster),
      contenders,
    ),
);

export const firstPolicy: Policy = { compile: () => select };
