/**
 * How large a job a queue takes (Flux's `policy.limits.job-size.max`), as its vertex says it: `max_nodes`, `max_cores`,
 * `max_gpus`. Pure. Where it stops: a job counts with what it asks for at least (core/bid/wanted.ts); what Flux adds to that
 * itself, and the least size of a queue, it judges itself.
 */
import type { Wants } from '../bid/wanted.ts';
import { listed, meantBy, type PartitionName } from './time-limits.ts';

const COUNTED = ['node', 'core', 'gpu'] as const;

export interface SizeLimit extends PartitionName {
  /** By type of vertex, each at least 0; Infinity where there is no limit. */
  readonly most: Readonly<Record<(typeof COUNTED)[number], number>>;
}

/** `facts`: of the queue, or of its vertex. */
export function sizeLimitOf(name: string, facts: Readonly<Record<string, unknown>>): SizeLimit {
  const most = (key: string): number => {
    const said = facts[key];
    return typeof said === 'number' && said >= 0 ? said : Infinity;
  };
  return {
    name,
    isDefault: facts['default'] === true,
    most: { node: most('max_nodes'), core: most('max_cores'), gpu: most('max_gpus') },
  };
}

export function limitsSize({ most }: SizeLimit): boolean {
  return COUNTED.some((type) => most[type] < Infinity);
}

/** Why a job that wants so much can run in none of the queues that it may go to; '' where one takes it, or none is known. */
export function overSize(queue: string | null, wants: Wants, all: readonly SizeLimit[]): string {
  const meant = meantBy(queue, all);
  const tooMany = ({ most }: SizeLimit): (typeof COUNTED)[number] | undefined =>
    COUNTED.find((type) => (wants.get(type) ?? 0) > most[type]);
  const [first] = meant;
  if (first === undefined || meant.some((each) => tooMany(each) === undefined)) return '';
  const type = tooMany(first)!;
  const others = all.filter((each) => !meant.includes(each) && tooMany(each) === undefined);
  const instead = others.length === 0 ? '' : `, or for queue ${listed(others, ' or ')}`;
  const which = first.name === '' ? 'it' : `${queue === null ? 'its default ' : ''}queue ${first.name}`;
  const most = first.most[type];
  return `${which} takes jobs of at most ${most} ${type}${most === 1 ? '' : 's'}, not of ${wants.get(type)}: ask for less${instead}`;
}
