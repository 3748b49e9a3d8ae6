/**
 * How long a partition (queue, as Flux has it) lets a job run, as its vertex says it: `max_time`, in Slurm's words
 * (`7-00:00:00`, `UNLIMITED`) or Flux's (`1h`, seconds). What does not read limits nothing. Pure.
 */
import { parseDuration } from '../jobspec/duration.ts';
import { readSlurmTime } from '../translate/slurm/amounts.ts';

export interface PartitionLimit {
  readonly name: string;
  /** Seconds; Infinity where there is no limit. */
  readonly most: number;
  /** Is it for jobs that ask for none? */
  readonly isDefault: boolean;
}

/** `facts`: of the partition, or of its vertex. */
export function limitOf(name: string, facts: Readonly<Record<string, unknown>>): PartitionLimit {
  return { name, most: readLimit(facts['max_time']), isDefault: facts['default'] === true };
}

function readLimit(said: unknown): number {
  if (typeof said !== 'string' && typeof said !== 'number') return Infinity;
  const text = String(said).trim();
  // A number alone would be minutes for sbatch; scontrol never prints one.
  const seconds = /:|^\d+-/.test(text) ? readSlurmTime(text) : parseDuration(text);
  return typeof seconds === 'number' && seconds > 0 ? seconds : Infinity;
}

/** Those meant by `queue` (names with commas); null: the default one. */
export function meantBy<T extends PartitionLimit>(queue: string | null, all: readonly T[]): readonly T[] {
  const names = queue?.split(',');
  return all.filter(({ name, isDefault }) => (names === undefined ? isDefault : names.includes(name)));
}

/**
 * Why a job that asks for that time can run in none of the partitions that it may go to, and what to ask for instead; ''
 * where one lets it, or none is known. `walltime`: seconds; null: it asks for none.
 */
export function overLimit(
  { queue, walltime }: { readonly queue: string | null; readonly walltime: number | null },
  all: readonly PartitionLimit[],
): string {
  const meant = meantBy(queue, all);
  if (walltime === null || meant.length === 0 || meant.some(({ most }) => walltime <= most)) return '';
  const longest = Math.max(...meant.map(({ most }) => most));
  const which = `${queue === null ? 'its default ' : ''}partition ${listed(meant)}`;
  const others = all.filter((each) => !meant.includes(each) && walltime <= each.most);
  const instead = others.length === 0 ? '' : `, or for partition ${listed(others, ' or ')}`;
  return `${which} lets a job run for ${spanText(longest)}, not for ${spanText(walltime)}: ask for less time${instead}`;
}

const MOST_LISTED = 10;

function listed(all: readonly PartitionLimit[], by = ', '): string {
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
