/** Kubernetes quantities (`500m`, `1.5Gi`, `2e3`), exactly, and amounts of memory in units that graphs have. */
import { LARGEST } from '../../jobspec/place.ts';

const BINARY: Readonly<Record<string, bigint>> = {
  Ki: 1024n,
  Mi: 1024n ** 2n,
  Gi: 1024n ** 3n,
  Ti: 1024n ** 4n,
  Pi: 1024n ** 5n,
  Ei: 1024n ** 6n,
};
/** Powers of ten. */
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const NANO = 10n ** 9n;

/** In billionths, rounded up, as Kubernetes does; null where it is no quantity, or negative, or past 2^63. */
export function readNanos(written: string): bigint | null {
  const found = /^\+?(\d{0,30})(?:\.(\d{0,30}))?(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d{1,2}))?$/.exec(
    written.trim(),
  );
  if (found === null) return null;
  const [, whole = '', part = '', binary, suffix = '', exponent] = found;
  if (whole === '' && part === '') return null;
  const digits = BigInt(`${whole}${part}`);
  const shift =
    9 + (binary === undefined ? (exponent === undefined ? DECIMAL[suffix]! : Number(exponent)) : 0) - part.length;
  const scaled = digits * (binary === undefined ? 1n : BINARY[binary]!);
  if (shift > 80) return digits === 0n ? 0n : null;
  const nanos = shift >= 0 ? scaled * 10n ** BigInt(shift) : up(scaled, 10n ** BigInt(-shift));
  return nanos > 2n ** 63n * NANO ? null : nanos;
}

function up(n: bigint, by: bigint): bigint {
  return (n + by - 1n) / by;
}

/** Whole units, rounded up; null past 2^31 − 1. */
export function wholeUnits(nanos: bigint): number | null {
  const units = up(nanos, NANO);
  return units > BigInt(LARGEST) ? null : Number(units);
}

export interface Bytes {
  readonly amount: number;
  readonly unit: string;
  /** Were they rounded up? */
  readonly rounded: boolean;
}

const UNITS: readonly (readonly [string, bigint])[] = [
  ['PiB', BINARY['Pi']!],
  ['TiB', BINARY['Ti']!],
  ['GiB', BINARY['Gi']!],
  ['MiB', BINARY['Mi']!],
  ['KiB', BINARY['Ki']!],
  ['PB', 10n ** 15n],
  ['TB', 10n ** 12n],
  ['GB', 10n ** 9n],
  ['MB', 10n ** 6n],
  ['KB', 10n ** 3n],
  ['B', 1n],
];
/** Where a quantity of that suffix is a whole number of the unit, it stays in it. */
const OWN: Readonly<Record<string, string>> = {
  Ki: 'KiB',
  Mi: 'MiB',
  Gi: 'GiB',
  Ti: 'TiB',
  Pi: 'PiB',
  k: 'KB',
  M: 'MB',
  G: 'GB',
  T: 'TB',
  P: 'PB',
  '': 'B',
};

/** `written`: '' where it is a sum. The same amount in its own unit, else in the largest one that divides it; rounded up where none does. */
export function bytesOf(nanos: bigint, written: string): Bytes | null {
  const bytes = up(nanos, NANO);
  if (bytes === 0n) return null;
  const suffix = /([KMGTP]i|[kMGTP])?$/.exec(written.trim())?.[1] ?? '';
  const own = written === '' ? undefined : UNITS.find(([unit]) => unit === OWN[suffix]);
  const whole = nanos % NANO === 0n;
  for (const [unit, size] of own === undefined ? UNITS : [own, ...UNITS]) {
    if (bytes % size === 0n && bytes / size <= BigInt(LARGEST))
      return { amount: Number(bytes / size), unit, rounded: !whole };
  }
  for (const [unit, size] of [...UNITS].slice(0, 5).reverse()) {
    const amount = up(bytes, size);
    if (amount <= BigInt(LARGEST)) return { amount: Number(amount), unit, rounded: true };
  }
  return null;
}

/** `4 GiB` as a quantity; null for a unit that Kubernetes does not know. */
export function quantityText(amount: number, unit: string): string | null {
  const suffix = Object.entries(OWN).find(([, own]) => own === unit)?.[0];
  return suffix === undefined ? null : `${amount}${suffix}`;
}
