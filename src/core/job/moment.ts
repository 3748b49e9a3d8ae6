/**
 * Times that people give: `now`, `+90m` from now, sbatch's `now+1hour`, or a date and time with its zone. Pure: what time
 * it is comes in. A time without a zone is refused: whose midnight it was to be, nobody can tell on another machine.
 */
import { invalid } from '../errors.ts';
import { readIso } from '../iso-time.ts';
import { readTime } from '../jobspec/time.ts';

/** sbatch's units; seconds where none is given. */
const UNITS: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3600, day: 86_400, week: 604_800 };

/** Milliseconds since 1970. Throws `invalid_input` at `place`. */
export function readMoment(written: string, place: string, now: number): number {
  const text = written.trim();
  if (text.toLowerCase() === 'now') return now;
  if (text.startsWith('+')) return Math.ceil(now + readTime(text.slice(1), place) * 1000);
  const ago = /^-(?=\d)/.test(text);
  if (ago) return Math.floor(now - readTime(text.slice(1), place) * 1000);
  const counted = /^now\+(\d{1,9})\s*([a-z]*?)s?$/i.exec(text);
  if (counted !== null) {
    const unit = counted[2] === '' ? 1 : UNITS[counted[2]!.toLowerCase()];
    if (unit !== undefined) return now + Number(counted[1]) * unit * 1000;
    return Math.ceil(now + readTime(text.slice(4), place) * 1000);
  }
  const found = readIso(text);
  const shown = JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
  if (found === null) {
    throw invalid(
      place,
      `${shown} is no time; write it as +90m or -2h from now, or as 2030-01-31T12:00Z with its zone`,
    );
  }
  if (!found.hasZone) {
    throw invalid(place, `${shown} says no zone: add Z for UTC, or an offset as in 2030-01-31T12:00+01:00`);
  }
  return found.ms;
}

/** Can it be read, whenever that is? */
export function isMoment(written: string): boolean {
  try {
    readMoment(written, 'time', 0);
    return true;
  } catch {
    return false;
  }
}
