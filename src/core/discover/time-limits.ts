/**
 * How long a partition (queue, as Flux has it) lets a job run, and how long one that asks for no time, as its vertex says
 * it: `max_time` and `default_time`, in Slurm's words (`7-00:00:00`, `UNLIMITED`) or Flux's (`1h`, seconds). What does not
 * read limits nothing. Pure. Where it stops: what associations and QOS set is not seen.
 */
import { parseDuration } from '../jobspec/duration.ts';
import { readSlurmTime } from '../translate/slurm/amounts.ts';

export interface PartitionName {
  /** '' where the whole cluster is one, and has no name: a Flux instance without queues. */
  readonly name: string;
  /** Is it for jobs that ask for none? */
  readonly isDefault: boolean;
}

export interface PartitionLimit extends PartitionName {
  /** Seconds; Infinity where there is no limit. */
  readonly most: number;
  /** Seconds that it gives a job that asks for none; null: it says none. At most `most`. */
  readonly own: number | null;
}

/** `facts`: of the partition, or of its vertex. */
export function limitOf(name: string, facts: Readonly<Record<string, unknown>>): PartitionLimit {
  const most = readLimit(facts['max_time']);
  const own = readLimit(facts['default_time']);
  return { name, most, own: own === Infinity ? null : Math.min(own, most), isDefault: facts['default'] === true };
}

function readLimit(said: unknown): number {
  if (typeof said !== 'string' && typeof said !== 'number') return Infinity;
  const text = String(said).trim();
  // A number alone would be minutes for sbatch; scontrol never prints one.
  const seconds = /:|^\d+-/.test(text) ? readSlurmTime(text) : parseDuration(text);
  return typeof seconds === 'number' && seconds > 0 ? seconds : Infinity;
}

/** Those meant by `queue` (names with commas); null: the default one. */
export function meantBy<T extends PartitionName>(queue: string | null, all: readonly T[]): readonly T[] {
  const names = queue?.split(',');
  return all.filter(({ name, isDefault }) => (names === undefined ? isDefault : names.includes(name)));
}

/** What of a job decides how long it may run. */
export interface TimeAsked {
  readonly queue: string | null;
  /** Seconds; null: it asks for none. */
  readonly walltime: number | null;
  /** What it may be given where they have no more. Seconds; null: it needs all. */
  readonly leastTime?: number | null;
}

/**
 * Seconds that a job will have among such partitions: what it asks for, or their limit where that is shorter and still the
 * least that it needs, which of --time and --time-min both Slurm's scheduler takes (sbatch itself, where limits are enforced,
 * looks at --time alone); where it asks for none, what they give by themselves, of several the
 * longest; else `fallback` (Rainbow's own), or their limit where that is shorter: of several Slurm may want each to let it.
 */
export function timeAmong(asked: TimeAsked, all: readonly PartitionLimit[], fallback: number): number {
  const meant = meantBy(asked.queue, all);
  if (asked.walltime !== null) {
    const longest = meant.length === 0 ? Infinity : Math.max(...meant.map(({ most }) => most));
    return longest >= (asked.leastTime ?? Infinity) ? Math.min(asked.walltime, longest) : asked.walltime;
  }
  if (givesTime(asked.queue, all)) return Math.max(...meant.map(({ own }) => own ?? 0));
  return Math.min(fallback, ...meant.map(({ most }) => most));
}

/** Does each that is meant give a job that asks for no time one by itself? */
export function givesTime(queue: string | null, all: readonly PartitionLimit[]): boolean {
  const meant = meantBy(queue, all);
  return meant.length > 0 && meant.every(({ own }) => own !== null);
}

/**
 * Why a job that asks for that time can run in none of the partitions that it may go to, and what to ask for instead; ''
 * where one lets it, or none is known.
 */
export function overLimit(
  { queue, walltime: asks, leastTime = null }: TimeAsked,
  all: readonly PartitionLimit[],
): string {
  const meant = meantBy(queue, all);
  const walltime = leastTime ?? asks;
  if (walltime === null || meant.length === 0 || meant.some(({ most }) => walltime <= most)) return '';
  const longest = Math.max(...meant.map(({ most }) => most));
  const isUnnamed = meant.every(({ name }) => name === '');
  const which = isUnnamed ? 'it' : `${queue === null ? 'its default ' : ''}partition ${listed(meant)}`;
  const others = all.filter((each) => !meant.includes(each) && walltime <= each.most);
  const instead = others.length === 0 ? '' : `, or for partition ${listed(others, ' or ')}`;
  return `${which} lets a job run for ${spanText(longest)}, not for ${spanText(walltime)}: ask for less time${instead}`;
}

const MOST_LISTED = 10;

/** Their names, the first of many. */
export function listed(all: readonly PartitionName[], by = ', '): string {
  const names = all.slice(0, MOST_LISTED).map(({ name }) => name);
  return names.join(by) + (all.length > MOST_LISTED ? ', …' : '');
}

/** In the largest unit in which it is whole. */
function spanText(seconds: number): string {
  const [size, unit] = (
    [
      [86_400, 'd'],
      [3600, 'h'],
      [60, 'min'],
    ] as const
  ).find(([each]) => seconds % each === 0) ?? [1, 's'];
  return `${seconds / size} ${unit}`;
}
