/** Times of the wire for people and programs, without the Date global. */

/** google.protobuf.Timestamp as the generated code has it. */
export interface WireTime {
  readonly seconds: bigint;
  readonly nanos: number;
}

export function milliseconds(time: WireTime): number {
  return Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6);
}

/** `2024-05-01T12:00:00.000Z`; null for a time that is not there. */
export function isoTime(time: WireTime | undefined): string | null {
  return time === undefined ? null : isoOf(milliseconds(time));
}

/** Milliseconds since 1970 as ISO 8601 in UTC: days to a civil date by eras of 400 years. */
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

/** `0.8 s`, `42 s`, `3 min`, `2 h 5 min`, `4 d 3 h` */
export function durationText(ms: number): string {
  if (ms < 10_000) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `3 min ago`; '' for a time that is not there. */
export function agoText(time: WireTime | undefined, now: number): string {
  return time === undefined ? '' : `${durationText(Math.max(0, now - milliseconds(time)))} ago`;
}
