/** Times of the wire for people and programs, without the Date global. */
import { isoOf } from '../../core/iso-time.ts';

export { isoOf };

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
