/** Amounts of memory between units, exactly. */
const UNITS: Readonly<Record<string, bigint>> = {
  B: 1n,
  KB: 10n ** 3n,
  MB: 10n ** 6n,
  GB: 10n ** 9n,
  TB: 10n ** 12n,
  PB: 10n ** 15n,
  KiB: 1024n,
  MiB: 1024n ** 2n,
  GiB: 1024n ** 3n,
  TiB: 1024n ** 4n,
  PiB: 1024n ** 5n,
};

/** null for a unit that is none of memory. */
export function bytesIn(amount: number, unit: string): bigint | null {
  const size = Object.hasOwn(UNITS, unit) ? UNITS[unit]! : null;
  return size === null || !Number.isSafeInteger(amount) ? null : BigInt(amount) * size;
}

/** In the largest of `units` (largest first) that divides it and keeps it under 2^31; null where none does. */
export function inUnits(
  bytes: bigint,
  units: readonly string[],
): { readonly amount: number; readonly unit: string } | null {
  for (const unit of units) {
    const size = UNITS[unit]!;
    if (bytes % size === 0n && bytes / size < 2n ** 31n) return { amount: Number(bytes / size), unit };
  }
  return null;
}

/** Rounded up, in the smallest of `units` (largest first) that keeps it under 2^31. */
export function roundedUp(bytes: bigint, units: readonly string[]): { readonly amount: number; readonly unit: string } {
  for (const unit of [...units].reverse()) {
    const size = UNITS[unit]!;
    const amount = (bytes + size - 1n) / size;
    if (amount < 2n ** 31n) return { amount: Number(amount), unit };
  }
  return { amount: 2 ** 31 - 1, unit: units[0] ?? 'B' };
}
