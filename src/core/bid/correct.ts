/**
 * An offer, held against its cluster's record (docs/bidding.md has the reasons).
 *
 * Waits are compared on the scale y(w) = ln(1 + w / 60 s): a minute counts like a minute near "now", and like a share
 * of the wait far from it, so that one unlucky day does not outweigh a hundred jobs. The residual of a job is
 * r = y(actual) − y(P50).
 *   shift   the mean residual m, times max(0, 1 − (2·se / m)²), where se is its standard error with a prior of
 *           `PRIOR_JOBS` jobs that scatter by `PRIOR_SCATTER`: nothing while m could be chance, all of it once it cannot.
 *           First that of all shapes, then, on what is left, that of the offer's class.
 *           A pessimist is moved earlier by half of it only: modesty is no credit to be spent on lies.
 *   widen   the P90 by what nine in ten of the shifted residuals needed, times the same factor of its coverage's distance
 *           from 0.9. Never narrowed.
 *   hold    not earlier than now + o, if a job of ours waits there that has passed its P90 by o: what has kept somebody
 *           waiting for so long is expected to do so for as long again. A record learns of a wait only when it is over;
 *           this is what stops a queue that says "now" while it grows.
 * The mean, not the median: who lies half of the time pays for it in all of his offers.
 */
import type { CorrectedOffer, Offer } from './bid.ts';
import { mean, NO_RECORD, weightOf, type Calibration } from './calibration.ts';

const UNIT = 60;
const PRIOR_JOBS = 3;
const PRIOR_SCATTER = 1.5;
/** Residuals beyond count as this much: from "now", about seven hours. */
const MOST = 6;
/** Milliseconds; the age of outcomes is taken in steps of this, so that a correction can be kept for as long. */
const STEP = 600_000;
/** Seconds. Shifts of less than this are none, nor is widening by less. */
const LEAST_SHIFT = 1;
const LEAST_WIDER = 30;

export interface Correction {
  /** On the scale y; above 0 is later. */
  readonly shift: number;
  readonly widen: number;
  readonly jobs: number;
}

/**
 * What the records make of any offer of that class. `own` is the record of the offer's class of shapes. A record is
 * looked at once for as long as it and the step of time stay the same: a decision corrects every offer.
 */
export function correctionOf(all: Calibration, own: Calibration, now: number): Correction {
  const step = Math.floor(now / STEP);
  const [ofAll, ofOwn] = [lookAt(all, step), lookAt(own, step)];
  const first = shiftOf(ofAll, 0);
  const shift = first + shiftOf(ofOwn, first);
  const towards = shift < 0 ? shift / 2 : shift;
  const isOwn = own.kept.length >= all.kept.length / 2;
  const looked = isOwn ? ofOwn : ofAll;
  return { shift: towards, widen: widenOf(looked, towards), jobs: looked.count };
}

/** A record at a time, as the sums that its correction needs. */
interface Looked {
  readonly step: number;
  /** Outcomes. */
  readonly count: number;
  /** Sum of the weights: the jobs that it still counts for. */
  readonly jobs: number;
  /** Of the residuals of P50. */
  readonly mean: number;
  readonly squares: number;
  /** Residuals of P90, ascending; `upTo` sums the weights of those before each. */
  readonly over: Float64Array;
  readonly upTo: Float64Array;
}

/** Records are immutable, so what was seen in one stays true; it goes when the record goes. */
const seen = new WeakMap<Calibration, Looked>();

function lookAt(record: Calibration, step: number): Looked {
  const found = seen.get(record);
  if (found !== undefined && found.step === step) return found;
  const weights = record.kept.map((sample) => weightOf(sample, step * STEP));
  const residuals = record.kept.map(({ p50, actual }) => clip(forward(actual) - forward(p50)));
  const average = mean(residuals, weights) ?? 0;
  const over = record.kept.map(({ p90, actual }, i) => [clip(forward(actual) - forward(p90)), weights[i]!] as const);
  over.sort(([a], [b]) => a - b);
  const upTo = new Float64Array(over.length + 1);
  for (const [i, [, weight]] of over.entries()) upTo[i + 1] = upTo[i]! + weight;
  const looked: Looked = {
    step,
    count: weights.length,
    jobs: weights.reduce((sum, weight) => sum + weight, 0),
    mean: average,
    squares: residuals.reduce((sum, r, i) => sum + weights[i]! * (r - average) ** 2, 0),
    over: Float64Array.from(over, ([residual]) => residual),
    upTo,
  };
  seen.set(record, looked);
  return looked;
}

/** What is known of a cluster when it bids. */
export interface Standing {
  /** Its record of all shapes. */
  readonly all?: Calibration;
  /** Its record of the offer's class of shapes. */
  readonly own?: Calibration;
  /** Seconds by which a job that waits there now has passed the P90 that the cluster gave it, the most of any; 0: none. */
  readonly overdue?: number;
}

export function correct(offer: Offer, now: number, standing: Standing): CorrectedOffer {
  const { all = NO_RECORD, own = NO_RECORD, overdue = 0 } = standing;
  const { shift, widen, jobs } = correctionOf(all, own, now);
  const moved = (time: number, by: number): number => {
    const wait = Math.max(0, time - now) / 1000;
    return by === 0 ? time : now + Math.round(backward(Math.max(0, forward(wait) + by)) * 1000);
  };
  const byRecord = moved(offer.startP50, shift);
  const startP50 = Math.max(byRecord, overdue > 0 ? now + Math.round(overdue * 1000) : 0);
  const startP90 = Math.max(startP50, moved(offer.startP90, shift + widen));
  const later = (byRecord - offer.startP50) / 1000;
  const held = (startP50 - byRecord) / 1000;
  const wider = (startP90 - offer.startP90) / 1000 - later - held;
  const by = `by ${jobs} job${jobs === 1 ? '' : 's'}`;
  const said: string[] = [];
  if (Math.abs(later) >= LEAST_SHIFT) {
    said.push(`starts ${words(Math.abs(later))} ${later > 0 ? 'later' : 'earlier'} than it says, ${by}`);
  }
  if (wider >= LEAST_WIDER) said.push(`P90 ${words(wider)} further off, ${by}`);
  if (held >= LEAST_SHIFT) said.push(`not in less than ${words(overdue)}: a job waits there that long past its P90`);
  if (said.length === 0) return { ...offer, correction: '' };
  return { ...offer, startP50, startP90, end: offer.end + (startP50 - offer.startP50), correction: said.join('; ') };
}

function forward(wait: number): number {
  return Math.log1p(wait / UNIT);
}

function backward(y: number): number {
  return Math.expm1(y) * UNIT;
}

/** Of the residuals that are left once all are shifted by `already`. */
function shiftOf({ jobs, mean, squares }: Looked, already: number): number {
  if (jobs === 0) return 0;
  const variance = (squares + PRIOR_JOBS * PRIOR_SCATTER ** 2) / (jobs + PRIOR_JOBS);
  return (mean - already) * trust(mean - already, Math.sqrt(variance / jobs));
}

function widenOf({ over, upTo, jobs }: Looked, shift: number): number {
  const needed = (over[countWhile(over.length, (i) => upTo[i + 1]! < 0.9 * jobs - 1e-9)] ?? 0) - shift;
  if (jobs === 0 || needed <= 0) return 0;
  const covered = upTo[countWhile(over.length, (i) => over[i]! - shift <= 1e-9)]!;
  return needed * trust(Math.max(0, 0.9 - covered / jobs), Math.sqrt((0.9 * 0.1) / jobs));
}

/** How many of the first hold, of `length` that do up to some index and do not from there on; by halving. */
function countWhile(length: number, holds: (index: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** 0 while an effect is within two standard errors, towards 1 far beyond (positive-part James and Stein). */
function trust(effect: number, error: number): number {
  return effect === 0 ? 0 : Math.max(0, 1 - ((2 * error) / effect) ** 2);
}

function clip(residual: number): number {
  return Math.min(MOST, Math.max(-MOST, residual));
}

/** "12 min", "3.4 h". */
function words(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86_400).toFixed(1)} d`;
}
