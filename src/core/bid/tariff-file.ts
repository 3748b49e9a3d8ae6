/**
 * The tariff of a cluster, as its administrator writes it (YAML, docs/bidding.md):
 *
 *   currency: EUR                 # or a word of the site's own
 *   perHour: {node: 1.20, core: 0.05, gpu: 2.50, job: 0}
 *   perJob: 0.10
 *   minimum: 0.50
 *   queues:                       # partitions or queues with rates of their own; what one does not say is as above
 *     gpu: {perHour: {gpu: 4.00}, minimum: 1}
 *   timeZone: Europe/Berlin       # UTC
 *   periods:                      # the first that holds counts
 *     - {name: holidays, dates: 2026-12-24/2027-01-01, free: true}
 *     - {name: night, from: "20:00", to: "06:00", days: [mon, tue, wed, thu, fri], factor: 0.5}
 *
 * Unknown keys are refused: a rate that is dropped in silence is a wrong price.
 */
import { readDocument } from '../jobspec/document.ts';
import { child, entries, items, kindOf, number, text, wrong } from '../jobspec/place.ts';
import type { Place } from '../jobspec/place.ts';
import { daysOf, localTime } from './local-time.ts';
import type { Period, Rates, Tariff } from './tariff.ts';

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MOST_PERIODS = 100;
const MOST_QUEUES = 1_000;
const LARGEST_RATE = 1e9;
const MOST_FACTOR = 1000;

/** Throws `invalid_input` with path, line and column. */
export function readTariff(written: string): Tariff {
  const file: Place = { node: readDocument(written, 'tariff'), path: 'tariff' };
  only(file, ['currency', 'perHour', 'perJob', 'minimum', 'queues', 'timeZone', 'periods']);
  const rates = readRates(file, NO_RATES);
  const zone = child(file, 'timeZone');
  const periods = child(file, 'periods');
  const list = periods === null ? [] : items(periods);
  if (list.length > MOST_PERIODS) throw wrong(periods!, `lists more than ${MOST_PERIODS} periods, which is the limit`);
  return {
    currency: readCurrency(file),
    ...rates,
    queues: readQueues(child(file, 'queues'), rates),
    periods: list.map(readPeriod),
    time: localTime(zone === null ? 'UTC' : text(zone), placeOf(zone ?? file)),
  };
}

const NO_RATES: Rates = { perHour: { node: 0, core: 0, gpu: 0, job: 0 }, perJob: 0, minimum: 0 };

/** What is not said there is as in `usual`. */
function readRates(place: Place, usual: Rates): Rates {
  const perHour = child(place, 'perHour');
  if (perHour !== null) only(perHour, ['node', 'core', 'gpu', 'job']);
  const rate = (of: keyof Rates['perHour']): number =>
    perHour === null ? usual.perHour[of] : amount(perHour, of, usual.perHour[of]);
  return {
    perHour: { node: rate('node'), core: rate('core'), gpu: rate('gpu'), job: rate('job') },
    perJob: amount(place, 'perJob', usual.perJob),
    minimum: amount(place, 'minimum', usual.minimum),
  };
}

function readQueues(place: Place | null, usual: Rates): ReadonlyMap<string, Rates> {
  const found = place === null ? [] : [...entries(place)];
  if (found.length > MOST_QUEUES) throw wrong(place!, `names more than ${MOST_QUEUES} queues, which is the limit`);
  return new Map(
    found.map(([name, rates]) => {
      only(rates, ['perHour', 'perJob', 'minimum']);
      return [name, readRates(rates, usual)];
    }),
  );
}

function readCurrency(file: Place): string {
  const place = child(file, 'currency');
  if (place === null) throw wrong(file, '`currency` is missing: what the rates are in, "EUR" or a word of your own');
  const currency = text(place);
  if (!/^[^\s\p{C}]{1,16}$/u.test(currency))
    throw wrong(place, `must be a word of up to 16 characters, not ${kindOf(place)}`);
  return currency;
}

function readPeriod(place: Place, index: number): Period {
  only(place, ['name', 'days', 'from', 'to', 'dates', 'factor', 'free']);
  const [name, days, dates] = [child(place, 'name'), child(place, 'days'), child(place, 'dates')];
  return {
    name: name === null ? `period ${index + 1}` : text(name).slice(0, 60),
    factor: readFactor(place),
    weekdays: days === null ? [0, 1, 2, 3, 4, 5, 6] : items(days).map(readDay),
    from: readClock(child(place, 'from')) % 1440,
    to: readClock(child(place, 'to')),
    dates: dates === null ? null : readDates(dates),
  };
}

function readFactor(place: Place): number {
  const [factor, free] = [child(place, 'factor'), child(place, 'free')];
  if (free !== null) {
    if (free.node.kind !== 'scalar' || free.node.value !== true) throw wrong(free, 'must be true, or left out');
    if (factor !== null) throw wrong(factor, 'a period is free or has a factor, not both');
    return 0;
  }
  if (factor === null) throw wrong(place, 'a period needs `factor: NUMBER`, or `free: true`');
  const value = number(factor);
  if (value < 0 || value > MOST_FACTOR) throw wrong(factor, `must be from 0 to ${MOST_FACTOR}, not ${value}`);
  return value;
}

function readDay(place: Place): number {
  const day = DAYS.indexOf(text(place).toLowerCase());
  if (day < 0) throw wrong(place, `must be one of ${DAYS.join(', ')}, not ${kindOf(place)}`);
  return day;
}

/** Minutes of the day; midnight where it is not given. Unquoted, YAML reads `20:00` as text, too. */
function readClock(place: Place | null): number {
  if (place === null) return 0;
  const found = /^([01]?\d|2[0-4]):([0-5]\d)$/.exec(text(place));
  const minutes = found === null ? Number.NaN : Number(found[1]) * 60 + Number(found[2]);
  if (!(minutes <= 1440)) throw wrong(place, `must be a time of day such as "20:00", not ${kindOf(place)}`);
  return minutes;
}

function readDates(place: Place): { readonly first: number; readonly last: number } {
  const found = /^(\d{4}-\d{2}-\d{2})(?:\/(\d{4}-\d{2}-\d{2}))?$/.exec(text(place));
  const first = found === null ? null : dayOf(found[1]!);
  const last = found === null ? null : dayOf(found[2] ?? found[1]!);
  if (first === null || last === null || last < first) {
    throw wrong(place, `must be a date, or two as in 2026-12-24/2027-01-01, not ${kindOf(place)}`);
  }
  return { first, last };
}

function dayOf(date: string): number | null {
  const [year, month, day] = date.split('-').map(Number) as [number, number, number];
  const days = daysOf(year, month, day);
  const next = month === 12 ? daysOf(year + 1, 1, 1) : daysOf(year, month + 1, 1);
  return month < 1 || month > 12 || day < 1 || days >= next ? null : days;
}

function amount(place: Place, key: string, usual: number): number {
  const found = child(place, key);
  if (found === null) return usual;
  const value = number(found);
  if (value < 0 || value > LARGEST_RATE) throw wrong(found, `must be from 0 to ${LARGEST_RATE}, not ${value}`);
  return value;
}

function only(place: Place, known: readonly string[]): void {
  for (const [key, value] of entries(place)) {
    if (!known.includes(key)) throw wrong(value, `unknown key \`${key.slice(0, 40)}\`; there are ${known.join(', ')}`);
  }
}

function placeOf(place: Place): string {
  const { line, column } = place.node.at;
  return `${place.path} (line ${line}, column ${column})`;
}
