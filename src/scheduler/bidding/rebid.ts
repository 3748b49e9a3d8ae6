/**
 * Looks again while jobs wait: a job that is assigned and has not started may move where another cluster's corrected bid
 * is better. Off unless the job's submit or the server says so.
 *
 * Better is what the job's own policy prefers, and by enough: by a part of the wait that is left and at least some
 * minutes, or by that part of the cost. Hysteresis: after a move a job rests, twice as long with each.
 *
 * One native queue entry at a time. A job that nobody holds goes back to pending at once; one that an agent holds is
 * asked back, and only that agent's word that it was taken out of the queue, and had not started, makes it pending,
 * under a new epoch. From there it is decided like any other; where it came from is not asked for a moment.
 */
import type { CorrectedOffer } from '../../core/bid/bid.ts';
import type { ClusterRef, JobId, JobRecord, JobStore } from '../../store/store.ts';
import type { System, Timer } from '../../system/system.ts';
import type { Log } from '../log.ts';
import type { Jobspecs } from '../jobspecs.ts';
import type { Moves } from '../moves.ts';
import type { Notices } from '../notices.ts';
import type { Placing } from '../placing.ts';
import type { DecisionRecord } from '../scheduler.ts';
import type { SchedulerSettings } from '../settings.ts';
import { factsOf } from './facts.ts';
import type { Gather } from './gather.ts';
import { spanText } from './offers.ts';

export interface Rebid {
  /** A job was placed, or read at start: it is looked at again if it may move. */
  waits(job: Pick<JobRecord, 'id' | 'state' | 'bidding'>): void;
  start(): void;
  stop(): Promise<void>;
  /** One look at all of them; for tests. */
  look(): Promise<void>;
}

/** Jobs looked at in one round; the others in the next. */
const MOST_AT_ONCE = 200;
const MOST_DOUBLINGS = 6;
const WAITING = ['assigned', 'received', 'accepted'];

export function createRebid(deps: {
  readonly jobs: Pick<JobStore, 'get' | 'attempts' | 'decisions'>;
  readonly system: System;
  readonly settings: SchedulerSettings;
  readonly gather: Gather;
  readonly placing: Placing;
  readonly jobspecs: Jobspecs;
  readonly moves: Moves;
  readonly notices: Notices;
  readonly isStill: (cluster: ClusterRef) => boolean;
  /** Another server holds its agent's stream, and looks at what waits there. */
  readonly isElsewhere: (cluster: ClusterRef) => boolean;
  readonly log: Log;
}): Rebid {
  const { system, settings, placing, log } = deps;
  const now = (): number => system.clock.now();
  /** In the order in which they are looked at. */
  const waiting = new Set<JobId>();
  let timer: Timer | null = null;
  let round: Promise<void> | null = null;

  const mayMove = (job: Pick<JobRecord, 'bidding'>): boolean => job.bidding?.rebid ?? settings.rebid;

  const lookAt = async (id: JobId): Promise<void> => {
    waiting.delete(id);
    const job = await deps.jobs.get(id);
    if (job === null || !WAITING.includes(job.state) || job.startedAt !== null) return;
    waiting.add(id);
    if (job.cluster !== null && job.clusterId !== null && deps.isElsewhere({ name: job.cluster, id: job.clusterId }))
      return;
    // A polling client holds it: nobody can be asked to give it back.
    if (job.cancelRequestedAt !== null || job.leaseExpiresAt !== null || (await rests(job))) return;
    const better = await betterThan(job);
    if (better === null) return;
    if (job.state !== 'assigned') {
      // What is just being taken is asked for once it is in the native queue.
      if (job.state === 'accepted') deps.notices.notify(job.cluster ?? '', { kind: 'withdraw', job, message: better });
      return;
    }
    const { epoch } = job;
    const reason = { code: 'moved', message: better } as const;
    await deps.moves.transition({ id, from: ['assigned'], epoch, to: 'pending', reason, at: now() });
  };

  const rests = async (job: JobRecord): Promise<boolean> => {
    if (job.epoch === 1) return false;
    const moved = (await deps.jobs.attempts(job.id)).filter(({ reason }) => reason.code === 'moved');
    const last = moved.at(-1)?.endedAt ?? null;
    if (last === null) return false;
    return now() < last + settings.rebidRest * 1000 * 2 ** Math.min(moved.length - 1, MOST_DOUBLINGS);
  };

  /** Why another is better, for people; null where none is. */
  const betterThan = async (job: JobRecord): Promise<string | null> => {
    const { jobspec } = deps.jobspecs.read(job);
    const candidates = job.candidates.filter((cluster) => deps.isStill(cluster)).map(({ name }) => name);
    if (jobspec === null || candidates.length < 2 || job.cluster === null) return null;
    const gathered = await deps.gather.always({ ...job, parsed: jobspec, candidates });
    const { decision } = placing.decide({
      jobspec,
      text: job.jobspec,
      owner: job.owner,
      candidates,
      policy: job.policy,
      policyOptions: job.policyOptions,
      excluded: new Map(),
      job: factsOf(job, job.walltime, job.submittedAt),
      gathered,
      instead: { cluster: job.cluster, offer: await ownOffer(job, gathered.bids.has(job.cluster)) },
    });
    const { chosen } = decision;
    if (chosen === null || chosen === job.cluster) return null;
    const offers = new Map(decision.candidates.map(({ cluster, offer }) => [cluster, offer ?? null]));
    return comparison(chosen, offers.get(chosen) ?? null, offers.get(job.cluster) ?? null, decision.at);
  };

  /**
   * What it was sent there for, while that can still come true: a new bid would put it behind those who came later.
   * Null: what its cluster bids now is all that is known.
   */
  const ownOffer = async (job: JobRecord, isAsked: boolean): Promise<CorrectedOffer | null> => {
    const stored = (await deps.jobs.decisions(job.id)).findLast(({ epoch }) => epoch === job.epoch);
    if (stored === undefined) return null;
    const { candidates } = JSON.parse(stored.decision) as DecisionRecord;
    const offer = candidates.find(({ cluster }) => cluster === job.cluster)?.offer ?? null;
    return offer !== null && (offer.startP50 > now() || !isAsked) ? offer : null;
  };

  const comparison = (
    chosen: string,
    other: CorrectedOffer | null,
    own: CorrectedOffer | null,
    at: number,
  ): string | null => {
    if (other === null || own === null) return null;
    const left = own.startP50 - at;
    const gain = own.startP50 - other.startP50;
    if (gain >= settings.rebidLeast * 1000 && gain >= settings.rebidPart * left) {
      return `${chosen} would start it in ${spanText(Math.max(0, other.startP50 - at))} instead of ${spanText(left)}`;
    }
    const saves =
      other.cost !== null && own.cost !== null && other.cost.currency === own.cost.currency
        ? own.cost.amount - other.cost.amount
        : 0;
    if (saves <= 0 || own.cost === null || saves < settings.rebidPart * own.cost.amount) return null;
    return `${chosen} would run it for ${other.cost?.amount} ${own.cost.currency} instead of ${own.cost.amount}`;
  };

  const look = async (): Promise<void> => {
    for (const id of [...waiting].slice(0, MOST_AT_ONCE)) {
      await lookAt(id).catch((error: unknown) =>
        log.warn({ job: id, error: String(error) }, 'another bid for this job could not be looked for'),
      );
    }
  };

  return {
    waits(job) {
      if (mayMove(job) && WAITING.includes(job.state)) waiting.add(job.id);
    },
    start() {
      timer ??= system.timers.every(settings.rebidEvery * 1000, () => {
        if (waiting.size > 0) round ??= look().finally(() => (round = null));
      });
    },
    async stop() {
      timer?.cancel();
      timer = null;
      await round;
    },
    async look() {
      await round;
      await look();
    },
  };
}
