import type { RetentionSettings } from './retention.ts';

/** What an operator may set of the scheduler. Seconds, unless the name says otherwise. */
export interface SchedulerSettings {
  /** What to do with a job that fits a cluster which is busy: send it to wait there, or keep it pending. */
  readonly overcommit: 'queue' | 'deny';
  /** Of a job that gives none: bids, reservations and the end of a polled job need one. */
  readonly defaultWalltime: number;
  /** That one question to all clusters may hold the server; those not asked by then are `unknown`. */
  readonly longestMatch: number;
  /** An agent that has not spoken for so long (two heartbeats) is passed over where another cluster fits. */
  readonly passOverAfter: number;
  /** An agent that has not spoken for so long is silent: what it holds becomes `unknown`. */
  readonly silentAfter: number;
  /** From its last word: then a job's on_cluster_loss is applied. */
  readonly lostAfter: number;
  /** From its last word: then jobs that a silent cluster never received may go elsewhere. */
  readonly reassignAfter: number;
  /** After the walltime of a job that a polling client accepted: then it becomes unknown/not_reported. */
  readonly notReportedGrace: number;
  /** How long a job lies assigned that its cluster's agent leaves, before another cluster may have it. */
  readonly leftAfter: number;
  /** How long a cluster that refused a job is not asked again for it; doubles with each refusal. */
  readonly refusalBackoff: number;
  /** Between two rounds of the sweeper. */
  readonly sweepEvery: number;
  /** Between two looks at everything that is pending, if no event asks for one earlier. */
  readonly pollEvery: number;
  /** How long ended jobs are kept. */
  readonly retention: RetentionSettings;
}

export const defaultSettings: SchedulerSettings = {
  overcommit: 'queue',
  defaultWalltime: 3600,
  longestMatch: 0.25,
  passOverAfter: 20,
  silentAfter: 60,
  lostAfter: 600,
  reassignAfter: 120,
  notReportedGrace: 300,
  leftAfter: 300,
  refusalBackoff: 30,
  sweepEvery: 1,
  pollEvery: 15,
  retention: { days: null, count: null, every: 60 },
};
