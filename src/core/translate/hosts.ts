/** How many hosts an RFC 29 list names, without listing them. */
import { readHostlist } from '../jobspec/hostlist.ts';

/** null: it is no list of hosts. */
export function hostCount(text: string): number | null {
  const place = { node: { kind: 'scalar', value: text, text, at: { line: 1, column: 1 } }, path: '' } as const;
  let expressions: readonly string[];
  try {
    expressions = readHostlist(text, place);
  } catch {
    return null;
  }
  let count = 0;
  for (const expression of expressions) {
    const ranges = /\[(.*)\]/.exec(expression)?.[1];
    if (ranges === undefined) count += 1;
    for (const range of ranges?.split(',') ?? []) {
      const [first, last = first] = range.split('-');
      count += Number(last) - Number(first) + 1;
    }
  }
  return count === 0 || !Number.isSafeInteger(count) ? null : count;
}
