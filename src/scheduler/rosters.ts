/**
 * Rosters (core/roster.ts) of the lists of clusters that jobs may go to: jobs come in batches with the same list. Whoever
 * knows of a change tells of the cluster; it is looked at again when a decision needs its roster.
 *
 * Invariant: a roster is only given out where nothing but match and state decides between its clusters: each is
 * compiled, takes new jobs without windows of maintenance, is heard through us or has no agent, and its scheduler can be
 * told all of the job; and where some have agents, somebody has called in for each. Otherwise all are looked at one by one (placing.ts), which says why one was passed over.
 * Bounded: the lists that were asked for last.
 */
import type { Jobspec } from '../core/jobspec/jobspec.ts';
import type { Matcher } from '../core/match/matcher.ts';
import { Roster, type Member } from '../core/roster.ts';
import { kindOf, type AgentKind } from './why-not.ts';
import type { InnerRegistry } from './registry.ts';
import type { States } from './states.ts';

const MOST_ROSTERS = 32;

export interface RosterMember extends Member {
  readonly hasState: boolean;
  readonly graphVersion: number;
}

export interface Rosters {
  /**
   * `asked`: the job; `isToldAll`: is nothing of it lost with this kind of agent? Null:
   * look one by one.
   */
  of(
    clusters: readonly string[],
    owner: string,
    asked: Pick<Jobspec, 'walltime' | 'request'>,
    isToldAll: (kind: AgentKind) => boolean,
  ): Roster<RosterMember> | null;
  /** Something of it is not as it was. */
  changed(cluster: string): void;
}

interface Kept {
  readonly clusters: ReadonlySet<string>;
  /** In the order of the names, each once, as a decision's record has them. */
  readonly isSorted: boolean;
  readonly roster: Roster<RosterMember>;
  /** To be looked at again. */
  readonly stale: Set<string>;
  /** Of the matcher. */
  version: number;
  /** Those that more than match and state decides on. */
  readonly odd: Set<string>;
  /** Those that run the jobs of some only. */
  readonly particular: Set<string>;
  /** Those with an agent, and those for which nobody has ever called in. */
  readonly agents: Set<string>;
  readonly unheard: Set<string>;
  readonly kindOf: Map<string, AgentKind>;
  /** All of those, each once. */
  kinds: readonly AgentKind[];
}

/** Jobs that ask for a partition are looked at one by one. */
const ANY_PARTITION = { queue: null, walltime: null, allowLossy: false } as const;

function textOf({ runner, containers }: AgentKind): string {
  return `${runner} ${containers}`;
}

function put(into: Set<string>, name: string, isIn: boolean): void {
  if (isIn) into.add(name);
  else into.delete(name);
}

export function createRosters(deps: {
  readonly matcher: Pick<Matcher, 'roots' | 'version'>;
  readonly registry: Pick<
    InnerRegistry,
    'get' | 'isCompiled' | 'isParticular' | 'refuses' | 'tooSmallFor' | 'isConnectedHere' | 'isUnheard'
  >;
  readonly states: Pick<States, 'of'>;
}): Rosters {
  const { matcher, registry, states } = deps;
  /** By their names; those that were asked for last stand last. */
  const kept = new Map<string, Kept>();

  const keptOf = (clusters: readonly string[]): Kept => {
    const key = clusters.join('\n');
    let found = kept.get(key);
    if (found === undefined) {
      const names = new Set(clusters);
      found = {
        clusters: names,
        isSorted: clusters.every((name, i) => i === 0 || (clusters[i - 1] as string) < name),
        roster: new Roster(),
        stale: new Set(names),
        version: matcher.version,
        odd: new Set(),
        particular: new Set(),
        agents: new Set(),
        unheard: new Set(),
        kindOf: new Map(),
        kinds: [],
      };
      for (const oldest of kept.keys()) {
        if (kept.size < MOST_ROSTERS) break;
        kept.delete(oldest);
      }
    } else kept.delete(key);
    kept.set(key, found);
    return found;
  };

  const look = (of: Kept, name: string): void => {
    const { roster, odd, particular } = of;
    const cluster = registry.get(name);
    const kind = kindOf(cluster?.instance ?? null);
    if (
      cluster === null ||
      !registry.isCompiled(name) ||
      cluster.service.drained !== null ||
      cluster.service.windows.length > 0 ||
      (cluster.instance !== null && !registry.isConnectedHere(name))
    ) {
      odd.add(name);
      roster.delete(name);
      return;
    }
    odd.delete(name);
    put(particular, name, registry.isParticular(name));
    put(of.agents, name, cluster.instance !== null);
    put(of.unheard, name, registry.isUnheard(name));
    const before = of.kindOf.get(name);
    if (before === undefined || textOf(before) !== textOf(kind)) {
      of.kindOf.set(name, kind);
      of.kinds = [...new Map([...of.kindOf.values()].map((each) => [textOf(each), each])).values()];
    }
    roster.set({
      cluster: name,
      state: states.of(name),
      hasState: cluster.state !== null,
      graphVersion: cluster.graphVersion,
      roots: matcher.roots(name),
    });
  };

  return {
    of(clusters, owner, asked, isToldAll) {
      const found = keptOf(clusters);
      const { stale, odd, particular, roster } = found;
      if (!found.isSorted) return null;
      if (found.version !== matcher.version) {
        found.version = matcher.version;
        for (const name of clusters) stale.add(name);
      }
      for (const name of stale) look(found, name);
      stale.clear();
      if (odd.size > 0 || (found.unheard.size > 0 && found.agents.size > 0)) return null;
      for (const name of particular) if (registry.refuses(name, ANY_PARTITION, owner) !== null) return null;
      if (registry.tooSmallFor(asked).some((name) => found.clusters.has(name))) return null;
      if (!found.kinds.every(isToldAll)) return null;
      return roster;
    },
    changed(cluster) {
      for (const { clusters, stale } of kept.values()) if (clusters.has(cluster)) stale.add(cluster);
    },
  };
}
