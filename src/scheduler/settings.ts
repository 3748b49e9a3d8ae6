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
  /** Are clusters asked for bids where a submit does not say? `auto`: where the policy, or the shadow's, weighs offers. */
  readonly ask: 'auto' | 'always' | 'never';
  /** That answers to a question are waited for. */
  readonly bidWithin: number;
  /** A bid serves equal jobs for so long, whatever comes and goes there meanwhile; then only while nothing does. */
  readonly bidReuse: number;
  /** May a job that waits at a cluster move to a better bid, where its submit does not say? */
  readonly rebid: boolean;
  /** Between two looks at the jobs that may move. */
  readonly rebidEvery: number;
  /** A bid is better by at least this part of the wait (or of the cost) that is left, */
  readonly rebidPart: number;
  /** and, in time, by at least this. */
  readonly rebidLeast: number;
  /** After a move; doubles with each. */
  readonly rebidRest: number;
  /** A policy that is asked beside the real one; its choices are only recorded. */
  readonly shadow: { readonly policy: string; readonly options: Readonly<Record<string, string>> } | null;
  /** Between two rounds of the sweeper. */
  readonly sweepEvery: number;
  /** Between two looks at everything that is pending, if no event asks for one earlier. */
  readonly pollEvery: number;
  /** How long ended jobs are kept. */
  readonly retention: RetentionSettings;
  /** How long contents and lists of files are kept that no job names. */
  readonly filesUnused: number;
  /** Bytes of them that there may be; from half of it on they are kept an hour at most. */
  readonly filesUnusedBytes: number;
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
  ask: 'auto',
  bidWithin: 0.5,
  bidReuse: 1,
  rebid: false,
  rebidEvery: 30,
  rebidPart: 0.2,
  rebidLeast: 600,
  rebidRest: 600,
  shadow: null,
  sweepEvery: 1,
  pollEvery: 15,
  retention: { days: null, count: null, every: 60 },
  filesUnused: 86_400,
  filesUnusedBytes: 2 ** 34,
};
