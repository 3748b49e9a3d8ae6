/** Local time of a place on earth, from the time zone data of the runtime; pure for a given zone and moment. */
import { invalid } from '../errors.ts';

const DAY = 86_400_000;
const QUARTER = 900_000;
/** Offsets that are remembered, by quarter of an hour: zones shift on quarters. */
const MOST_KNOWN = 10_000;

export interface LocalTime {
  /** Milliseconds that the zone is ahead of UTC at `time`. */
  offset(time: number): number;
}

/** Throws `invalid_input` for a zone that there is not ("Europe/Berlin", "UTC"). */
export function localTime(zone: string, place: string): LocalTime {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw invalid(place, `there is no time zone "${zone.slice(0, 60)}"; write it as in "Europe/Berlin" or "UTC"`);
  }
  const known = new Map<number, number>();
  return {
    offset(time) {
      const quarter = Math.floor(time / QUARTER);
      let offset = known.get(quarter);
      if (offset === undefined) {
        offset = offsetAt(format, quarter * QUARTER);
        if (known.size >= MOST_KNOWN) known.clear();
        known.set(quarter, offset);
      }
      return offset;
    },
  };
}

function offsetAt(format: Intl.DateTimeFormat, time: number): number {
  const field = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]));
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = field;
  return daysOf(year, month, day) * DAY + ((hour * 60 + minute) * 60 + second) * 1000 - Math.floor(time / 1000) * 1000;
}

/** Days from 1970-01-01 to a date of the Gregorian calendar. */
export function daysOf(year: number, month: number, day: number): number {
  // Years begin in March here, so that the leap day is the last.
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const ofEra = y - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}

/** 0 is Sunday. */
export function weekday(days: number): number {
  return (((days + 4) % 7) + 7) % 7;
}
