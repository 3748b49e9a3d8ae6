/** Times on the command line, for the wire. */
import { readMoment } from '../core/job/moment.ts';
import type { WireTime } from './present/time.ts';

/** `+2h`, or `2030-01-31T12:00Z`. Errors: `invalid_input` at `place`. Undefined where nothing is written. */
export function wireMoment(
  written: string | undefined,
  place: string,
  now: number,
): { readonly $typeName: 'google.protobuf.Timestamp'; readonly seconds: bigint; readonly nanos: number } | undefined {
  if (written === undefined) return undefined;
  const ms = readMoment(written, place, now);
  const time: WireTime = { seconds: BigInt(Math.floor(ms / 1000)), nanos: (((ms % 1000) + 1000) % 1000) * 1e6 };
  return { $typeName: 'google.protobuf.Timestamp', ...time };
}
