/**
 * What the clusters are asked about one job: its shape, which equal jobs share, and the class of shapes that records are
 * kept by. Pure.
 */
import { createHash } from 'node:crypto';
import type { BidQuestion } from '../../core/bid/bid.ts';
import { shapeClass } from '../../core/bid/shape-class.ts';
import { wanted } from '../../core/bid/wanted.ts';
import type { Jobspec } from '../../core/jobspec/jobspec.ts';

export interface Asked {
  readonly question: BidQuestion;
  /** See core/bid/shape-class.ts. */
  readonly shapeClass: string;
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
