/**
 * A simulated cluster: a queue, first come first served, on a number of nodes; and its bidder, which estimates from
 * that queue with the same code as an agent's, then says what its character makes of it. Times are in seconds from the
 * beginning; simulated time is handed in.
 */
import { backlogOf, startIn, type Backlog } from '../core/bid/estimate.ts';
import type { Ratios } from '../core/bid/ratios.ts';
import type { ClusterPlan, Drawing, Shape } from './workload.ts';

export interface QueuedJob {
  readonly id: number;
  readonly shape: Shape;
  readonly run: number;
}

interface RunningJob extends QueuedJob {
  readonly startedAt: number;
}

export interface Said {
  /** Seconds from now. */
  readonly p50: number;
  readonly p90: number;
}

/** An estimate serves for this long, unless a job was sent there since. */
const FRESH = 120;

export class SimulatedCluster {
  readonly plan: ClusterPlan;
  private readonly ratios: Ratios;
  private readonly draw: Drawing;
  private readonly running = new Map<number, RunningJob>();
  private waiting: QueuedJob[] = [];
  private backlog: { readonly at: number; readonly of: Backlog } | null = null;
  free: number;

  constructor(plan: ClusterPlan, ratios: Ratios, draw: Drawing) {
    this.plan = plan;
    this.ratios = ratios;
    this.draw = draw;
    this.free = plan.nodes;
  }

  submit(job: QueuedJob): void {
    this.waiting.push(job);
    this.backlog = null;
  }

  /** Starts what can start; calls `started` for each. */
  start(now: number, started: (job: QueuedJob) => void): void {
    let next = 0;
    for (; next < this.waiting.length && this.waiting[next]!.shape.nodes <= this.free; next++) {
      const job = this.waiting[next]!;
      this.free -= job.shape.nodes;
      this.running.set(job.id, { ...job, startedAt: now });
      started(job);
    }
    if (next > 0) this.waiting = this.waiting.slice(next);
  }

  end(id: number): void {
    const job = this.running.get(id)!;
    this.running.delete(id);
    this.free += job.shape.nodes;
  }

  isRunning(id: number): boolean {
    return this.running.has(id);
  }

  /** What it bids; null: it does not answer in time. */
  bid(shape: Shape, now: number): Said | null {
    const { character } = this.plan;
    if (character === 'shy' && this.draw.unit() < 0.3) return null;
    if (this.backlog === null || now - this.backlog.at > FRESH) this.backlog = { at: now, of: this.look(now) };
    const found = startIn(this.backlog.of, { node: shape.nodes });
    if (found === null) return null;
    const since = now - this.backlog.at;
    const p50 = Math.max(0, found.p50 - since);
    const p90 = Math.max(p50, found.p90 - since);
    switch (character) {
      case 'honest':
      case 'shy':
        return { p50, p90 };
      case 'optimist':
        return { p50: p50 * 0.3, p90: p90 * 0.3 };
      case 'liar':
        return { p50: 0, p90: 60 };
      case 'pessimist':
        return { p50: p50 * 2 + 300, p90: p90 * 2 + 600 };
      case 'noisy': {
        const by = this.draw.logNormal(1, 0.7);
        return { p50: p50 * by, p90: p90 * by };
      }
      default:
        return character satisfies never;
    }
  }

  private look(now: number): Backlog {
    return backlogOf({
      total: { node: this.plan.nodes },
      free: { node: this.free },
      running: [...this.running.values()].map(({ shape, startedAt }) => ({
        takes: { node: shape.nodes },
        walltime: shape.walltime,
        elapsed: now - startedAt,
      })),
      waiting: this.waiting.map(({ shape }) => ({ takes: { node: shape.nodes }, walltime: shape.walltime })),
      ratios: this.ratios,
    });
  }
}
