/**
 * Why a request does not fit, found by asking again with less: the stage at which it fails, the request vertex, what is
 * needed and the best there is, and the smallest single change that would make it fit. Every answer is a question to
 * the solver, so it is as exact as the verdict itself.
 */
import type { RequestGroup, RequestVertex } from '../jobspec/jobspec.ts';
import { least } from './accepted.ts';
import type { ImageFailure } from './image.ts';
import type { MatchReason, MatchStage, Relaxation } from './matcher.ts';
import { smallerUnit } from './units.ts';
import { chain, exactly, inAll, preorder, replaced, spelledOut, undemanding } from './vary.ts';

/** Of what can ever be, or of what is free now: the same questions, in other words. */
export type When = 'ever' | 'now';

/** What an explanation asks; each answer is false also where the steps were spent. */
export interface Oracle {
  readonly when: When;
  /** Would this group fit, the request's constraint kept? */
  fits(vertices: readonly RequestVertex[]): boolean;
  /** Whatever constraint and image say. */
  fitsOnAllNodes(vertices: readonly RequestVertex[]): boolean;
  /** There is a constraint, or the image needs something. */
  readonly hasFilter: boolean;
  readonly hasConstraint: boolean;
  /** That no node passes constraint and image, in words; null: some do, or there is no node anyway. */
  leavesNone(): string | null;
  /** What the job's image lacks on how many nodes; null: nothing, or it asks for nothing. */
  imageFailure(): ImageFailure | null;
  hasType(type: string): boolean;
  /** Of one type in the whole cluster: vertices, or quantity in the request's unit for a leaf. */
  total(vertex: RequestVertex): number;
}

export function explain(group: RequestGroup, oracle: Oracle): MatchReason[] {
  const { vertices } = spelledOut(group);
  const reasons = find(vertices, oracle);
  const relaxation = relax(vertices, oracle);
  if (relaxation === null) return reasons;
  const at = Math.max(
    0,
    reasons.findIndex((reason) => reason.vertex === relaxation.vertex),
  );
  return reasons.map((reason, i) => (i === at ? { ...reason, relaxation } : reason));
}

function find(vertices: readonly RequestVertex[], oracle: Oracle): MatchReason[] {
  // 1. Types that are not there at all.
  const absent: MatchReason[] = [];
  for (const vertex of preorder(vertices)) {
    if (vertex.type === 'slot' || oracle.hasType(vertex.type)) continue;
    const needed = wantedInAll(vertices, vertex);
    const message =
      oracle.when === 'now' ? `no ${vertex.type} is free now` : `there is no ${vertex.type} in this cluster`;
    absent.push(reason('absent', vertex, message, needed, 0));
  }
  if (absent.length > 0) return absent;
  // 2. Too few in all.
  const total: MatchReason[] = [];
  for (const vertex of preorder(vertices)) {
    if (vertex.type === 'slot') continue;
    const needed = wantedInAll(vertices, vertex);
    const best = oracle.total(vertex);
    if (needed > best) {
      const message = `needs ${say(needed, vertex)} in the whole cluster, ${most(best, oracle.when)}`;
      total.push(reason('total', vertex, message, needed, best));
    }
  }
  if (total.length > 0) return total;
  // 3. It is the constraint, or what somebody requires.
  const none = oracle.hasFilter ? oracle.leavesNone() : null;
  if (none !== null || (oracle.hasFilter && oracle.fitsOnAllNodes(vertices))) {
    const vertex = vertices[0];
    const image = oracle.imageFailure();
    if (vertex !== undefined && image !== null && (none === null || image.good === 0))
      return [reason('image', vertex, image.message, null, null)];
    if (vertex !== undefined) {
      const message = none ?? `the nodes that the constraint leaves cannot hold it${nowWord(oracle)}`;
      return [reason('constraint', vertex, message, null, null)];
    }
  }
  const byPredicate = findPredicate(vertices, oracle);
  if (byPredicate.length > 0) return byPredicate;
  // 4. Too few under any one parent.
  for (const vertex of preorder(vertices)) {
    const found = perVertex(vertices, vertex, oracle);
    if (found !== null) return [found];
  }
  // 5. Each fits alone.
  return [competition(vertices, oracle)];
}

function findPredicate(vertices: readonly RequestVertex[], oracle: Oracle): MatchReason[] {
  if (!oracle.fits(undemanding(vertices))) return [];
  const demanding = [...preorder(vertices)].filter((vertex) => vertex.requires.length > 0);
  const single = demanding.filter((vertex) => oracle.fits(replaced(vertices, vertex, { ...vertex, requires: [] })));
  return (single.length > 0 ? single : demanding).map((vertex) => {
    const needed = countOf(vertex);
    const best = mostOf(vertices, vertex, needed, oracle);
    const message = `needs ${say(needed, vertex)} with ${requirements(vertex)}, ${most(best, oracle.when)}`;
    return reason('predicate', vertex, message, needed, best);
  });
}

function perVertex(vertices: readonly RequestVertex[], vertex: RequestVertex, oracle: Oracle): MatchReason | null {
  if (vertex.type === 'slot' && vertex.with.length > 0) return null;
  const alone = chain(vertices, vertex, { ...vertex, with: [] });
  if (alone === null || oracle.fits([alone])) return null;
  const where = around(vertices, vertex);
  const slot = [...preorder([alone])].find((of) => of.type === 'slot' && countOf(of) > 1);
  const slotted = (count: number): readonly RequestVertex[] =>
    slot === undefined ? [alone] : replaced([alone], slot, { ...slot, count: exactly(count) });
  const needed = countOf(vertex);
  const slots = slot === undefined ? 1 : countOf(slot);
  const fitting = slot === undefined ? 0 : search(slots, (count) => oracle.fits(slotted(count)));
  if (fitting > 0) {
    // One such slot would fit; so many do not.
    const message = tooFewSlots(vertex, slots, fitting, where, oracle.when);
    return reason('per_vertex', vertex, message, slots * needed, fitting * needed);
  }
  const one = slotted(1);
  const best = mostOf(one, [...preorder(one)].at(-1) ?? vertex, needed, oracle);
  const message = `needs ${say(needed, vertex)} ${where.words}, ${most(best, oracle.when)}`;
  return reason('per_vertex', vertex, message, needed, best);
}

function competition(vertices: readonly RequestVertex[], oracle: Oracle): MatchReason {
  const all = [...preorder(vertices)];
  const helps = all.filter((vertex) => vertex.type !== 'slot' && oracle.fits(replaced(vertices, vertex, null)));
  // The innermost one: those around it help only because they take it with them.
  const vertex = helps[helps.length - 1] ?? all[0];
  if (vertex === undefined) return { ...nothing, stage: 'competition', message: 'it does not fit' };
  const message = `each part fits alone, but not all together${nowWord(oracle)}: ${say(countOf(vertex), vertex)} cannot be had beside the rest`;
  return reason('competition', vertex, message, countOf(vertex), null);
}

/** The largest count below `needed` with which a vertex fits where it stands, the rest of the request left out. */
function mostOf(vertices: readonly RequestVertex[], vertex: RequestVertex, needed: number, oracle: Oracle): number {
  return search(needed, (count) => {
    const alone = chain(vertices, vertex, { ...vertex, with: [], count: exactly(count) });
    return alone !== null && oracle.fits([alone]);
  });
}

/** Largest value in [0, above) that holds, for what holds below some bound. */
function search(above: number, holds: (value: number) => boolean): number {
  let low = 0;
  let high = Math.min(above, 2 ** 52) - 1;
  while (low < high) {
    const middle = low + Math.ceil((high - low) / 2);
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The single change that changes least: a smaller count first, then something that is not insisted on. */
function relax(vertices: readonly RequestVertex[], oracle: Oracle): Relaxation | null {
  let best: Relaxation | null = null;
  let bestRatio = 0;
  for (const vertex of preorder(vertices)) {
    const count = vertex.replicas !== null && !vertex.countGiven ? vertex.replicas : least(vertex.count);
    if (count === Infinity) continue;
    const to = fewer(vertices, vertex, count, oracle);
    if (to === 0) {
      const less = finer(vertices, vertex, oracle);
      if (less !== null && less.ratio > bestRatio) {
        bestRatio = less.ratio;
        best = less.relaxation;
      }
    }
    if (to > 0 && to / count > bestRatio) {
      bestRatio = to / count;
      best = change(
        vertex,
        'count',
        String(count),
        String(to),
        `${say(to, vertex)} instead of ${count} would fit${nowWord(oracle)}`,
      );
    }
  }
  if (best !== null) return best;
  for (const vertex of preorder(vertices)) {
    if (vertex.requires.length > 0 && oracle.fits(replaced(vertices, vertex, { ...vertex, requires: [] }))) {
      return change(
        vertex,
        'requires',
        requirements(vertex),
        '',
        `it would fit${nowWord(oracle)} without ${requirements(vertex)}`,
      );
    }
    // Where there is some of it in that unit, another amount is asked for, not another unit.
    if (
      vertex.unit !== '' &&
      oracle.total(vertex) === 0 &&
      oracle.fits(replaced(vertices, vertex, { ...vertex, unit: '' }))
    ) {
      return change(vertex, 'unit', vertex.unit, '', `it would fit${nowWord(oracle)} without the unit ${vertex.unit}`);
    }
    if (vertex.exclusive === true && oracle.fits(replaced(vertices, vertex, { ...vertex, exclusive: false }))) {
      return change(
        vertex,
        'exclusive',
        'true',
        'false',
        `it would fit${nowWord(oracle)} if the ${vertex.type} could be shared`,
      );
    }
  }
  const first = vertices[0];
  if (first !== undefined && oracle.hasFilter && oracle.fitsOnAllNodes(vertices)) {
    const byImage = oracle.imageFailure() !== null;
    if (!byImage)
      return change(first, 'constraint', 'as given', '', `it would fit${nowWord(oracle)} without the constraint`);
    // Where both stand in the way, no one change is enough.
    if (!oracle.hasConstraint)
      return change(first, 'image', 'as given', '', `it would fit${nowWord(oracle)} without what the image needs`);
  }
  return null;
}

/** The largest count below, with which all would fit; 0: none. */
function fewer(vertices: readonly RequestVertex[], vertex: RequestVertex, count: number, oracle: Oracle): number {
  if (count <= 1) return 0;
  return search(count, (value) => value > 0 && oracle.fits(replaced(vertices, vertex, withCount(vertex, value))));
}

/** Less than one of its unit: so many of a smaller one. */
function finer(
  vertices: readonly RequestVertex[],
  vertex: RequestVertex,
  oracle: Oracle,
): { readonly relaxation: Relaxation; readonly ratio: number } | null {
  const isCounted = vertex.replicas !== null && !vertex.countGiven;
  if (vertex.unit === '' || isCounted || oracle.total(vertex) === 0) return null;
  const least = countOf(vertex);
  let count = least;
  for (let next = smallerUnit(vertex.unit); next !== null; next = smallerUnit(next.unit)) {
    count *= next.times;
    const smaller = { ...vertex, unit: next.unit };
    const to = search(count, (value) => {
      const changed = replaced(vertices, vertex, { ...smaller, count: exactly(value) });
      return value > 0 && oracle.fits(changed);
    });
    if (to === 0) continue;
    const [from, instead] = [`${least} ${vertex.unit}`, `${to} ${next.unit}`];
    const message = `${say(to, smaller)} instead of ${from} would fit${nowWord(oracle)}`;
    return { relaxation: change(vertex, 'unit', from, instead, message), ratio: to / count };
  }
  return null;
}

function withCount(vertex: RequestVertex, count: number): RequestVertex {
  return vertex.replicas !== null && !vertex.countGiven
    ? { ...vertex, replicas: count }
    : { ...vertex, count: exactly(count) };
}

/** Its least accepted count. */
function countOf(vertex: RequestVertex): number {
  return least(vertex.count);
}

function wantedInAll(vertices: readonly RequestVertex[], vertex: RequestVertex): number {
  // Replicas that share their vertex need one of it, but as many contents as there are replicas.
  const shares = vertex.replicas !== null && vertex.with.length > 0 && !vertex.countGiven && vertex.exclusive !== true;
  const all = inAll(vertices, vertex, (of) => (of === vertex && shares ? 1 : countOf(of) * (of.replicas ?? 1)));
  return all ?? 0;
}

interface Place {
  /** `in one node`: the nearest vertex around it that bounds it. */
  readonly words: string;
  /** Is that vertex within a slot, or bounds each copy of one by itself? */
  readonly isInSlot: boolean;
}

function around(vertices: readonly RequestVertex[], vertex: RequestVertex): Place {
  let outer = '';
  let slot = false;
  let isInSlot = true;
  for (let level = vertices; ;) {
    const next = level.find((of) => of === vertex || [...preorder(of.with)].includes(vertex));
    if (next === undefined || next === vertex) break;
    if (next.type === 'slot') slot = true;
    else {
      outer = next.type;
      isInSlot = slot;
    }
    level = next.with;
  }
  if (outer !== '') return { words: `in one ${outer}`, isInSlot };
  return { words: slot ? 'in one node' : 'in one place', isInSlot };
}

/** `best`: how many there are at most, as a number or `1 × 3`. */
function most(best: number | string, when: When): string {
  const shown = typeof best === 'number' ? Math.floor(best * 100) / 100 : best;
  if (when === 'ever') return `the most there are is ${shown}`;
  return best === 0 ? 'none is free now' : `${shown} ${shown === 1 ? 'is' : 'are'} free now`;
}

function nowWord({ when }: Oracle): string {
  return when === 'now' ? ' now' : '';
}

/** `needs 2 × 3 core in one node`: both slots in it; `each in one node`: every slot in one, the same or another. */
function tooFewSlots(
  vertex: RequestVertex,
  slots: number,
  fitting: number,
  { words, isInSlot }: Place,
  when: When,
): string {
  const each = countOf(vertex);
  const times = (count: number): string => (each === 1 && !isInSlot ? `${count}` : `${count} × ${each}`);
  const where = isInSlot ? `, each ${words}` : ` ${words}`;
  return `needs ${times(slots)}${unitAndType(vertex)}${where}, ${most(times(fitting), when)}`;
}

function say(count: number, vertex: RequestVertex): string {
  return `${count}${unitAndType(vertex)}`;
}

function unitAndType(vertex: RequestVertex): string {
  return `${vertex.unit === '' ? '' : ` ${vertex.unit}`} ${vertex.type}`;
}

function requirements(vertex: RequestVertex): string {
  const texts = vertex.requires.flatMap(({ subsystem, fields }) =>
    fields.map(({ field, match, min, max }) => {
      const bounds = [
        match === null ? '' : `=${match}`,
        min === null ? '' : `≥${min.text}`,
        max === null ? '' : `≤${max.text}`,
      ];
      return `${subsystem === null ? '' : `${subsystem}.`}${field}${bounds.join('')}`;
    }),
  );
  return texts.join(' and ');
}

const nothing: MatchReason = {
  stage: 'competition',
  vertex: '',
  type: '',
  message: '',
  needed: null,
  best: null,
  unit: '',
  relaxation: null,
};

function reason(
  stage: MatchStage,
  vertex: RequestVertex,
  message: string,
  needed: number | null,
  best: number | null,
): MatchReason {
  return { stage, vertex: vertex.path, type: vertex.type, message, needed, best, unit: vertex.unit, relaxation: null };
}

export function overBudget(): MatchReason {
  return {
    ...nothing,
    stage: 'budget',
    message: 'too many ways to arrange it: the step budget was spent before the answer was certain',
  };
}

function change(
  vertex: RequestVertex,
  field: Relaxation['field'],
  from: string,
  to: string,
  message: string,
): Relaxation {
  return { vertex: vertex.path, field, from, to, message };
}
