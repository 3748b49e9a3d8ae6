/** Times on the command line: read by the clock of this machine, where they name no zone; and for the wire. */
import { readMoment } from '../core/job/moment.ts';
import { readIso } from '../core/iso-time.ts';
import type { WireTime } from './present/time.ts';

/**
 * Milliseconds since 1970 of `+2h`, `2030-01-31T12:00` (whoever writes that here means the time of here) or
 * `2030-01-31T12:00Z`. In files that travel a time without a zone is refused (core/job/moment.ts). Errors:
 * `invalid_input` at `place`.
 */
export function readMomentHere(written: string, place: string, now: number): number {
  const found = readIso(written);
  if (found === null || found.hasZone) return readMoment(written, place, now);
  // oxlint-disable-next-line no-restricted-globals -- arithmetic on a given time, no clock
  const zone = (ms: number): number => new Date(ms).getTimezoneOffset() * 60_000;
  // Twice: the offset is that of the moment, not of its digits as UTC.
  const near = found.ms + zone(found.ms);
  return found.ms + zone(near);
}

/** The same for the wire. Undefined where nothing is written. */
export function wireMoment(
  written: string | undefined,
  place: string,
  now: number,
): { readonly $typeName: 'google.protobuf.Timestamp'; readonly seconds: bigint; readonly nanos: number } | undefined {
  if (written === undefined) return undefined;
  const ms = readMomentHere(written, place, now);
  const time: WireTime = { seconds: BigInt(Math.floor(ms / 1000)), nanos: (((ms % 1000) + 1000) % 1000) * 1e6 };
  return { $typeName: 'google.protobuf.Timestamp', ...time };
}
