/**
 * Bids from a runner's own queue: what runs, with what is left of it, and what waits before the job, on counts of
 * resources (core/bid/estimate.ts), and what the cluster's own scheduler plans, where it tells; the price from the tariff.
 * Learns how much of their walltime jobs really take.
 */
import { costOf } from '../../core/bid/tariff.ts';
import { wanted } from '../../core/bid/wanted.ts';
import { observeRatio, type Ratios } from '../../core/bid/ratios.ts';
import { readJobspec } from '../../core/jobspec/read.ts';
import { takesReader } from '../runners/own-queue.ts';
import { keyText } from '../runners/runner.ts';
import type { AgentBid, Bidder, BidderParts } from './bidder.ts';
import { waitIn } from './wait-in.ts';

/** An empty cluster is empty for a while; a queue moves. Seconds. */
const VALID = 30;
/** From the server's choice to the first process: journal, submit, launch. Seconds. */
const START_TAKES = 1;

export function createQueueBidder({ runner, tariff, coming, system }: BidderParts): Bidder | null {
  const { queue } = runner;
  if (queue === undefined) return null;
  const { clock } = system;
  let ratios: Ratios = [];
  /** One after the other: how long a job had is asked of the queue. */
  let learning: Promise<void> = Promise.resolve();
  const seen = new Set<string>();
  const unwatch = runner.watch(({ status, order, ...key }) => {
    const { startedAt, endedAt, end } = status;
    if (startedAt === null || endedAt === null || order === null || end?.outcome === 'canceled') return;
    if (seen.has(keyText(key)) || order.walltime <= 0) return;
    // A job is told about until it is forgotten; each counts once.
    if (seen.size >= 1_000) seen.clear();
    seen.add(keyText(key));
    const learn = async (): Promise<void> => {
      ratios = observeRatio(ratios, (endedAt - startedAt) / 1000, await queue.timeOf(order));
    };
    learning = learning.then(learn).catch(() => undefined);
  });

  const takes = takesReader();

  return {
    async bid(question): Promise<AgentBid> {
      const now = await queue.look(question);
      if ('refusal' in now) return { kind: 'no', reason: now.refusal };
      const { request } = readJobspec(question.jobspec);
      const totals = Object.entries(now.total).map(([type, total]) => ({ type, total }));
      const queued = new Set(
        [...now.running, ...now.waiting].flatMap(({ key }) => (key === null ? [] : [keyText(key)])),
      );
      // What is on its way here stands before it too.
      const behind = await Promise.all(
        coming()
          .filter((order) => order.priority >= question.priority && !queued.has(keyText(order)))
          .map(async (key) => {
            const walltime = await queue.timeOf(key);
            return { key, takes: takes(key.jobspec, totals), walltime, planned: null };
          }),
      );
      const walltime = await queue.timeOf(question);
      await learning;
      const asks = { takes: takes(question.jobspec, totals), walltime };
      const wait = waitIn({ ...now, waiting: [...now.waiting, ...behind] }, asks, ratios);
      const startP50 = START_TAKES + wait.p50;
      const wants = wanted(request);
      const of = (type: string): number => wants.get(type) ?? 0;
      const start = clock.now() + startP50 * 1000;
      const usage = { nodes: of('node'), cores: of('core'), gpus: of('gpu'), start, queue: now.name };
      return {
        kind: 'yes',
        estimate: {
          startP50,
          startP90: Math.max(startP50, START_TAKES * 2 + wait.p90),
          end: startP50 + walltime,
          expiresIn: VALID,
          cost: tariff === null ? null : costOf(tariff, { ...usage, walltime }),
        },
      };
    },
    close: unwatch,
  };
}
