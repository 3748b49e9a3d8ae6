/** Spans of time on the command line: `90s`, `10m`, `1h30m`, `2d`, `01:30:00`, `10:00` (minutes), or plain seconds. */
import { invalid } from '../errors.ts';
import { LARGEST } from './place.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds, greater than zero. */
export function readTime(written: string, place: string): number {
  const seconds = clock(written.trim()) ?? spans(written.trim());
  if (seconds === null) {
    throw invalid(
      place,
      `${JSON.stringify(written.slice(0, 40))} is no span of time; write it as 90s, 10m, 1h30m or 01:30:00`,
    );
  }
  if (seconds <= 0 || seconds > LARGEST) throw invalid(place, `must be more than 0 and at most ${LARGEST} seconds`);
  return seconds;
}

/** [DAYS-]HH:MM:SS, or MM:SS, as sbatch reads them. */
function clock(written: string): number | null {
  const found = /^(?:(\d{1,5})-)?(?:(\d{1,6}):)?(\d{1,6}):(\d{1,2})$/.exec(written);
  if (found === null) return null;
  const [, days, hours, minutes, seconds] = found;
  if (days !== undefined && hours === undefined) return null;
  if (Number(seconds) > 59 || (hours !== undefined && Number(minutes) > 59)) return null;
  return Number(days ?? 0) * 86_400 + Number(hours ?? 0) * 3600 + Number(minutes) * 60 + Number(seconds);
}

function spans(written: string): number | null {
  if (/^\d{1,12}(\.\d{1,6})?$/.test(written)) return Number(written);
  if (!/^(?:\d{1,12}(?:\.\d{1,6})?(?:ms|[smhd]))+$/.test(written)) return null;
  let total = 0;
  for (const [, amount, unit] of written.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) {
    total += Number(amount) * UNITS[unit!]!;
  }
  return total;
}
