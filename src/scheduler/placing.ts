/**
 * One decision: match every candidate, let the core decide, and take the capacity in the same turn. Nothing here
 * waits and nothing is written: submit and the cycle write what comes out, and give the reservation back if they
 * cannot.
 */
import { decide, type Decided } from '../core/decide.ts';
import type { Reason } from '../core/job/state.ts';
import { byPreference } from '../core/image/constrain.ts';
import type { Jobspec, Request } from '../core/jobspec/jobspec.ts';
import { UNHEARD } from '../core/serving.ts';
import { unheededOn } from '../core/translate/unheeded.ts';
import type { Asking, Matcher, Verdict } from '../core/match/matcher.ts';
import { openings, type Opening } from '../core/match/openings.ts';
import { COMPAT_WEIGHT } from '../core/select/heavier.ts';
import { policyNamed } from '../core/select/policies.ts';
import type { JobFacts, Policy } from '../core/select/policy.ts';
import type { ClusterRef } from '../store/store.ts';
import type { System } from '../system/system.ts';
import type { CorrectedOffer } from '../core/bid/bid.ts';
import { isRefusal } from './admission.ts';
import type { Gathered } from './bidding/gather.ts';
import type { Weigh } from './bidding/weigh.ts';
import type { Debits, Queued, Reservation } from './debits.ts';
import type { Log } from './log.ts';
import type { InnerRegistry } from './registry.ts';
import type { Rosters } from './rosters.ts';
import type { CandidateResult, DecisionRecord } from './scheduler.ts';
import type { SchedulerSettings } from './settings.ts';
import type { States } from './states.ts';
import { createWhyNot, kindOf } from './why-not.ts';

export interface Question {
  readonly jobspec: Jobspec;
  /** The jobspec as it was submitted. */
  readonly text: string;
  readonly owner: string;
  readonly candidates: readonly string[];
  readonly policy: string;
  readonly policyOptions: Readonly<Record<string, string>>;
  /** Not to be chosen now, and why. */
  readonly excluded: ReadonlyMap<string, string>;
  /** What to do where nothing is free; as the server is set where it is null or left out. */
  readonly overcommit?: 'queue' | 'deny' | null;
  readonly job: JobFacts;
  /** For the record, before its own: what else it is taken on. */
  readonly notes?: readonly string[];
  /** The bids, where the clusters were asked. */
  readonly gathered: Gathered | null;
  /** Of one cluster: what counts instead of what it bids now, where that is not null; no matter what is free there. */
  readonly instead?: { readonly cluster: string; readonly offer: CorrectedOffer | null };
}

export interface Placement {
  readonly decision: DecisionRecord;
  readonly outcome:
    /** The very cluster that was decided on: the write is lost where it is gone, namesake or not. */
    | { readonly state: 'assigned'; readonly cluster: ClusterRef; readonly reason: Reason }
    | { readonly state: 'pending' | 'rejected'; readonly reason: Reason };
}

export interface Placing {
  /** Match only. Candidates that are not registered (any more) fit nothing. `text`: see `Scheduler.match`. */
  match(jobspec: Jobspec, clusters: readonly string[], owner?: string, text?: string): readonly CandidateResult[];
  openings(jobspec: Jobspec, candidates: readonly CandidateResult[]): readonly Opening[];
  decide(question: Question): Placement;
  /** Does this policy, or the one beside it, look at offers? Throws `invalid_input` where there is no such policy. */
  weighsOffers(policy: string, options: Readonly<Record<string, string>>): boolean;
  /** Of these, the clusters whose whole graph holds it, and that would run it for its owner. */
  fitting(jobspec: Jobspec, clusters: readonly string[], owner: string, text: string): readonly string[];
  /** To be called in the same turn as `decide`. */
  reserve(cluster: string, jobspec: Jobspec, job: Queued): Reservation;
}

type Select = ReturnType<Policy['compile']>;
/** Compiled policies that are kept: users may bring options of their own with each job. */
const MOST_POLICIES = 256;

const FITS_NOT: Verdict = { fits: 'no', reasons: [] };
const FITS_UNKNOWN: Verdict = { fits: 'unknown', reasons: [] };
const NOT_ASKED: Verdict = {
  fits: 'unknown',
  reasons: [
    {
      stage: 'budget',
      vertex: '',
      type: '',
      message: 'not asked: the clusters before it took all the time that one question may take',
      needed: null,
      best: null,
      unit: '',
      relaxation: null,
    },
  ],
};

export function createPlacing(deps: {
  readonly matcher: Matcher;
  readonly registry: InnerRegistry;
  readonly rosters: Rosters;
  readonly debits: Debits;
  readonly states: States;
  readonly system: System;
  readonly settings: SchedulerSettings;
  readonly weigh: Weigh;
  readonly log: Log;
}): Placing {
  const { matcher, registry, states, system, settings } = deps;
  const selects = new Map<string, Select>();
  const { whyNot, refusing, lossOn } = createWhyNot(deps);

  /**
   * Asks one cluster after the other; what the time does not suffice for is unknown, not guessed. Clusters that look
   * alike share their verdicts, so only those that were worked out have taken any time.
   */
  const ask = (
    jobspec: Jobspec,
    clusters: readonly string[],
    owner?: string,
    text?: string,
  ): readonly CandidateResult[] => {
    const until = system.clock.monotonic() + settings.longestMatch * 1000;
    let asking: Asking | null = null;
    let answered = -1;
    let inTime = true;
    const told = text === undefined ? null : refusing(jobspec, text);
    return clusters.map((cluster) => {
      const no = registry.refuses(cluster, jobspec, owner) ?? told?.(cluster) ?? null;
      if (no !== null) return { cluster, satisfiable: no, startable: no, state: states.of(cluster) };
      if (matcher.answered !== answered) {
        answered = matcher.answered;
        inTime = system.clock.monotonic() < until;
      }
      return result(jobspec, cluster, inTime, () => (asking ??= matcher.asking(jobspec.request)));
    });
  };

  const result = (jobspec: Jobspec, cluster: string, inTime: boolean, asking: () => Asking): CandidateResult => {
    const isCompiled = registry.isCompiled(cluster);
    if (!isCompiled && registry.get(cluster) === null) {
      return { cluster, satisfiable: FITS_NOT, startable: FITS_NOT, state: {} };
    }
    const state = states.of(cluster);
    if (!inTime) return { cluster, satisfiable: NOT_ASKED, startable: NOT_ASKED, state };
    if (!isCompiled) return { cluster, satisfiable: FITS_UNKNOWN, startable: FITS_UNKNOWN, state };
    try {
      const satisfiable = asking().satisfiable(cluster);
      const startable = satisfiable.fits === 'yes' ? asking().startable(cluster) : satisfiable;
      const weight = satisfiable.fits === 'yes' ? weigh(cluster, jobspec.request) : null;
      return {
        cluster,
        satisfiable,
        startable,
        state: weight === null ? state : { ...state, [COMPAT_WEIGHT]: weight },
      };
    } catch (error) {
      // One cluster's failure is that cluster's alone.
      deps.log.error({ cluster, error: error instanceof Error ? error.message : String(error) }, 'matching failed');
      return { cluster, satisfiable: FITS_UNKNOWN, startable: FITS_UNKNOWN, state };
    }
  };

  /** Of the best set of the image's needs that the cluster meets; null where the image needs nothing. */
  const weigh = (cluster: string, request: Request): number | null => {
    if (!request.image) return null;
    const preferred = byPreference(request);
    const best = preferred.find(
      (each) => each.request === request || matcher.satisfiable(cluster, each.request).fits === 'yes',
    );
    return best?.weight ?? null;
  };

  /** Throws `invalid_input` where there is no such policy, or not with these options. */
  const compiled = (policy: string, options: Readonly<Record<string, string>>): Select => {
    const key = JSON.stringify([policy, options]);
    let select = selects.get(key);
    if (select === undefined) {
      select = policyNamed(policy).compile(options);
      if (selects.size >= MOST_POLICIES) selects.clear();
      selects.set(key, select);
    }
    return select;
  };

  /** Where nothing but match and state decides: at once, from what is kept of these clusters. Null: one by one. */
  const atOnce = (question: Question, seed: string): Chosen | null => {
    const { jobspec, text, owner, candidates, excluded, gathered } = question;
    const { request } = jobspec;
    const isPlain = gathered === null && question.instead === undefined && excluded.size === 0;
    if (!isPlain || request.image || jobspec.queue !== null || settings.shadow !== null) return null;
    const select = compiled(question.policy, question.policyOptions);
    if (select.ranking === undefined) return null;
    const until = system.clock.monotonic() + settings.longestMatch * 1000;
    try {
      const asking = matcher.asking(request);
      const { of } = asking;
      const roster = deps.rosters.of(candidates, owner, jobspec, (kind) => lossOn(kind, jobspec, text) === '');
      if (of === null || roster === null) return null;
      let answered = matcher.answered;
      const picked = roster.decide({
        ask(roots) {
          if (matcher.answered !== answered && system.clock.monotonic() >= until) return null;
          answered = matcher.answered;
          return of(roots);
        },
        select,
        seed,
      });
      if (picked === null) return null;
      return {
        decided: picked.decided,
        beside: null,
        barred: NOBODY,
        away: excluded,
        results: () =>
          picked.candidates(({ cluster, state, hasState, graphVersion }, { satisfiable, startable }) => ({
            cluster,
            satisfiable,
            startable,
            state,
            hasState,
            graphVersion,
          })),
      };
    } catch {
      // One cluster's failure is that cluster's alone: asked one by one, it is found, and said.
      return null;
    }
  };

  const oneByOne = (question: Question, seed: string, now: number): Chosen => {
    const { jobspec, text, owner, candidates, policy, policyOptions, excluded, job, gathered, instead } = question;
    const results = deps.weigh
      .seen(ask(jobspec, candidates, owner, text), gathered, now)
      .map((result) =>
        result.cluster === instead?.cluster && instead.offer !== null ? { ...result, offer: instead.offer } : result,
      );
    const away = new Map(excluded);
    for (const { cluster, satisfiable } of results) {
      const why = satisfiable.fits === 'yes' ? whyNot(cluster, jobspec) : null;
      if (why !== null) away.set(cluster, why);
    }
    const fitting = results.filter(({ cluster, satisfiable }) => satisfiable.fits === 'yes' && !away.has(cluster));
    const silent = fitting.filter(({ cluster }) => registry.isSilentFor(cluster, settings.passOverAfter));
    // A silent cluster is chosen only where there is no other.
    if (silent.length < fitting.length) {
      for (const { cluster } of silent) away.set(cluster, 'its agent is silent');
    }
    // Nor one for which nobody has ever called in, where another has an agent. Among clusters of clients that poll alone
    // nothing tells them apart: such a client may poll for the first time when it was sent something.
    const isThere = ({ cluster }: CandidateResult): boolean =>
      !away.has(cluster) && (registry.get(cluster)?.instance ?? null) !== null;
    if (fitting.some(isThere)) {
      for (const { cluster } of fitting) if (registry.isUnheard(cluster)) away.set(cluster, UNHEARD);
    }
    deps.weigh.passOver(fitting, away);
    const asked = results.filter(({ cluster }) => !away.has(cluster));
    const barred = results.filter(({ cluster, satisfiable }) => away.has(cluster) && satisfiable.fits === 'yes');
    const overcommit = question.overcommit ?? settings.overcommit;
    const input = { candidates: asked, parameters: jobspec.parameters, seed, now, job, overcommit };
    const decided =
      barred.length > 0 && asked.every(({ satisfiable }) => satisfiable.fits === 'no')
        ? allBarred(barred, away)
        : decide({ ...input, select: compiled(policy, policyOptions) });
    const { shadow } = settings;
    const beside =
      shadow === null ? null : () => decide({ ...input, select: compiled(shadow.policy, shadow.options) }).chosen;
    return { decided, beside, barred, away, results: () => results };
  };

  const unheededAt = (cluster: string, jobspec: Jobspec): readonly string[] => {
    const { runner, containers } = kindOf(registry.get(cluster)?.instance ?? null);
    return unheededOn(jobspec, runner, containers);
  };

  return {
    match: ask,

    openings: (jobspec, candidates) =>
      openings(
        jobspec.request,
        // No change of the request opens a cluster that is a no whatever its graph.
        candidates.flatMap(({ cluster, satisfiable }) =>
          isRefusal(satisfiable) ? [] : [{ cluster, verdict: satisfiable }],
        ),
        (cluster, changed) => (!registry.isCompiled(cluster) ? 'unknown' : matcher.satisfiable(cluster, changed).fits),
      ),

    weighsOffers: (policy, options) =>
      compiled(policy, options).weighsOffers === true ||
      (settings.shadow !== null && compiled(settings.shadow.policy, settings.shadow.options).weighsOffers === true),
    fitting: (jobspec, clusters, owner, text) =>
      ask(jobspec, clusters, owner, text)
        .filter(({ satisfiable }) => satisfiable.fits === 'yes')
        .map(({ cluster }) => cluster),

    decide(question) {
      const began = system.clock.monotonic();
      const seed = Buffer.from(system.entropy.bytes(8)).toString('hex');
      const now = system.clock.now();
      const { jobspec, policy, policyOptions, overcommit, job, gathered, notes: before = [] } = question;
      const { decided, beside, barred, away, results } = atOnce(question, seed) ?? oneByOne(question, seed, now);
      const { outcome, chosen, reason } = decided;
      const notes = [
        ...before,
        ...barred.map(({ cluster }) => `${cluster} was passed over: ${away.get(cluster) ?? ''}`),
        ...decided.notes,
        ...(chosen === null ? [] : unheededAt(chosen, jobspec)).map((each) => `${chosen ?? ''}: ${each}`),
      ];
      const micros = Math.round((system.clock.monotonic() - began) * 1000);
      const { shadow } = settings;
      // Plain: what has getters is slow to copy, and all of it is written down.
      const decision: DecisionRecord = {
        at: now,
        policy,
        policyOptions,
        seed,
        candidates: away.size === 0 ? results() : results().map(marked(away)),
        order: decided.order,
        notes,
        chosen,
        reason,
        micros,
        job,
        parameters: jobspec.parameters,
        overcommit: overcommit ?? settings.overcommit,
        asked: gathered !== null,
        ...(gathered === null
          ? {}
          : {
              waitedMs: gathered.waitedMs,
              shape: gathered.asked.question.shape,
              shapeClass: gathered.asked.shapeClass,
            }),
        shadow: shadow === null ? null : { policy: shadow.policy, chosen: beside?.() ?? null },
      };
      const cluster = chosen === null ? null : registry.get(chosen);
      return {
        decision,
        outcome:
          outcome === 'assigned' && cluster !== null
            ? { state: 'assigned', cluster: { name: cluster.name, id: cluster.id }, reason }
            : { state: outcome === 'rejected' ? 'rejected' : 'pending', reason },
      };
    },

    reserve(cluster, jobspec, job) {
      states.chosen(cluster);
      return deps.debits.reserve(cluster, jobspec.request, job);
    },
  };
}

/** A choice, with what it was taken on. */
interface Chosen {
  readonly decided: Decided;
  /** What the policy beside the real one would choose; null: there is none. */
  readonly beside: (() => string | null) | null;
  /** They fit, and were not to be chosen. */
  readonly barred: readonly CandidateResult[];
  /** Not to be chosen, and why. */
  readonly away: ReadonlyMap<string, string>;
  /** All candidates as they were then. */
  readonly results: () => readonly CandidateResult[];
}

/** With why it was passed over. */
function marked(away: ReadonlyMap<string, string>): (result: CandidateResult) => CandidateResult {
  return (result) => {
    const why = away.get(result.cluster);
    return why === undefined ? result : { ...result, passedOver: why };
  };
}

const NOBODY: readonly CandidateResult[] = [];

function allBarred(barred: readonly CandidateResult[], why: ReadonlyMap<string, string>): Decided {
  const first = barred[0]?.cluster ?? '';
  const more = barred.length > 1 ? ` (and ${barred.length - 1} more)` : '';
  const message = `nothing to choose from now: ${first} fits, but ${why.get(first) ?? ''}${more}`;
  return { outcome: 'pending', chosen: null, order: [], notes: [], reason: { code: 'nothing_free', message } };
}
