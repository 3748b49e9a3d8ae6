/** Times as ISO 8601 and back, without the Date global. Pure; the proleptic Gregorian calendar, UTC. */

/** Milliseconds since 1970 as `2024-05-01T12:00:00.000Z`: days to a civil date by eras of 400 years. */
export function isoOf(ms: number): string {
  const day = Math.floor(ms / 86_400_000);
  const rest = ms - day * 86_400_000;
  const shifted = day + 719_468; // from 0000-03-01
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const two = (n: number): string => String(n).padStart(2, '0');
  return (
    `${String(year).padStart(4, '0')}-${two(month)}-${two(dayOfMonth)}T` +
    `${two(Math.floor(rest / 3_600_000))}:${two(Math.floor(rest / 60_000) % 60)}:${two(Math.floor(rest / 1000) % 60)}` +
    `.${String(Math.floor(rest % 1000)).padStart(3, '0')}Z`
  );
}

const WRITTEN = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?(Z|[+-]\d\d:?\d\d)?)?$/i;

export interface ReadTime {
  /** Milliseconds since 1970; read as UTC where no zone is written. */
  readonly ms: number;
  readonly hasZone: boolean;
}

/** `2024-05-01`, `2024-05-01T12:00Z`, `2024-05-01T12:00:30+02:00`. Null where it is none, or no such day. */
export function readIso(text: string): ReadTime | null {
  const found = WRITTEN.exec(text.trim());
  if (found === null) return null;
  const [, year, month, day, hours = '0', minutes = '0', seconds = '0', fraction = '', zone] = found;
  const [h, m, s] = [Number(hours), Number(minutes), Number(seconds)];
  const days = daysFrom(Number(year), Number(month), Number(day));
  if (days === null || h > 23 || m > 59 || s > 59) return null;
  const offset = zone === undefined || /z/i.test(zone) ? 0 : offsetOf(zone);
  const inDay = ((h * 60 + m) * 60 + s) * 1000 + Number(fraction.padEnd(3, '0'));
  return { ms: days * 86_400_000 + inDay - offset * 60_000, hasZone: zone !== undefined };
}

/** Minutes east. */
function offsetOf(zone: string): number {
  const digits = zone.replace(/\D/g, '');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return zone.startsWith('-') ? -minutes : minutes;
}

function daysFrom(year: number, month: number, day: number): number | null {
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return null;
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function daysIn(year: number, month: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]!;
}
