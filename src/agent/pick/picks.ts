/** The picks by name. A new one is a file here and an entry below; pick.ts says what it is. */
import { invalid } from '../../core/errors.ts';
import { byLabel } from './label.ts';
import type { Pick, PickKind } from './pick.ts';
import { sizeOf } from './size.ts';

function withoutOptions(name: string, options: Readonly<Record<string, string>>): void {
  const [key] = Object.keys(options);
  if (key !== undefined) throw invalid('--pick-option', `${name} has no options; leave out ${key}`);
}

function plain(name: string, pick: Pick, takesAll = false): PickKind {
  return {
    takesAll,
    open(options) {
      withoutOptions(name, options);
      return pick;
    },
  };
}

const FIRST_COME = 'first-come';

export const picks: Readonly<Record<string, PickKind>> = Object.assign(Object.create(null), {
  [FIRST_COME]: plain(FIRST_COME, { rank: () => 0 }, true),
  smallest: plain('smallest', { rank: ({ jobspec }) => (jobspec === null ? 0 : sizeOf(jobspec)) }),
  shortest: plain('shortest', { rank: ({ order }) => order.walltime }),
  label: { takesAll: false, open: byLabel } satisfies PickKind,
});

export const PICK_NAMES = [FIRST_COME, 'smallest', 'shortest', 'label'] as const;

/** Throws `invalid_input`. */
export function pickNamed(name: string): PickKind {
  const kind = picks[name];
  if (kind !== undefined) return kind;
  throw invalid('--pick', `there is no ${JSON.stringify(name)}; there is: ${Object.keys(picks).join(', ')}`);
}
