/** Spans of time in jobspecs: a number of seconds, or an RFC 23 Flux Standard Duration (`90s`, `1.5h`). */
import { kindOf, LARGEST, wrong } from './place.ts';
import type { Place } from './place.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds, greater than zero; null for zero, which RFC 14 reads as not set. */
export function readDuration(place: Place): number | null {
  const { node } = place;
  if (node.kind !== 'scalar' || node.value === null || typeof node.value === 'boolean') {
    throw wrong(place, `must be seconds, or a duration such as "90s" or "1.5h", not ${kindOf(place)}`);
  }
  const seconds = typeof node.value === 'number' ? node.value : parseDuration(node.value.trim());
  if (seconds === null || Number.isNaN(seconds) || seconds < 0) {
    throw wrong(place, `must be seconds, or a duration such as "90s" or "1.5h", not ${kindOf(place)}`);
  }
  if (seconds > LARGEST) {
    throw wrong(
      place,
      `${kindOf(place)} is longer than ${LARGEST} s; a job needs an end (0 takes the server's default)`,
    );
  }
  return seconds === 0 ? null : seconds;
}

/** Seconds, of "90s", "1.5h", or a bare number of seconds; may be infinite or negative. Null where it is none. */
export function parseDuration(written: string): number | null {
  if (/^[+]?inf(inity)?$/i.test(written)) return Infinity;
  const found = /^([+-]?(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:[eE][+-]?\d{1,3})?)(ms|s|m|h|d)?$/.exec(written);
  return found === null ? null : Number(found[1]) * (UNITS[found[2] ?? 's'] ?? 1);
}
