/** Counts, spans of time and amounts of memory as sbatch writes them. null: it is none. */
import { LARGEST } from '../../jobspec/place.ts';
import { bytesIn, inUnits, roundedUp } from '../amounts.ts';

const SUFFIX: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** A whole number, perhaps with k, m, g or t for powers of 1024. */
export function readNumber(text: string, least: number): number | null {
  const found = /^(\d{1,15})([kmgt]?)$/i.exec(text.trim());
  if (found === null) return null;
  const value = Number(found[1]) * SUFFIX[found[2]!.toUpperCase()]!;
  return value >= least && value <= LARGEST ? value : null;
}

export interface NodeCount {
  /** A number, or an RFC 45 range or id set. */
  readonly count: number | string;
  readonly min: number;
  readonly max: number;
}

/** `4`, `2-8`, `1,4,9`, `2-15:4`, `1-5,10`. */
export function readNodeCount(text: string): NodeCount | null {
  const one = readNumber(text, 1);
  if (one !== null) return { count: one, min: one, max: one };
  const range = /^(\d{1,10}[km]?)-(\d{1,10}[km]?)(?::(\d{1,10}))?$/i.exec(text.trim());
  if (range !== null) {
    const min = readNumber(range[1]!, 1);
    const max = readNumber(range[2]!, 1);
    const step = range[3] === undefined ? 1 : readNumber(range[3], 1);
    if (min === null || max === null || step === null || max < min) return null;
    const last = max - ((max - min) % step);
    if (last === min) return { count: min, min, max: min };
    return { count: `${min}-${last}${step === 1 ? '' : `:${step}`}`, min, max: last };
  }
  return readSizes(text);
}

function readSizes(text: string): NodeCount | null {
  const sizes = new Set<number>();
  for (const part of text.split(',')) {
    const found = /^(\d{1,9})(?:-(\d{1,9})(?::(\d{1,9}))?)?$/.exec(part.trim());
    if (found === null) return null;
    const first = Number(found[1]);
    const last = Number(found[2] ?? first);
    const step = Number(found[3] ?? 1);
    if (first < 1 || last < first || step < 1 || last > LARGEST || (last - first) / step > 10_000) return null;
    for (let n = first; n <= last; n += step) sizes.add(n);
    if (sizes.size > 10_000) return null;
  }
  const all = [...sizes].sort((a, b) => a - b);
  const count = all.length === 1 ? all[0]! : all.join(',');
  return { count, min: all[0]!, max: all.at(-1)! };
}

/** Seconds; 'none' where the job is to have no limit. */
export function readSlurmTime(text: string): number | 'none' | null {
  const written = text.trim();
  if (/^(-1|0|INFINITE|UNLIMITED)$/i.test(written)) return 'none';
  const found =
    /^(?:(?<days>\d{1,6})-(?<dh>\d{1,6})(?::(?<dm>\d{1,6})(?::(?<ds>\d{1,6}))?)?|(?<a>\d{1,9})(?::(?<b>\d{1,6})(?::(?<c>\d{1,6}))?)?)$/.exec(
      written,
    );
  if (found === null) return null;
  const { days, dh, dm, ds, a, b, c } = found.groups as Record<string, string | undefined>;
  const n = (part: string | undefined): number => Number(part ?? 0);
  let seconds: number;
  if (days !== undefined) seconds = n(days) * 86_400 + n(dh) * 3600 + n(dm) * 60 + n(ds);
  // minutes, minutes:seconds, hours:minutes:seconds
  else if (c !== undefined) seconds = n(a) * 3600 + n(b) * 60 + n(c);
  else seconds = n(a) * 60 + n(b);
  if (seconds === 0) return 'none';
  return seconds <= LARGEST ? seconds : null;
}

/** `d-hh:mm:ss` or `hh:mm:ss`; whole seconds. */
export function writeSlurmTime(seconds: number): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const days = Math.floor(seconds / 86_400);
  const rest = seconds % 86_400;
  const clock = `${two(Math.floor(rest / 3600))}:${two(Math.floor((rest % 3600) / 60))}:${two(rest % 60)}`;
  return days > 0 ? `${days}-${clock}` : clock;
}

export interface Memory {
  readonly amount: number;
  /** KiB, MiB, GiB, TiB. */
  readonly unit: string;
}

/** `16G`, `4000` (MiB). Amount 0 means all that the node has. */
export function readSlurmMemory(text: string): Memory | null {
  const found = /^(\d{1,12})\s*([KMGT])?(?:i?B)?$/i.exec(text.trim());
  if (found === null) return null;
  const amount = Number(found[1]);
  return amount <= LARGEST ? { amount, unit: `${(found[2] ?? 'M').toUpperCase()}iB` } : null;
}

const MEMORY_UNITS = ['PiB', 'TiB', 'GiB', 'MiB', 'KiB'];

/** n times as much; in its own unit where that can be. null: more than can be asked for. */
export function timesMemory({ amount, unit }: Memory, n: number): (Memory & { readonly rounded: boolean }) | null {
  if (amount * n <= LARGEST) return { amount: amount * n, unit, rounded: false };
  const bytes = bytesIn(amount, unit)! * BigInt(n);
  const exact = inUnits(bytes, MEMORY_UNITS);
  if (exact !== null) return { ...exact, rounded: false };
  const { amount: up, unit: larger } = roundedUp(bytes, MEMORY_UNITS);
  return up < LARGEST ? { amount: up, unit: larger, rounded: true } : null;
}
