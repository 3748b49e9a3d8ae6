/**
 * Bids from a runner's own queue: what runs, with what is left of it, and what waits before the job, on counts of
 * resources (core/bid/estimate.ts); the price from the tariff. Learns how much of their walltime jobs really take.
 */
import type { BidQuestion } from '../../core/bid/bid.ts';
import { backlogOf, startIn, type Counts } from '../../core/bid/estimate.ts';
import { observeRatio, type Ratios } from '../../core/bid/ratios.ts';
import { costOf } from '../../core/bid/tariff.ts';
import { taken, wanted } from '../../core/bid/wanted.ts';
import type { Jobspec } from '../../core/jobspec/jobspec.ts';
import { readJobspec } from '../../core/jobspec/read.ts';
import { keyText, type Order } from '../runners/runner.ts';
import type { AgentBid, Bidder } from './bidder.ts';
import type { BidderParts } from './bidders.ts';

/** An empty cluster is empty for a while; a queue moves. Seconds. */
const VALID = 30;
/** From the server's choice to the first process: journal, submit, shim. Seconds. */
const START_TAKES = 1;
const MOST_COUNTED = 10_000;

export function createQueueBidder({ runner, tariff, coming, system }: BidderParts): Bidder | null {
  const { queue } = runner;
  if (queue === undefined) return null;
  const { clock } = system;
  const totals = queue.totals.filter(({ type }) => ['node', 'core', 'gpu'].includes(type));
  const total: Counts = Object.fromEntries(totals.map(({ type, total: count }) => [type, count]));
  let ratios: Ratios = [];
  const seen = new Set<string>();
  const unwatch = runner.watch(({ status, order, ...key }) => {
    const { startedAt, endedAt, end } = status;
    if (startedAt === null || endedAt === null || order === null || end?.outcome === 'canceled') return;
    if (seen.has(keyText(key)) || order.walltime <= 0) return;
    // A job is told about until it is forgotten; each counts once.
    if (seen.size >= 1_000) seen.clear();
    seen.add(keyText(key));
    ratios = observeRatio(ratios, (endedAt - startedAt) / 1000, order.walltime);
  });

  /** By jobspec: a queue repeats few texts, and reading one takes half a millisecond. */
  const counted = new Map<string, Counts>();
  const takes = (text: string): Counts => {
    let counts = counted.get(text);
    if (counts === undefined) {
      const jobspec = readOrNull(text);
      counts = jobspec === null ? {} : taken(jobspec.request, totals);
      if (counted.size >= MOST_COUNTED) counted.clear();
      counted.set(text, counts);
    }
    return counts;
  };

  return {
    async bid(question): Promise<AgentBid> {
      const refusal = queue.refusal(question.jobspec);
      if (refusal !== null) return { kind: 'no', reason: refusal };
      const now = clock.now();
      const jobs = await runner.find();
      const running = jobs.flatMap(({ status, order }) =>
        status.state !== 'running' || order === null
          ? []
          : [
              {
                takes: takes(order.jobspec),
                walltime: order.walltime,
                elapsed: Math.max(0, (now - (status.startedAt ?? now)) / 1000),
              },
            ],
      );
      const queued = new Set(jobs.map(keyText));
      const before = [
        ...jobs.flatMap(({ status, order }) => (status.state === 'accepted' && order !== null ? [order] : [])),
        ...coming().filter((order) => !queued.has(keyText(order))),
      ].filter((order) => order.priority >= question.priority);
      const waiting = before.map((order) => ({ takes: takes(order.jobspec), walltime: order.walltime }));
      const free = Object.fromEntries(
        Object.entries(total).map(([type, count]) => [
          type,
          running.reduce((left: number, entry) => left - (entry.takes[type] ?? 0), count),
        ]),
      );
      const jobspec = readJobspec(question.jobspec);
      const start = startIn(backlogOf({ total, free, running, waiting, ratios }), takes(question.jobspec));
      // It fits the graph, though not by counts: then behind everything.
      const startP50 = START_TAKES + (start?.p50 ?? sumOf(before) + sumOf(running));
      const startP90 = Math.max(startP50, START_TAKES * 2 + (start?.p90 ?? startP50));
      return {
        kind: 'yes',
        estimate: {
          startP50,
          startP90,
          end: startP50 + question.walltime,
          expiresIn: VALID,
          cost: tariff === null ? null : costOf(tariff, usageOf(jobspec, question, now + startP50 * 1000)),
        },
      };
    },
    close: unwatch,
  };
}

function usageOf({ request }: Jobspec, { walltime }: BidQuestion, start: number): Parameters<typeof costOf>[1] {
  const wants = wanted(request);
  const of = (type: string): number => wants.get(type) ?? 0;
  return { nodes: of('node'), cores: of('core'), gpus: of('gpu'), start, walltime };
}

function sumOf(entries: readonly (Order | { readonly walltime: number })[]): number {
  return entries.reduce((sum, { walltime }) => sum + walltime, 0);
}

function readOrNull(text: string): Jobspec | null {
  try {
    return readJobspec(text);
  } catch {
    return null;
  }
}
