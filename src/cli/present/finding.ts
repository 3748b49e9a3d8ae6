/** What a check of the store has found, for people: where, what, and on a line of its own what to do. */
import type { Finding } from '../../store/upkeep/finding.ts';
import { clean } from '../paint.ts';

export function findingText({ where, what, remedy }: Finding): string {
  return `${clean(where)}: ${clean(what)}\n  ${remedy}`;
}
