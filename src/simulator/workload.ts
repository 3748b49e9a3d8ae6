/**
 * What a simulated day holds: clusters and jobs, from a seed. Sizes and times are drawn from heavy-tailed
 * distributions as job logs show them; most jobs take far less than their walltime; arrivals rise by day.
 */
import { seededRandom } from '../core/random.ts';
import type { Tariff } from '../core/bid/tariff.ts';

/** How a cluster bids: the truth as it estimates it, or something else. */
export type Character = 'honest' | 'optimist' | 'liar' | 'pessimist' | 'noisy' | 'shy';

export interface ClusterPlan {
  readonly name: string;
  readonly nodes: number;
  readonly character: Character;
  readonly tariff: Tariff;
  /** Share of its nodes that its own users keep busy on average. */
  readonly ownLoad: number;
}

export interface Shape {
  readonly nodes: number;
  /** Seconds. */
  readonly walltime: number;
}

export interface JobPlan {
  /** Seconds from the beginning. */
  readonly at: number;
  readonly shape: number;
  /** Seconds; at most the walltime. */
  readonly run: number;
  /** Seconds from its submit until which it is to have ended. */
  readonly deadline: number;
  /** Index of the cluster whose own user submitted it there; null: through Rainbow. */
  readonly own: number | null;
}

export interface Day {
  readonly clusters: readonly ClusterPlan[];
  readonly shapes: readonly Shape[];
  /** By time. */
  readonly jobs: readonly JobPlan[];
  /** Run time ÷ walltime of earlier jobs, as the clusters have seen it. */
  readonly ratios: readonly number[];
}

export interface DaySize {
  readonly clusters: number;
  /** Through Rainbow. */
  readonly jobs: number;
  /** Seconds. */
  readonly length: number;
  /** Share of all nodes that is asked for on average, the clusters' own users included. */
  readonly load: number;
}

export const A_DAY: DaySize = { clusters: 50, jobs: 100_000, length: 86_400, load: 0.85 };

const SIZES = [1, 1, 1, 2, 2, 4, 8, 16] as const;
const WALLTIMES = [600, 900, 1800, 3600, 3600, 7200, 14_400, 28_800] as const;
const CHARACTERS: readonly Character[] = [
  'honest',
  'honest',
  'honest',
  'honest',
  'noisy',
  'noisy',
  'optimist',
  'liar',
  'pessimist',
  'shy',
];

export function planDay(size: DaySize, seed: string): Day {
  const draw = drawing(seed);
  const shapes = SIZES.flatMap((nodes) => WALLTIMES.map((walltime) => ({ nodes, walltime })));
  const ratio = (): number => Math.min(1, draw.logNormal(0.3, 0.9));
  const bare = Array.from({ length: size.jobs }, () => {
    // Large jobs and long ones are rarer than small and short ones.
    const shape = Math.min(draw.below(shapes.length), draw.below(shapes.length));
    return { shape, run: Math.max(5, shapes[shape]!.walltime * ratio()) };
  });
  const asked = bare.reduce((sum, { shape, run }) => sum + shapes[shape]!.nodes * run, 0);
  const own = 0.3;
  const clusters = planClusters(size, asked / ((size.load - own) * size.length), own, draw);
  const jobs: JobPlan[] = bare.map((job) => ({ ...job, at: arrival(size.length, draw), own: null, deadline: 0 }));
  for (const [index, { nodes, ownLoad }] of clusters.entries()) {
    for (let left = nodes * ownLoad * size.length; left > 0;) {
      const shape = Math.min(draw.below(shapes.length), draw.below(shapes.length));
      if (shapes[shape]!.nodes > nodes / 2) continue;
      const run = Math.max(5, shapes[shape]!.walltime * ratio());
      left -= shapes[shape]!.nodes * run;
      jobs.push({ at: arrival(size.length, draw), shape, run, own: index, deadline: 0 });
    }
  }
  jobs.sort((a, b) => a.at - b.at);
  return {
    clusters,
    shapes,
    jobs: jobs.map((job) => ({ ...job, deadline: shapes[job.shape]!.walltime * (1 + draw.unit() * 2) })),
    ratios: Array.from({ length: 200 }, ratio),
  };
}

/** Sizes from 16 nodes on, many small and few large, scaled to `nodes` in all. */
function planClusters({ clusters }: DaySize, nodes: number, own: number, draw: Drawing): readonly ClusterPlan[] {
  const weights = Array.from({ length: clusters }, () => draw.logNormal(1, 1));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight, i): ClusterPlan => {
    const perHour = { node: Number(draw.logNormal(1, 0.6).toFixed(2)), core: 0, gpu: 0, job: 0 };
    return {
      name: `cluster${String(i).padStart(2, '0')}`,
      nodes: Math.max(16, Math.round((weight / all) * nodes)),
      character: CHARACTERS[i % CHARACTERS.length]!,
      ownLoad: own * 2 * draw.unit(),
      tariff: { currency: 'EUR', perHour, perJob: 0, minimum: 0, periods: [], time: { offset: () => 0 } },
    };
  });
}

/** Seconds; three times as many at the middle of the day as at its ends. */
function arrival(length: number, draw: Drawing): number {
  for (;;) {
    const at = draw.unit();
    if (draw.unit() < 0.6 - 0.4 * Math.cos(2 * Math.PI * at)) return at * length;
  }
}

export interface Drawing {
  below(bound: number): number;
  /** In (0, 1). */
  unit(): number;
  /** With that median; `sigma` of its logarithm. */
  logNormal(median: number, sigma: number): number;
}

export function drawing(seed: string): Drawing {
  const random = seededRandom(seed);
  const unit = (): number => (random.below(2 ** 30) + 0.5) / 2 ** 30;
  return {
    below: (bound) => random.below(bound),
    unit,
    // Box and Muller.
    logNormal: (median, sigma) =>
      median * Math.exp(sigma * Math.sqrt(-2 * Math.log(unit())) * Math.cos(2 * Math.PI * unit())),
  };
}
