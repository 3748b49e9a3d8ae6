/** Candidates and decisions of the wire, for programs and for people: which cluster could hold a job, and why not the others. */
import type { Candidate, Decision, Opening } from '../../gen/rainbow/v1/job_pb.js';
import { clean, type Paint } from '../paint.ts';
import { reasonJson, reasonText } from './job.ts';
import { bidJson, bidLines } from './bid.ts';
import { reasonLines } from './match.ts';
import { isoTime } from './time.ts';
import { fitsWord } from './words.ts';

export function candidateJson(candidate: Candidate) {
  return {
    cluster: candidate.cluster,
    satisfiable: fitsWord(candidate.satisfiable),
    startable: fitsWord(candidate.startable),
    reasons: candidate.reasons.map((reason) => ({
      stage: reason.stage,
      vertex: reason.vertex,
      type: reason.type,
      message: reason.message,
      needed: reason.needed,
      best: reason.best,
      unit: reason.unit,
      relaxation:
        reason.relaxation === undefined
          ? null
          : {
              vertex: reason.relaxation.vertex,
              field: reason.relaxation.field,
              from: reason.relaxation.from,
              to: reason.relaxation.to,
              message: reason.relaxation.message,
            },
    })),
    state: candidate.state ?? null,
    graphVersion: Number(candidate.graphVersion),
    bid: candidate.bid === undefined ? null : bidJson(candidate.bid),
    ...(candidate.placement === undefined ? {} : { placement: candidate.placement }),
  };
}

export function openingJson({ relaxation, clusters }: Opening) {
  return {
    vertex: relaxation?.vertex ?? '',
    field: relaxation?.field ?? '',
    from: relaxation?.from ?? '',
    to: relaxation?.to ?? '',
    message: relaxation?.message ?? '',
    clusters,
  };
}

/** What would open clusters that cannot hold it: nothing where none can be opened by one change. */
export function openingLines(openings: readonly Opening[]): string[] {
  if (openings.length === 0) return [];
  const lines = openings.map(({ relaxation, clusters }) => {
    const count = clusters.length === 1 ? '1 cluster' : `${clusters.length} clusters`;
    return `  ${clean(relaxation?.message ?? '')}: opens ${count} (${clusters.slice(0, 5).join(', ')}${clusters.length > 5 ? ', …' : ''})`;
  });
  return ['what one change would open:', ...lines];
}

export function decisionJson(decision: Decision) {
  return {
    epoch: Number(decision.epoch),
    at: isoTime(decision.at),
    policy: decision.policy,
    policyOptions: decision.policyOptions,
    seed: decision.seed,
    chosen: decision.chosen === '' ? null : decision.chosen,
    reason: reasonJson(decision.reason),
    micros: decision.micros,
    order: decision.order,
    notes: decision.notes,
    asked: decision.asked,
    waitedMs: decision.waitedMs,
    shapeClass: decision.shapeClass === '' ? null : decision.shapeClass,
    shadow:
      decision.shadow === undefined
        ? null
        : { policy: decision.shadow.policy, chosen: decision.shadow.chosen === '' ? null : decision.shadow.chosen },
    candidates: decision.candidates.map(candidateJson),
  };
}

/**
 * Two or more lines per cluster: its answer, then why not and what would help. `barred`: those that would not be given
 * it though it fits, and why. `absent`: those where nobody is there to start it, and who would have to be.
 */
export function candidateLines(
  paint: Paint,
  candidates: readonly Candidate[],
  decision?: Decision,
  barred: ReadonlyMap<string, string> = new Map(),
  absent: ReadonlyMap<string, string> = new Map(),
): string[] {
  const chosen = decision?.chosen ?? '';
  if (candidates.length === 0) return ['no cluster was asked'];
  const width = candidates.reduce((widest, { cluster }) => Math.max(widest, cluster.length), 0);
  return candidates.flatMap((candidate) => {
    const fits = fitsWord(candidate.satisfiable);
    const now = fitsWord(candidate.startable);
    const why = barred.get(candidate.cluster);
    const answer =
      fits === 'yes' && why !== undefined
        ? `${paint.yellow('fits')}, but ${clean(why)}`
        : fits === 'yes'
          ? `${paint.green('fits')}${now === 'yes' ? ', could start now' : ', but not on what is free now'}`
          : fits === 'no'
            ? paint.red('does not fit')
            : paint.yellow('unknown: the matcher’s budget was spent');
    const nobody = fits === 'yes' && why === undefined ? absent.get(candidate.cluster) : undefined;
    const once =
      nobody === undefined ? '' : `${now === 'yes' ? '' : '; not before'} ${paint.yellow(`once ${clean(nobody)}`)}`;
    const bid = candidate.bid === undefined ? [] : bidLines(paint, candidate.bid, decision?.at);
    const mark = candidate.cluster === chosen ? paint.bold('  ← chosen') : '';
    return [
      `  ${candidate.cluster.padEnd(width)}  ${answer}${once}${mark}`,
      ...bid.map((line) => `  ${' '.repeat(width)}    ${line}`),
      // What is missing just now is said by the start that it offers.
      ...reasonLines(fits === 'yes' && bid.length > 0 ? [] : candidate.reasons).map(
        (line) => `  ${' '.repeat(width)}    ${line}`,
      ),
    ];
  });
}

const OPTION_WIDTH = 60;

/** An option of a policy may be a program of many lines. */
function short(value: string): string {
  const characters = Array.from(clean(value).replace(/\s+/g, ' ').trim());
  return characters.length <= OPTION_WIDTH ? characters.join('') : `${characters.slice(0, OPTION_WIDTH - 1).join('')}…`;
}

/** The best first, those that were not to be had last. */
function inOrder({ candidates, order }: Decision): readonly Candidate[] {
  const place = (cluster: string): number => {
    const at = order.indexOf(cluster);
    return at < 0 ? order.length : at;
  };
  return candidates.toSorted((a, b) => place(a.cluster) - place(b.cluster));
}

const PASSED_OVER = ' was passed over: ';

/** As the notes have it: those that fit, and were not to be chosen then. */
function passedOver({ candidates, notes }: Decision): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { cluster } of candidates) {
    const begin = `${cluster}${PASSED_OVER}`;
    const note = notes.find((each) => each.startsWith(begin));
    if (note !== undefined) found.set(cluster, note.slice(begin.length));
  }
  return found;
}

function askedLine({ candidates, asked, waitedMs, shapeClass }: Decision): string[] {
  if (!asked) return ['  nobody was asked for a bid: decided from match and state'];
  const bids = candidates.filter(({ bid }) => bid !== undefined).length;
  return [`  ${bids} asked for a bid, waited ${Math.round(waitedMs)} ms for answers (${clean(shapeClass)})`];
}

function shadowLine({ shadow, chosen }: Decision): string[] {
  if (shadow === undefined) return [];
  const what = shadow.chosen === chosen ? 'the same' : shadow.chosen === '' ? 'none' : clean(shadow.chosen);
  return [`  the shadow policy ${clean(shadow.policy)} would have chosen ${what}`];
}

export function decisionText(paint: Paint, decision: Decision): string {
  const chosen =
    decision.chosen === '' ? `none chosen: ${reasonText(decision.reason)}` : `chose ${paint.bold(decision.chosen)}`;
  const options = Object.entries(decision.policyOptions).map(([key, value]) => `${clean(key)}=${short(value)}`);
  return [
    `attempt ${decision.epoch}: ${chosen}`,
    ...candidateLines(paint, inOrder(decision), decision, passedOver(decision)),
    ...askedLine(decision),
    ...decision.notes.map((note) => `  ${clean(note)}`),
    ...shadowLine(decision),
    paint.dim(
      `  policy ${clean(decision.policy)}${options.length === 0 ? '' : ` (${options.join(', ')})`}, seed ${clean(decision.seed)}, ` +
        `${Math.round(decision.micros)} µs, ${isoTime(decision.at) ?? ''}`,
    ),
  ].join('\n');
}
