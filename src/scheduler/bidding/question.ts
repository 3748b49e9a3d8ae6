/**
 * What the clusters are asked about one job: its shape, which equal jobs share; the class of shapes that records are
 * kept by; and how much of a cluster it takes. Pure.
 */
import { createHash } from 'node:crypto';
import type { BidQuestion } from '../../core/bid/bid.ts';
import { shapeClass } from '../../core/bid/shape-class.ts';
import type { Count, Jobspec, Request, RequestVertex } from '../../core/jobspec/jobspec.ts';

export interface Asked {
  readonly question: BidQuestion;
  /** See core/bid/shape-class.ts. */
  readonly shapeClass: string;
  /** What it asks for, per type. */
  readonly wants: ReadonlyMap<string, number>;
}

/** `walltime` in seconds. */
export function askAbout(text: string, jobspec: Jobspec, walltime: number, priority: number): Asked {
  const wants = wanted(jobspec.request);
  // Whatever else of the jobspec a runner may look at (queue, account, image) decides, too; command and name do not.
  const { request, image, parameters } = jobspec;
  const told = JSON.stringify([request, image, parameters, attributesOf(text), walltime, priority], finite);
  const shape = createHash('sha256').update(told).digest('hex').slice(0, 32);
  return {
    question: { shape, jobspec: text, walltime, priority },
    shapeClass: shapeClass({ nodes: wants.get('node') ?? 1, gpus: wants.get('gpu') ?? 0, walltime }),
    wants,
  };
}

/** Infinity is no JSON, and an unbounded count is another question than an absent one. */
function finite(_key: string, value: unknown): unknown {
  return value === Infinity ? 'unbounded' : value;
}

/** Queue, account and the like are said in few words near each other; where they differ, so does the text there. */
function attributesOf(text: string): string {
  const found = text.match(/["']?(queue|partition|account|bank|qos|project)["']?\s*:\s*["']?[^\s"',}]+/g);
  return found === null ? '' : found.join(';');
}

/** Units or vertices per type, at least; what one cluster has to give at once. */
export function wanted(request: Request): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  const add = (type: string, count: number): void => void sums.set(type, (sums.get(type) ?? 0) + count);
  const walk = (vertices: readonly RequestVertex[], times: number): void => {
    for (const vertex of vertices) {
      const count = times * Math.max(least(vertex.count), vertex.replicas ?? 1);
      if (vertex.type !== 'slot') add(vertex.type, count);
      walk(vertex.with, count);
    }
  };
  for (const { simple, vertices } of request.groups) {
    if (simple === null) {
      walk(vertices, 1);
      continue;
    }
    add('node', simple.nodes);
    if (simple.tasks > 0) add('core', simple.tasks);
  }
  return sums;
}

function least({ min }: Count): number {
  return Number.isFinite(min) && min > 0 ? min : 1;
}

/** In (0, 1]: the largest part that it takes of any one type. `totals`: what the cluster has. */
export function shareOf(
  wants: ReadonlyMap<string, number>,
  totals: readonly { readonly type: string; readonly total: number }[],
): number {
  let share = 0;
  for (const { type, total } of totals) {
    const want = wants.get(type);
    // Nodes are shared where only some of their cores are asked for: cores say more, where both are asked for.
    if (want === undefined || total <= 0 || (type === 'node' && wants.has('core'))) continue;
    share = Math.max(share, want / total);
  }
  return Math.min(1, share);
}
