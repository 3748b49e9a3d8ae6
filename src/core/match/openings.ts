/**
 * Across clusters: which single change of a request opens the most of them? "48 core instead of 64 opens 3 clusters."
 * Each cluster that cannot hold the request has named the smallest change that opens it; each of these changes is
 * asked of all of them, so that a cluster is counted for every change that opens it, not only for its own.
 */
import type { Request, RequestGroup, RequestVertex } from '../jobspec/jobspec.ts';
import type { Relaxation, Verdict } from './matcher.ts';
import { bytesIn } from './units.ts';
import { exactly, preorder, replaced, spelledOut } from './vary.ts';

export interface Opening {
  readonly relaxation: Relaxation;
  /** Clusters that it opens, in the order given. */
  readonly clusters: readonly string[];
}

/** Changes that are looked at; clusters of one shape name the same one. */
const MOST = 16;

/**
 * The one that opens most first; of those that open as many, the smallest change; none that opens nothing
 * which a smaller change does not open, too.
 */
export function openings(
  request: Request,
  candidates: readonly { readonly cluster: string; readonly verdict: Verdict }[],
  ask: (cluster: string, request: Request) => Verdict['fits'],
): readonly Opening[] {
  const closed = candidates.filter(({ verdict }) => verdict.fits === 'no');
  const distinct = new Map<string, Relaxation>();
  // Clusters that look alike share their reasons.
  for (const reasons of new Set(closed.map(({ verdict }) => verdict.reasons))) {
    for (const { relaxation } of reasons) {
      if (relaxation !== null && distinct.size < MOST) distinct.set(JSON.stringify(relaxation), relaxation);
    }
  }
  const found: (Opening & { readonly opened: ReadonlySet<string> })[] = [];
  for (const relaxation of distinct.values()) {
    const changed = relaxed(request, relaxation);
    if (changed === null) continue;
    const clusters = closed.filter(({ cluster }) => ask(cluster, changed) === 'yes').map(({ cluster }) => cluster);
    if (clusters.length > 0) found.push({ relaxation, clusters, opened: new Set(clusters) });
  }
  found.sort((a, b) => b.clusters.length - a.clusters.length || kept(b.relaxation) - kept(a.relaxation));
  return found
    .filter(
      (opening, at) =>
        !found
          .slice(0, at)
          .some(
            (better) =>
              kept(better.relaxation) >= kept(opening.relaxation) &&
              opening.clusters.every((cluster) => better.opened.has(cluster)),
          ),
    )
    .map(({ relaxation, clusters }) => ({ relaxation, clusters }));
}

/** How much of what was asked for is left: the ratio of counts; changes of another kind give up more. */
function kept({ field, from, to }: Relaxation): number {
  if (field === 'unit' && to !== '') return bytesOf(to) / bytesOf(from);
  return field === 'count' ? Number(to) / Number(from) : 0;
}

/** `62 GiB`: of a relaxation to less than one of the unit that was asked for. */
function amountOf(text: string): { readonly count: number; readonly unit: string } {
  const [count = '', unit = ''] = text.split(' ');
  return { count: Number(count), unit };
}

function bytesOf(text: string): number {
  const { count, unit } = amountOf(text);
  return count * (bytesIn(unit) ?? 0);
}

/** The request with that one change; null where it stands nowhere in it. */
export function relaxed(request: Request, relaxation: Relaxation): Request | null {
  if (relaxation.field === 'constraint') return { ...request, constraint: null };
  if (relaxation.field === 'image') return { ...request, image: null };
  for (const [at, group] of request.groups.entries()) {
    const spelled: RequestGroup = spelledOut(group);
    for (const vertex of preorder(spelled.vertices)) {
      if (vertex.path !== relaxation.vertex) continue;
      const changed = changedVertex(vertex, relaxation);
      if (changed === null) continue;
      const vertices = replaced(spelled.vertices, vertex, changed);
      return { ...request, groups: request.groups.map((old, i) => (i === at ? { ...spelled, vertices } : old)) };
    }
  }
  return null;
}

function leastOf({ count }: RequestVertex): number {
  return count.values?.[0] ?? count.min;
}

function changedVertex(vertex: RequestVertex, { field, from, to }: Relaxation): RequestVertex | null {
  switch (field) {
    case 'count': {
      const count = Number(to);
      if (vertex.replicas !== null && !vertex.countGiven) {
        return String(vertex.replicas) === from ? { ...vertex, replicas: count } : null;
      }
      return String(leastOf(vertex)) === from ? { ...vertex, count: exactly(count) } : null;
    }
    case 'requires':
      return vertex.requires.length === 0 ? null : { ...vertex, requires: [] };
    case 'unit': {
      if (to === '') return vertex.unit === '' ? null : { ...vertex, unit: '' };
      if (`${leastOf(vertex)} ${vertex.unit}` !== from) return null;
      const { count, unit } = amountOf(to);
      return { ...vertex, unit, count: exactly(count) };
    }
    case 'exclusive':
      return vertex.exclusive === true ? { ...vertex, exclusive: false } : null;
    default:
      return null;
  }
}
