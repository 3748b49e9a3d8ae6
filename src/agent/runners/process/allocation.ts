/**
 * Which resources of this machine each running job has: the cluster's own graph, matched with the very matcher that
 * the server uses. Memory only; what a job was given is kept in its start.json, by vertex id, so that a restarted
 * agent (perhaps with a changed graph) debits what still exists.
 */
import type { Request } from '../../../core/jobspec/jobspec.ts';
import type { ResourceGraph, Subsystem } from '../../../core/graph/graph.ts';
import { createMatcher } from '../../../core/match/create.ts';
import type { Claim, Verdict, Witness, WitnessSlot } from '../../../core/match/matcher.ts';

/** A witness whose vertices are named by id. */
export interface StoredWitness {
  readonly groups: readonly {
    readonly key: string;
    readonly slots: readonly { readonly label: string | null; readonly claims: readonly StoredClaim[] }[];
    readonly claims: readonly StoredClaim[];
  }[];
}

export interface StoredClaim {
  readonly vertex: string;
  readonly amount: number;
  readonly exclusive: boolean;
  readonly request: string;
}

export interface Allocation {
  /** On the idle cluster. */
  satisfiable(request: Request): Verdict;
  /** On what is free now; null where it does not fit. Takes nothing. */
  place(request: Request): Witness | null;
  take(key: string, witness: Witness): StoredWitness;
  /** After a restart: vertices that are gone are left out. */
  retake(key: string, stored: StoredWitness): void;
  giveBack(key: string): void;
  /** Nothing is taken. */
  isIdle(): boolean;
  /**
   * Vertices taken whole, and the jobs that take nothing else. A job that draws from a pool is left out with all its
   * vertices: a list of vertices cannot say "half of this memory", so the server's own debit stays for it.
   */
  busy(): { readonly vertices: readonly string[]; readonly keys: readonly string[] };
}

const HERE = 'here';

export function createAllocation(graph: ResourceGraph, subsystems: readonly Subsystem[]): Allocation {
  const matcher = createMatcher();
  matcher.setCluster(HERE, graph, subsystems);
  const taken = new Map<string, Witness>();
  let childrenOf: readonly (readonly number[])[] | null = null;

  const debit = (key: string, witness: Witness): void => {
    matcher.debit(HERE, key, witness);
    taken.set(key, witness);
  };

  /** The vertices that a claim takes; null where it takes part of a pool. */
  const verticesOf = (claim: Claim): readonly number[] | null => {
    if (graph.sizes[claim.vertex] !== 1 && claim.amount !== graph.sizes[claim.vertex]) return null;
    if (!claim.exclusive) return [claim.vertex];
    childrenOf ??= childLists(graph);
    const all = [claim.vertex];
    for (let i = 0; i < all.length; i++) all.push(...childrenOf[all[i]!]!);
    return all;
  };

  return {
    satisfiable: (request) => matcher.satisfiable(HERE, request),
    place: (request) => matcher.place(HERE, request, 'free'),
    take(key, witness) {
      debit(key, witness);
      return store(graph, witness);
    },
    retake(key, stored) {
      debit(
        key,
        restore(stored, (id) => matcher.vertexIndex(HERE, id)),
      );
    },
    giveBack(key) {
      matcher.credit(HERE, key);
      taken.delete(key);
    },
    isIdle: () => taken.size === 0,
    busy() {
      const vertices = new Set<number>();
      const keys: string[] = [];
      for (const [key, witness] of taken) {
        const all: number[] = [];
        let whole = true;
        for (const claim of claimsOf(witness)) {
          const these = verticesOf(claim);
          if (these === null) {
            whole = false;
            break;
          }
          // Outside of a slot an inner vertex that is not exclusive is shared; only leaves are taken.
          if (claim.exclusive || isLeaf(claim.vertex)) all.push(...these);
        }
        if (!whole) continue;
        keys.push(key);
        for (const vertex of all) vertices.add(vertex);
      }
      return { vertices: [...vertices].map((vertex) => graph.ids[vertex]!), keys };
    },
  };

  function isLeaf(vertex: number): boolean {
    childrenOf ??= childLists(graph);
    return childrenOf[vertex]!.length === 0;
  }
}

function claimsOf(witness: Witness): readonly Claim[] {
  return witness.groups.flatMap((group) => [...group.slots.flatMap((slot) => slot.claims), ...group.claims]);
}

function childLists(graph: ResourceGraph): readonly (readonly number[])[] {
  const lists: number[][] = Array.from({ length: graph.size }, () => []);
  for (let vertex = 1; vertex < graph.size; vertex++) lists[graph.parents[vertex]!]!.push(vertex);
  return lists;
}

function store(graph: ResourceGraph, witness: Witness): StoredWitness {
  const claim = (each: Claim): StoredClaim => ({ ...each, vertex: graph.ids[each.vertex]! });
  return {
    groups: witness.groups.map((group) => ({
      key: group.key,
      slots: group.slots.map((slot) => ({ label: slot.label, claims: slot.claims.map(claim) })),
      claims: group.claims.map(claim),
    })),
  };
}

function restore(stored: StoredWitness, indexOf: (id: string) => number): Witness {
  const claims = (list: readonly StoredClaim[]): Claim[] =>
    list.flatMap((each) => {
      const vertex = indexOf(each.vertex);
      return vertex < 0 ? [] : [{ ...each, vertex }];
    });
  return {
    groups: stored.groups.map((group) => ({
      key: group.key,
      slots: group.slots.map((slot): WitnessSlot => ({ label: slot.label, claims: claims(slot.claims) })),
      claims: claims(group.claims),
    })),
  };
}
