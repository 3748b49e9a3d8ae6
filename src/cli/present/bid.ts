/** Bids, records and replays of the wire, for programs and for people. */
import {
  BidKind,
  type Bid,
  type BidCost,
  type BidRecord,
  type Calibration,
  type Offer,
  type ReplayResponse,
} from '../../gen/rainbow/v1/bid_pb.js';
import { clean, type Paint } from '../paint.ts';
import { table, type Column } from '../table.ts';
import { durationText, isoTime, milliseconds, type WireTime } from './time.ts';

const KINDS: Readonly<Record<number, string>> = {
  [BidKind.YES]: 'yes',
  [BidKind.NO]: 'no',
  [BidKind.SILENT]: 'silent',
  [BidKind.INVALID]: 'invalid',
};

export function bidJson(bid: Bid) {
  return {
    answer: KINDS[bid.kind] ?? null,
    id: bid.id === '' ? null : bid.id,
    byProxy: bid.byProxy,
    expiresAt: isoTime(bid.expiresAt),
    offer: offerJson(bid.offer),
    corrected: offerJson(bid.corrected),
    correction: bid.correction,
    reason: bid.reason === undefined ? null : { code: bid.reason.code, message: bid.reason.message },
  };
}

function offerJson(offer: Offer | undefined) {
  if (offer === undefined) return null;
  return {
    startP50: isoTime(offer.startP50),
    startP90: isoTime(offer.startP90),
    end: isoTime(offer.end),
    cost: offer.cost === undefined ? null : costJson(offer.cost),
  };
}

function costJson({ amount, currency, parts }: BidCost) {
  return { amount, currency, parts: parts.map((part) => ({ what: part.what, amount: part.amount })) };
}

/** What a cluster offered, in a line or two: as the policy saw it, and why that is not what it said. */
export function bidLines(paint: Paint, bid: Bid, decidedAt: WireTime | undefined): string[] {
  const why = bid.reason === undefined ? '' : clean(bid.reason.message || bid.reason.code);
  if (bid.kind === BidKind.SILENT) return [paint.yellow('did not answer in time')];
  if (bid.kind === BidKind.INVALID) return [paint.red(why)];
  if (bid.kind === BidKind.NO) return [paint.red(`says no: ${why}`)];
  const offer = bid.corrected ?? bid.offer;
  if (offer === undefined) return [];
  const cost = offer.cost === undefined ? 'no price' : priceText(offer.cost.amount, offer.cost.currency);
  const made = bid.byProxy ? ' (reckoned by the server)' : '';
  const lines = [
    `offers a start in ${from(offer.startP50, decidedAt)}, nine in ten in ${from(offer.startP90, decidedAt)}, ${cost}${made}`,
  ];
  const parts = bid.offer?.cost?.parts ?? [];
  if (parts.length > 1) lines.push(paint.dim(`price: ${parts.map(({ what }) => clean(what)).join(' + ')}`));
  if (bid.correction !== '') {
    lines.push(paint.dim(`it said ${from(bid.offer?.startP50, decidedAt)}; ${clean(bid.correction)}`));
  }
  return lines;
}

function from(at: WireTime | undefined, now: WireTime | undefined): string {
  return at === undefined || now === undefined ? '?' : durationText(Math.max(0, milliseconds(at) - milliseconds(now)));
}

/** Two decimals, more where the amount is small. */
export function priceText(amount: number, currency: string): string {
  const digits = Math.abs(amount) >= 0.1 || amount === 0 ? 2 : 4;
  return `${amount.toFixed(digits)} ${clean(currency)}`;
}

export function recordJson(record: BidRecord) {
  const counts = record.counts;
  return {
    counts: {
      asked: Number(counts?.asked ?? 0),
      yes: Number(counts?.yes ?? 0),
      no: Number(counts?.no ?? 0),
      silent: Number(counts?.silent ?? 0),
      late: Number(counts?.late ?? 0),
      invalid: Number(counts?.invalid ?? 0),
      stray: Number(counts?.stray ?? 0),
      refused: Number(counts?.refused ?? 0),
    },
    calibrations: record.calibrations.map((each) => ({
      shapeClass: each.shapeClass === '' ? null : each.shapeClass,
      jobs: each.jobs,
      biasSeconds: each.bias,
      coverageP50: each.coverageP50,
      coverageP90: each.coverageP90,
      sharpnessSeconds: each.sharpness,
      costRatio: each.costRatio === 0 ? null : each.costRatio,
      correction: each.correction,
    })),
  };
}

/** Lines to put below a cluster; none where it was never asked. */
export function recordLines(paint: Paint, record: BidRecord): string[] {
  const { counts } = recordJson(record);
  if (counts.asked === 0 && record.calibrations.length === 0) return [];
  const bad = (['silent', 'late', 'invalid', 'stray', 'refused'] as const)
    .filter((kind) => counts[kind] > 0)
    .map((kind) => `${counts[kind]} ${kind === 'refused' ? 'refused after yes' : kind}`);
  const answers = `asked ${counts.asked === 1 ? 'once' : `${counts.asked} times`}: ${counts.yes} yes, ${counts.no} no`;
  const lines = [`${paint.dim('bids'.padEnd(13))} ${[answers, ...bad.map((text) => paint.yellow(text))].join(', ')}`];
  if (record.calibrations.length === 0) return lines;
  const share = (part: number): string => `${Math.round(part * 100)} %`;
  const signed = (seconds: number): string => `${seconds < 0 ? '−' : '+'}${durationText(Math.abs(seconds) * 1000)}`;
  const columns: readonly Column<Calibration>[] = [
    { title: 'JOBS LIKE', cell: ({ shapeClass }) => (shapeClass === '' ? 'all' : clean(shapeClass)) },
    { title: 'STARTED', cell: ({ jobs }) => String(jobs), align: 'right' },
    { title: 'BIAS', cell: ({ bias }) => signed(bias), align: 'right' },
    { title: 'BY P50', cell: ({ coverageP50 }) => share(coverageP50), align: 'right' },
    { title: 'BY P90', cell: ({ coverageP90 }) => share(coverageP90), align: 'right' },
    { title: 'SPREAD', cell: ({ sharpness }) => durationText(sharpness * 1000), align: 'right' },
    { title: 'CORRECTION', cell: ({ correction }) => clean(correction) },
  ];
  return [...lines, table(columns, record.calibrations, paint.dim)];
}

export function replayJson(replay: ReplayResponse) {
  return {
    policy: replay.policy,
    decisions: replay.decisions,
    changed: replay.changed,
    unplaced: replay.unplaced,
    notCompared: notCompared(replay),
    skipped: replay.skipped,
    cut: replay.cut,
    wait: { compared: replay.compared, recordedSeconds: replay.waitRecorded, replayedSeconds: replay.waitReplayed },
    costs: replay.costs.map(({ currency, compared, recorded, replayed }) => ({
      currency,
      compared,
      recorded,
      replayed,
    })),
    changes: replay.changes.map((change) => ({
      from: change.from,
      to: change.to === '' ? null : change.to,
      decisions: change.decisions,
      waitSeconds: change.waitSeconds,
    })),
  };
}

export function replayText(paint: Paint, replay: ReplayResponse): string {
  const { decisions, changed, unplaced, compared } = replay;
  const policy = paint.bold(clean(replay.policy || 'the shadow policy'));
  if (decisions === 0) return `no decisions that ${policy} could be run on${skippedText(replay)}`;
  const apart = notCompared(replay);
  const lines = [
    `${policy} over ${decisions} decisions: ${changed} would have gone elsewhere` +
      `${unplaced === 0 ? '' : `, ${unplaced} nowhere`}${apart === 0 ? '' : `; ${apart} not compared: no offers`}${skippedText(replay)}`,
  ];
  interface Row {
    readonly what: string;
    readonly was: string;
    readonly would: string;
    readonly difference: string;
  }
  const rows: Row[] = [];
  if (compared > 0) {
    const mean = (sum: number): string => durationText((sum / compared) * 1000);
    const change = (replay.waitReplayed - replay.waitRecorded) / compared;
    rows.push({
      what: `mean wait (${compared} jobs)`,
      was: mean(replay.waitRecorded),
      would: mean(replay.waitReplayed),
      difference: `${change < 0 ? '−' : '+'}${durationText(Math.abs(change) * 1000)}`,
    });
  }
  for (const { currency, compared: jobs, recorded, replayed } of replay.costs) {
    const difference = replayed - recorded;
    rows.push({
      what: `cost (${jobs} jobs)`,
      was: priceText(recorded, currency),
      would: priceText(replayed, currency),
      difference: `${difference < 0 ? '−' : '+'}${priceText(Math.abs(difference), currency)}`,
    });
  }
  if (rows.length > 0) {
    const columns: readonly Column<Row>[] = [
      { title: 'BY THE OFFERS', cell: ({ what }) => what },
      { title: 'AS IT WAS', cell: ({ was }) => was, align: 'right' },
      { title: 'WOULD HAVE BEEN', cell: ({ would }) => would, align: 'right' },
      { title: 'DIFFERENCE', cell: ({ difference }) => difference, align: 'right' },
    ];
    lines.push(table(columns, rows, paint.dim));
  } else {
    lines.push('nothing to compare time or money by: those decisions were taken without bids (submit --ask)');
  }
  for (const { from: was, to, decisions: jobs } of replay.changes.slice(0, 10)) {
    lines.push(`  ${clean(was)} → ${to === '' ? 'none' : clean(to)}: ${jobs}`);
  }
  if (replay.cut) lines.push('there are more decisions than were looked at: narrow it with --since and --until');
  return lines.join('\n');
}

/** Of which one of the two clusters made no offer. */
function notCompared({ decisions, compared, unplaced }: ReplayResponse): number {
  return Math.max(0, decisions - compared - unplaced);
}

function skippedText({ skipped }: ReplayResponse): string {
  return skipped === 0 ? '' : ` (${skipped} were recorded without what a policy needs)`;
}
