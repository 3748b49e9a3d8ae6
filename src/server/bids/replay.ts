/**
 * Replay: another policy over the decisions that were taken, page by page, so that the server serves others meanwhile.
 * Nothing is written. Decisions of earlier versions, which did not keep what a policy needs, are counted as skipped.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { invalid, RainbowError } from '../../core/errors.ts';
import {
  addTo,
  compared,
  emptyReport,
  replayOne,
  type Recorded,
  type Replayed,
  type Report,
} from '../../core/replay/replay.ts';
import type { BidService } from '../../gen/rainbow/v1/bid_pb.js';
import type { DecisionRecord } from '../../scheduler/scheduler.ts';
import type { Handlers } from '../call.ts';
import type { Parts } from '../parts.ts';
import { choosePolicy } from '../policy.ts';

const MOST = 100_000;
const PAGE = 200;
const MOST_CHANGES = 50;
const ANY = { clientMayChoosePolicy: true, allowedPolicies: null } as const;
const A_DAY_MS = 24 * 3_600_000;

export function replay(parts: Parts): Handlers<typeof BidService>['replay'] {
  return async (request, call) => {
    const person = parts.authenticator.person(call);
    const now = parts.system.clock.now();
    const since = request.since === undefined ? now - A_DAY_MS : timestampMs(request.since);
    const until = request.until === undefined ? now + 1 : timestampMs(request.until);
    if (!(until > since)) throw invalid('until', 'must be after since');
    const limit = request.limit === 0 ? MOST : request.limit;
    if (limit < 0 || limit > MOST) throw invalid('limit', `must be from 1 to ${MOST}`);
    if (!request.shadow && request.policy === '')
      throw invalid('policy', 'name the policy to run instead, or ask for the shadow’s');
    if (request.shadow && request.policy !== '')
      throw invalid('policy', 'is not run with shadow: what it chose is recorded');
    const again = request.shadow ? shadowChoice : (recorded: Recorded) => replayOne(recorded, select);
    const select = request.shadow
      ? () => ({ order: [], notes: [] })
      : choosePolicy(
          // What users may choose is not for operators, and nothing is placed by it.
          person.kind === 'operator' ? { ...parts.settings, ...ANY } : parts.settings,
          { name: request.policy, options: request.policyOptions },
          'ours',
        ).select;

    const report = emptyReport();
    let skipped = 0;
    let looked = 0;
    let cut = false;
    let policy = request.policy;
    let after: { readonly at: number; readonly id: number } | undefined;
    const owner = person.kind === 'operator' ? {} : { owner: person.owner };
    for (;;) {
      if (call.signal.aborted) throw new RainbowError('aborted', 'the caller went away');
      const more = after === undefined ? {} : { after };
      const page = await parts.store.bids.decisions({ since, until, ...owner, ...more, limit: PAGE });
      for (const { decision } of page) {
        if (looked >= limit) {
          cut = true;
          break;
        }
        looked += 1;
        const kept = JSON.parse(decision) as DecisionRecord;
        const recorded = recordedOf(kept);
        if (recorded === null) {
          skipped += 1;
          continue;
        }
        const replayed = again(recorded);
        if (request.shadow && recorded.shadow !== null) policy = recorded.shadow.policy;
        if (replayed !== null) addTo(report, replayed);
      }
      const last = page.at(-1);
      if (cut || last === undefined || page.length < PAGE) break;
      after = { at: last.at, id: last.id };
    }
    return { policy, skipped, cut, ...sums(report) };
  };
}

interface WithShadow extends Recorded {
  readonly shadow: { readonly policy: string; readonly chosen: string | null } | null;
}

function shadowChoice(recorded: WithShadow): Replayed | null {
  if (recorded.chosen === null || recorded.shadow === null) return null;
  return compared(recorded, recorded.chosen, recorded.shadow.chosen);
}

function recordedOf(decision: DecisionRecord): WithShadow | null {
  const { at, seed, chosen, job, parameters, overcommit, candidates, shadow = null } = decision;
  if (job === undefined || parameters === undefined || overcommit === undefined) return null;
  return { at, seed, chosen, job, parameters, overcommit, candidates, shadow };
}

function sums(report: Report) {
  const changes = [...report.changes.values()].sort((a, b) => b.decisions - a.decisions).slice(0, MOST_CHANGES);
  return {
    decisions: report.decisions,
    changed: report.changed,
    unplaced: report.unplaced,
    compared: report.compared,
    waitRecorded: report.waitRecorded,
    waitReplayed: report.waitReplayed,
    costs: [...report.costs].map(([currency, sum]) => ({ currency, ...sum })),
    changes: changes.map(({ from, to, decisions, wait }) => ({ from, to: to ?? '', decisions, waitSeconds: wait })),
  };
}
