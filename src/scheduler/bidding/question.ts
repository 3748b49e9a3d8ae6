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

/** Of a jobspec: bursts repeat one, and a digest takes a tenth of a millisecond. */
interface Digested {
  readonly digest: string;
  readonly nodes: number;
  readonly gpus: number;
}
const digests = new WeakMap<Jobspec, Digested>();

/** `text` is what `jobspec` was read from; `walltime` in seconds: what it asks for, or the server's. */
export function askAbout(text: string, jobspec: Jobspec, walltime: number, priority: number): Asked {
  let known = digests.get(jobspec);
  if (known === undefined) digests.set(jobspec, (known = digested(text, jobspec)));
  const { digest, nodes, gpus } = known;
  // Where it asks for no time, what a partition gives counts: another question than one for that very time.
  const shape = `${digest}.${jobspec.walltime === null ? 'open' : walltime}.${priority}`;
  const isOpen = jobspec.walltime === null || jobspec.leastTime !== null;
  return {
    question: { shape, jobspec: text, walltime, isOpen, priority },
    shapeClass: shapeClass({ nodes, gpus, walltime }),
  };
}

function digested(text: string, { request, image, parameters, leastTime }: Jobspec): Digested {
  // Whatever else of the jobspec a runner may look at (queue, account, image) decides, too; command and name do not.
  const told = JSON.stringify([request, image, parameters, leastTime, attributesOf(text)], finite);
  const digest = createHash('sha256').update(told).digest('hex').slice(0, 32);
  const wants = wanted(request);
  return { digest, nodes: wants.get('node') ?? 1, gpus: wants.get('gpu') ?? 0 };
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
