/**
 * What a job costs by a cluster's tariff: rates per hour for what it takes, times the factor of the period that holds
 * at each moment (night, weekend, a free week), plus a fee per job, and at least the minimum. The parts add up to the
 * amount, to six decimals. Charged by walltime: what a bid can promise.
 */
import type { Cost, CostPart } from './bid.ts';
import { weekday, type LocalTime } from './local-time.ts';

export interface Rates {
  /** Per hour: of each node, core and gpu, and of the job as such. */
  readonly perHour: { readonly node: number; readonly core: number; readonly gpu: number; readonly job: number };
  readonly perJob: number;
  /** A job costs at least this; a job all of whose time is free costs nothing. */
  readonly minimum: number;
}

export interface Tariff extends Rates {
  readonly currency: string;
  /** Of partitions or queues that have rates of their own. */
  readonly queues?: ReadonlyMap<string, Rates>;
  /** The first that holds counts; outside of all of them the factor is 1. */
  readonly periods: readonly Period[];
  readonly time: LocalTime;
}

export interface Period {
  readonly name: string;
  /** 0: free. */
  readonly factor: number;
  /** Days of the week on which it begins; 0 is Sunday. */
  readonly weekdays: readonly number[];
  /** Minutes of the day; `to` not after `from`: until that time of the next day. */
  readonly from: number;
  readonly to: number;
  /** Local days since 1970 on which it begins, both included; null: all. */
  readonly dates: { readonly first: number; readonly last: number } | null;
}

export interface Usage {
  readonly nodes: number;
  readonly cores: number;
  readonly gpus: number;
  /** Milliseconds since 1970. */
  readonly start: number;
  /** Seconds. */
  readonly walltime: number;
  /** The partition or queue that it goes to; '' or left out: none that is known. */
  readonly queue?: string;
}

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY_MINUTES = 1440;
/** Longer jobs are charged like this long, in proportion: 400 days. Milliseconds. */
const LONGEST_WALK = 400 * 24 * HOUR;

export function costOf(tariff: Tariff, usage: Usage): Cost {
  const rates = tariff.queues?.get(usage.queue ?? '') ?? tariff;
  const parts: CostPart[] = [];
  let charged = 0;
  for (const [period, hours] of hoursByPeriod(tariff, usage.start, usage.walltime * 1000)) {
    if ((period?.factor ?? 1) > 0) charged += hours;
    parts.push(...partsOf(rates, usage, period, hours));
  }
  if (charged > 0 && rates.perJob > 0) parts.push({ what: `${rates.perJob} per job`, amount: rates.perJob });
  const sum = round(parts.reduce((sum, part) => sum + part.amount, 0));
  if (charged > 0 && sum < rates.minimum) {
    parts.push({ what: `up to the minimum of ${rates.minimum}`, amount: round(rates.minimum - sum) });
  }
  const amount = round(parts.reduce((sum, part) => sum + part.amount, 0));
  return { amount, currency: tariff.currency, parts };
}

function partsOf({ perHour }: Rates, usage: Usage, period: Period | null, hours: number): readonly CostPart[] {
  const factor = period?.factor ?? 1;
  const when = period === null ? '' : ` × ${factor} (${period.name})`;
  const counts = { node: usage.nodes, core: usage.cores, gpu: usage.gpus, job: 1 };
  return (['node', 'core', 'gpu', 'job'] as const).flatMap((of) => {
    const amount = round(counts[of] * hours * perHour[of] * factor);
    if (counts[of] === 0 || perHour[of] === 0) return [];
    const many = of === 'job' ? '' : `${counts[of]} ${of}${counts[of] === 1 ? '' : 's'} × `;
    return [{ what: `${many}${Number(hours.toFixed(3))} h × ${perHour[of]}${when}`, amount }];
  });
}

/** Hours from `start` for `length` milliseconds, by the period that holds. */
export function hoursByPeriod(tariff: Tariff, start: number, length: number): ReadonlyMap<Period | null, number> {
  const hours = new Map<Period | null, number>();
  if (tariff.periods.length === 0) return hours.set(null, length / HOUR);
  const walked = Math.min(length, LONGEST_WALK);
  const edges = [...new Set(tariff.periods.flatMap(({ from, to }) => [from, to])), DAY_MINUTES].sort((a, b) => a - b);
  let at = start;
  while (at < start + walked) {
    const until = Math.min(start + walked, nextEdge(tariff.time, edges, at));
    const period = periodAt(tariff, at);
    hours.set(period, (hours.get(period) ?? 0) + ((until - at) / HOUR) * (length / walked));
    at = until;
  }
  return hours;
}

/** When another period may begin: at an edge of the local day, or where the clocks are changed. */
function nextEdge(time: LocalTime, edges: readonly number[], at: number): number {
  const offset = time.offset(at);
  const ofDay = ((((at + offset) / MINUTE) % DAY_MINUTES) + DAY_MINUTES) % DAY_MINUTES;
  const edge = edges.find((each) => each > ofDay) ?? DAY_MINUTES;
  const until = at + Math.max(1, (edge - ofDay) * MINUTE);
  if (time.offset(until) === offset) return until;
  let [before, after] = [at, until];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (time.offset(middle) === offset) before = middle;
    else after = middle;
  }
  return after;
}

function periodAt({ time, periods }: Tariff, at: number): Period | null {
  const minutes = Math.floor((at + time.offset(at)) / MINUTE);
  const day = Math.floor(minutes / DAY_MINUTES);
  const ofDay = minutes - day * DAY_MINUTES;
  const begins = ({ weekdays, dates }: Period, on: number): boolean =>
    weekdays.includes(weekday(on)) && (dates === null || (on >= dates.first && on <= dates.last));
  return (
    periods.find((each) => {
      if (each.from < each.to) return ofDay >= each.from && ofDay < each.to && begins(each, day);
      return (ofDay >= each.from && begins(each, day)) || (ofDay < each.to && begins(each, day - 1));
    }) ?? null
  );
}

function round(amount: number): number {
  return Math.round(amount * 1e6) / 1e6;
}
