/**
 * Follows each job that a bid led somewhere: when it starts and ends, what the bid said is put beside what happened;
 * when its cluster refuses it after all, that is held against the cluster. What led to a job is in its decision, in the
 * store; memory only saves looking it up.
 */
import type { BidOutcome, BidStore, ClusterRef, JobId, JobRecord, JobStore } from '../../store/store.ts';
import type { Clock } from '../../system/system.ts';
import type { Overdue } from './overdue.ts';
import type { Log } from '../log.ts';
import type { DecisionRecord } from '../scheduler.ts';
import { ledBy, neverStarted, outcomeOf, type LedBy } from './outcomes.ts';

export interface Follow {
  /** A decision was written that sent this job somewhere. */
  assigned(job: JobRecord, decision: DecisionRecord): void;
  /** A change of this job was written. */
  changed(job: JobRecord): void;
  /** Resolves when nothing is being written. */
  idle(): Promise<void>;
}

interface Followed {
  readonly epoch: number;
  readonly cluster: ClusterRef;
  readonly led: LedBy;
  keptStart: boolean;
}

export function createFollow(deps: {
  readonly bids: Pick<BidStore, 'keepOutcome'>;
  readonly jobs: Pick<JobStore, 'decisions' | 'attempts'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly clusterNamed: (name: string) => ClusterRef | null;
  readonly overdue: Overdue;
  readonly observed: (outcome: BidOutcome) => void;
  readonly refused: (cluster: ClusterRef, led: LedBy, job: JobRecord) => void;
  readonly tookIt: (cluster: string) => void;
}): Follow {
  const { clock, log } = deps;
  const startedAt = clock.now();
  const followed = new Map<JobId, Followed>();
  /** One after the other per job. */
  const turns = new Map<JobId, Promise<void>>();

  const inTurn = (id: JobId, act: () => Promise<void>): void => {
    const turn: Promise<void> = (turns.get(id) ?? Promise.resolve())
      .then(act)
      .catch((error: unknown) => log.warn({ job: id, error: String(error) }, 'what became of a bid was not kept'))
      .finally(() => {
        if (turns.get(id) === turn) turns.delete(id);
      });
    turns.set(id, turn);
  };

  /** Of an attempt that began before this server did. */
  const lookUp = async (job: JobRecord, epoch: number): Promise<Followed | null> => {
    const stored = (await deps.jobs.decisions(job.id)).findLast((each) => each.epoch === epoch);
    const led = stored === undefined ? null : ledBy(JSON.parse(stored.decision) as DecisionRecord);
    if (led === null) return null;
    const attempt = (await deps.jobs.attempts(job.id)).find((each) => each.epoch === epoch);
    const name = attempt?.cluster ?? null;
    const cluster = name === null ? null : deps.clusterNamed(name);
    return cluster === null ? null : { epoch, cluster: { name: cluster.name, id: cluster.id }, led, keptStart: false };
  };

  /** The next attempt may have begun meanwhile. */
  const forget = (id: JobId, of: Followed): void => {
    if (followed.get(id) === of) followed.delete(id);
  };

  const keep = async (outcome: BidOutcome): Promise<void> => {
    deps.observed(outcome);
    await deps.bids.keepOutcome(outcome);
  };

  const after = async (job: JobRecord, of: Followed): Promise<void> => {
    const left = job.epoch > of.epoch;
    if (left || job.startedAt !== null || job.endedAt !== null) deps.overdue.over(of.cluster.name, of);
    if (left) {
      forget(job.id, of);
      if (job.reason.code === 'refused') return deps.refused(of.cluster, of.led, job);
      if (!of.keptStart) await keep(neverStarted(job, of.epoch, of.cluster, of.led, clock.now()));
      return;
    }
    if (job.endedAt !== null) forget(job.id, of);
    const outcome = outcomeOf(job, of.led);
    if (outcome === null) {
      if (job.endedAt !== null) await keep(neverStarted(job, of.epoch, of.cluster, of.led, clock.now()));
      return;
    }
    if (of.keptStart && outcome.endedAt === null) return;
    of.keptStart = true;
    deps.tookIt(of.cluster.name);
    await keep(outcome);
  };

  return {
    assigned(job, decision) {
      if (job.state !== 'assigned' || job.cluster === null || job.clusterId === null) return;
      const led = ledBy(decision);
      followed.delete(job.id);
      if (led === null) return;
      const cluster = { name: job.cluster, id: job.clusterId };
      const of = { epoch: job.epoch, cluster, led, keptStart: false };
      followed.set(job.id, of);
      deps.overdue.waits(cluster.name, of, led.offer.startP90);
    },
    changed(job) {
      if (job.state === 'assigned' || job.state === 'received' || job.state === 'accepted') return;
      const known = followed.get(job.id);
      if (known !== undefined) return inTurn(job.id, () => after(job, known));
      const epoch = job.state === 'pending' ? job.epoch - 1 : job.epoch;
      if (epoch < 1 || (job.assignedAt ?? job.submittedAt) >= startedAt) return;
      if (job.state === 'unknown') return;
      inTurn(job.id, async () => {
        const found = await lookUp(job, epoch);
        if (found === null) return;
        if (job.endedAt === null && job.state !== 'pending') followed.set(job.id, found);
        await after(job, found);
      });
    },
    async idle() {
      while (turns.size > 0) await Promise.all(turns.values());
    },
  };
}
