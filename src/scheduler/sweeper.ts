/**
 * What time does to jobs, each round in this order:
 *   1. unaccepted leases of polling clients return
 *   2. what a polling client accepted is over at walltime and grace: unknown/not_reported, its capacity released
 *   3. a silent agent: what it holds becomes `unknown`
 *   4. a lost one: the job's on_cluster_loss is applied
 *   5. jobs that a silent cluster never received go back to pending, where another cluster could have them
 * What agents leave lying goes elsewhere between 1 and 2 (left.ts).
 * An agent's lease never ends by time alone: 3 only shows that nobody knows, 4 is what the job's owner chose.
 * `duplicate` begins a second attempt elsewhere, where there is an elsewhere; the first may go on, whichever ends first
 * counts, and the other is stopped (server/agents/duplicate.ts).
 * Every write is conditional, so that a round which raced with an agent's report does nothing. Of several servers the
 * first that is alive does all this; the others write down whom they have heard.
 */
import { askedEnd } from '../core/job/asked-end.ts';
import { isPolled } from '../core/job/polled.ts';
import { RESTORED } from '../core/job/restored.ts';
import type { Reason } from '../core/job/state.ts';
import type { ClusterRef, JobRecord, JobStore, Transition } from '../store/store.ts';
import type { System, Timer } from '../system/system.ts';
import type { Log } from './log.ts';
import type { Moves } from './moves.ts';
import type { InnerRegistry } from './registry.ts';
import type { SchedulerSettings } from './settings.ts';

/** Leases returned in one write. */
const BATCH = 500;
/** Rounds between two looks at the same cluster's jobs, and between two notes of who was heard. */
const SLOW_ROUNDS = 5;
/** Slow rounds between two looks for what polling clients left at a cluster that has an agent now. */
const RARE_ROUNDS = 12;
/** Milliseconds between two ticks from which on the process stood still, or its clock was set. */
const AWAY = 15_000;

export interface Sweeper {
  start(): void;
  stop(): Promise<void>;
  /** One full round, at once; for tests. */
  sweep(): Promise<void>;
}

export interface SweeperDependencies {
  readonly jobs: Pick<JobStore, 'atCluster'>;
  readonly system: System;
  readonly settings: SchedulerSettings;
  readonly registry: InnerRegistry;
  readonly moves: Moves;
  readonly outstanding: (cluster: string) => number;
  /** Seconds that this job has there. */
  readonly timeAt: (cluster: string, job: JobRecord) => number;
  /** Jobs that agents left lying for too long go elsewhere. */
  readonly sweepLeft: () => Promise<void>;
  /** Could another cluster than its own take it, one that is not silent? */
  readonly hasAlternative: (job: JobRecord) => boolean;
  /** Of several servers: is it this one's turn? */
  readonly isFirst: () => boolean;
  /** Reads how a cluster stands: another server may hold the stream of one that is silent here. */
  readonly look: (cluster: ClusterRef) => Promise<void>;
  /** Was anything read just now? A server that was stopped in between looks again before it believes anybody silent. */
  readonly isFresh: () => boolean;
  readonly log: Log;
}

export function createSweeper(deps: SweeperDependencies): Sweeper {
  const { system, settings, registry, moves } = deps;
  const now = (): number => system.clock.now();
  let timer: Timer | null = null;
  let round: Promise<void> | null = null;
  let rounds = 0;
  let tickedAt = 0;

  /** Has it been silent for `seconds`, by what all servers have heard of it? What was read a while ago is read again. */
  const isSilent = async (at: ClusterRef, seconds: number): Promise<boolean> => {
    if (!registry.isSilentFor(at.name, seconds)) return false;
    await deps.look(at);
    return registry.isSilentFor(at.name, seconds);
  };

  /** `silentFor`: only while its cluster is, also where this server was held up since it looked. */
  const move = async (
    job: JobRecord,
    to: Transition['to'],
    reason: Reason,
    silentFor: number | null = null,
  ): Promise<unknown> => {
    if (!deps.isFresh() && job.cluster !== null && job.clusterId !== null) {
      await deps.look({ name: job.cluster, id: job.clusterId });
      if (silentFor !== null && !registry.isSilentFor(job.cluster, silentFor)) return undefined;
    }
    const at = now();
    const ends = to === 'failed' || to === 'canceled';
    return moves.transition({
      id: job.id,
      from: [job.state],
      epoch: job.epoch,
      to,
      reason,
      at,
      ...(ends ? { endedAt: at } : {}),
    });
  };

  const returnLeases = async (): Promise<void> => {
    for (;;) {
      const returned = await moves.returnExpired(BATCH);
      if (returned.length < BATCH) return;
    }
  };

  const sweepPolled = async (at: ClusterRef): Promise<void> => {
    const { name: cluster } = at;
    for (const job of await deps.jobs.atCluster(at, ['accepted', 'running'])) {
      if (!isPolled(job) || job.acceptedAt === null) continue;
      const over = deps.timeAt(cluster, job) + settings.notReportedGrace;
      if (now() < job.acceptedAt + over * 1000) continue;
      await move(job, 'unknown', {
        code: 'not_reported',
        message: `cluster ${cluster} polls and reports no ends; its walltime is over, so what it took counts as free again`,
      });
    }
  };

  const sweepSilent = async (at: ClusterRef): Promise<void> => {
    const { name: cluster } = at;
    for (const job of await deps.jobs.atCluster(at, ['received', 'accepted', 'running'])) {
      if (isPolled(job)) continue;
      const message = `the agent of cluster ${cluster} has not spoken for more than ${settings.silentAfter} s`;
      await move(job, 'unknown', { code: 'cluster_silent', message }, settings.silentAfter);
    }
    if (await isSilent(at, settings.lostAfter)) {
      for (const job of await deps.jobs.atCluster(at, ['unknown'])) {
        if (job.reason.code !== 'not_reported') await applyLoss(job, cluster);
      }
    }
    if (await isSilent(at, settings.reassignAfter)) {
      for (const job of await deps.jobs.atCluster(at, ['assigned'])) {
        if (!deps.hasAlternative(job)) continue;
        const message = `cluster ${cluster} is silent and had not received it; another can have it`;
        await move(job, 'pending', { code: 'cluster_silent', message }, settings.reassignAfter);
      }
    }
  };

  /** What it was assigned and nobody holds goes back: it waits for the cluster to be resumed, or goes elsewhere. */
  const sweepDrained = async (at: ClusterRef): Promise<void> => {
    const message = `cluster ${at.name} was drained before it had received it`;
    for (const job of await deps.jobs.atCluster(at, ['assigned'])) {
      await move(job, 'pending', { code: 'cluster_drained', message });
    }
  };

  const applyLoss = (job: JobRecord, cluster: string): Promise<unknown> => {
    const silent = `cluster ${cluster} has been silent for more than ${settings.lostAfter} s`;
    const end = (to: Transition['to'], reason: Reason): Promise<unknown> => move(job, to, reason, settings.lostAfter);
    if (job.cancelRequestedAt !== null) {
      const unconfirmed = `${silent}: not confirmed; its agent is told to stop it when it calls in again`;
      const { to, reason } = askedEnd(job, unconfirmed);
      return end(to, reason);
    }
    // Put back with the store: it may have ended long ago, and its owner chose for clusters that are lost.
    if (job.reason.code === RESTORED) return Promise.resolve();
    switch (job.onClusterLoss) {
      case 'requeue':
        return end('pending', { code: 'requeued', message: `${silent} (on_cluster_loss: requeue)` });
      case 'duplicate':
        if (!deps.hasAlternative(job)) return Promise.resolve();
        return end('pending', {
          code: 'duplicated',
          message: `${silent}: a second attempt begins elsewhere, and whichever ends first counts (on_cluster_loss: duplicate)`,
        });
      case 'fail':
        return end('failed', { code: 'cluster_lost', message: `${silent} (on_cluster_loss: fail)` });
      default:
        return Promise.resolve(); // wait
    }
  };

  const sweep = async (slow: boolean, rare: boolean): Promise<void> => {
    if (slow) await registry.flushSeen();
    if (!deps.isFirst()) return;
    await returnLeases();
    if (!slow) return;
    await deps.sweepLeft();
    for (const cluster of registry.list()) {
      const { name, instance } = cluster;
      if (deps.outstanding(name) === 0) continue;
      // Jobs that a polling client took stay with it even after an agent has come.
      if (instance === null || rare) await sweepPolled(cluster);
      if (instance !== null && (await isSilent(cluster, settings.silentAfter))) await sweepSilent(cluster);
      if (cluster.service.drained !== null) await sweepDrained(cluster);
    }
  };

  const tick = (): void => {
    // Agents that waited for us meanwhile need their time to call in again.
    if (now() - tickedAt > settings.sweepEvery * 1000 + AWAY) registry.wasAway();
    tickedAt = now();
    if (round !== null) return;
    const number = rounds++;
    round = sweep(number % SLOW_ROUNDS === 0, number % (SLOW_ROUNDS * RARE_ROUNDS) === 0)
      .catch((error: unknown) => {
        deps.log.warn(
          { error: error instanceof Error ? error.message : String(error) },
          'a round of the sweeper failed',
        );
      })
      .finally(() => (round = null));
  };

  return {
    start() {
      tickedAt = now();
      timer ??= system.timers.every(settings.sweepEvery * 1000, tick);
    },
    async stop() {
      timer?.cancel();
      timer = null;
      await round;
      await registry.flushSeen().catch(() => undefined);
    },
    async sweep() {
      await round;
      await sweep(true, true);
    },
  };
}
