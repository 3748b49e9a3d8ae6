/**
 * What makes a cluster a no before anything is matched, since no graph says it: whose jobs its agent runs, the
 * partition (queue, as Flux has it) that a job asks for, as sbatch refuses one that there is not, and how long, and
 * how large, the partition that it would go to lets one be; and so how long a job will have there. Pure memory, kept by the registry. Where it stops: of a cluster that has
 * registered no partitions its own scheduler says, save of plain machines, which have none.
 */
import {
  limitOf,
  meantBy,
  overLimit,
  timeAmong,
  type PartitionLimit,
  type TimeAsked,
} from '../core/discover/time-limits.ts';
import type { Subsystem } from '../core/graph/graph.ts';
import { wanted } from '../core/bid/wanted.ts';
import { limitsSize, overSize, sizeLimitOf, type SizeLimit } from '../core/discover/size-limits.ts';
import type { Jobspec, Request } from '../core/jobspec/jobspec.ts';
import type { MatchStage, Verdict } from '../core/match/matcher.ts';
import type { ClusterRecord } from '../store/store.ts';

export interface Admission {
  /** The record of a cluster, or what it is now. */
  record(record: ClusterRecord): void;
  /** All subsystems of a cluster, or one more. */
  subsystems(cluster: string, found: readonly Subsystem[], are: 'all' | 'more'): void;
  dropSubsystem(cluster: string, subsystem: string): void;
  drop(cluster: string): void;
  /** Has its agent said whose jobs it runs? Otherwise anybody's. */
  isParticular(cluster: string): boolean;
  /** Null: ask the matcher. `owner` undefined: nobody in particular. */
  refuses(cluster: string, jobspec: AskedOf, owner: string | undefined): Verdict | null;
  /** Clusters that refuse such a job for its time or size where it asks for no partition. `walltime`: seconds. */
  tooSmallFor(asked: Pick<Jobspec, 'walltime' | 'request'>): readonly string[];
  /** Seconds that such a job has there. `fallback`: the server's own, for one that asks for none. */
  timeAt(cluster: string, asked: TimeAsked, fallback: number): number;
  /** The least that it may be given there: Slurm may cut it down to what it says that it needs. */
  leastAt(cluster: string, asked: TimeAsked, fallback: number): number;
}

/** `request` left out: nothing is asked for that a partition may have too little of. */
export type AskedOf = TimeAsked & Pick<Jobspec, 'allowLossy'> & { readonly request?: Request };

/** The subsystem that partitions are registered as. */
const PARTITIONS = 'partition';

export function createAdmission(): Admission {
  /** Of clusters that said it: the owners who have a local user there. */
  const accounts = new Map<string, { readonly told: readonly string[]; readonly owners: ReadonlySet<string> }>();
  const partitions = new Map<string, readonly PartitionLimit[]>();
  /** Of the clusters that have such limits. */
  const sizes = new Map<string, readonly SizeLimit[]>();
  /** Seconds, of the clusters whose default partition has a limit. */
  const byDefault = new Map<string, number>();
  const plain = new Set<string>();
  /** Clusters of Slurm, which alone knows of a least time. */
  const slurm = new Set<string>();
  const askedAt = (cluster: string, asked: TimeAsked): TimeAsked =>
    (asked.leastTime ?? null) === null || slurm.has(cluster) ? asked : { ...asked, leastTime: null };
  const timeAt: Admission['timeAt'] = (cluster, asked, fallback) =>
    timeAmong(askedAt(cluster, asked), partitions.get(cluster) ?? [], fallback);
  const keep = (cluster: string, { times: found, sizes: large }: FoundLimits): void => {
    partitions.set(cluster, found);
    if (large.some(limitsSize)) sizes.set(cluster, large);
    else sizes.delete(cluster);
    const most = Math.max(...meantBy(null, found).map((each) => each.most));
    if (most > 0 && most < Infinity) byDefault.set(cluster, most);
    else byDefault.delete(cluster);
  };
  const forget = (cluster: string): void => {
    partitions.delete(cluster);
    sizes.delete(cluster);
    byDefault.delete(cluster);
  };
  return {
    record({ name, instance }) {
      const told = instance?.accounts;
      if (told === undefined) accounts.delete(name);
      else if (told !== accounts.get(name)?.told) accounts.set(name, { told, owners: new Set(told) });
      if (instance?.runner === 'process') plain.add(name);
      else plain.delete(name);
      if (instance?.runner === 'slurm') slurm.add(name);
      else slurm.delete(name);
    },
    subsystems(cluster, found, are) {
      const one = found.find(({ name }) => name === PARTITIONS);
      if (one !== undefined) keep(cluster, partitionsIn(one));
      else if (are === 'all') forget(cluster);
    },
    dropSubsystem(cluster, subsystem) {
      if (subsystem === PARTITIONS) forget(cluster);
    },
    drop(cluster) {
      accounts.delete(cluster);
      forget(cluster);
      plain.delete(cluster);
      slurm.delete(cluster);
    },
    isParticular: (cluster) => accounts.has(cluster),
    tooSmallFor: ({ walltime, request }) => [
      ...[...byDefault].flatMap(([cluster, most]) => ((walltime ?? 0) > most ? [cluster] : [])),
      ...[...sizes].flatMap(([cluster, all]) => (overSize(null, wanted(request), all) === '' ? [] : [cluster])),
    ],
    timeAt,
    leastAt: (cluster, asked, fallback) => askedAt(cluster, asked).leastTime ?? timeAt(cluster, asked, fallback),
    refuses(cluster, asked, owner) {
      const { queue, allowLossy, request } = asked;
      if (owner !== undefined && accounts.get(cluster)?.owners.has(owner) === false)
        return no('owner', unmapped(owner));
      const there = partitions.get(cluster);
      if (there === undefined) {
        if (queue === null || allowLossy || !plain.has(cluster)) return null;
        const message = `it is a plain machine and has no partition ${queue}: with --allow-lossy it may run there`;
        return no('partition', message);
      }
      // Of a list Slurm wants each.
      const names = there.flatMap(({ name }) => (name === '' ? [] : [name]));
      const missing = queue?.split(',').filter((name) => !names.includes(name)) ?? [];
      const has = names.length === 0 ? 'none' : listed(names);
      if (missing.length > 0) return no('partition', `it has no partition ${listed(missing)}: it has ${has}`);
      const large = sizes.get(cluster);
      const why =
        overLimit(askedAt(cluster, asked), there) ||
        (large === undefined || request === undefined ? '' : overSize(queue, wanted(request), large));
      return why === '' ? null : no('partition', why);
    },
  };
}

/** No change of the request opens such a cluster. */
export function isRefusal({ reasons }: Verdict): boolean {
  const stage = reasons[0]?.stage;
  return stage === 'owner' || stage === 'partition' || stage === 'told';
}

function unmapped(owner: string): string {
  return `its owner (${owner}) has no local user there: ask the cluster’s administrator for a line in its agent’s mapping`;
}

interface FoundLimits {
  readonly times: readonly PartitionLimit[];
  readonly sizes: readonly SizeLimit[];
}

function partitionsIn(subsystem: Subsystem): FoundLimits {
  const found = { times: [] as PartitionLimit[], sizes: [] as SizeLimit[] };
  for (let vertex = 0; vertex < subsystem.size; vertex++) {
    const metadata = subsystem.metadata(vertex);
    const { type, name } = metadata;
    if (type !== PARTITIONS || typeof name !== 'string') continue;
    found.times.push(limitOf(name, metadata));
    found.sizes.push(sizeLimitOf(name, metadata));
  }
  return found;
}

const MOST_LISTED = 10;

function listed(names: readonly string[]): string {
  return `${names.slice(0, MOST_LISTED).join(', ')}${names.length > MOST_LISTED ? ', …' : ''}`;
}

/** Of what no graph says: there is no vertex that it is about. */
export function no(stage: MatchStage, message: string): Verdict {
  const nothing = { vertex: '', type: '', needed: null, best: null, unit: '', relaxation: null };
  return { fits: 'no', reasons: [{ stage, message, ...nothing }] };
}
