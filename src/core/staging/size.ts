/** Bytes, for people: `17 B`, `1.5 MiB`. */
const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let amount = bytes;
  let unit: string = '';
  for (const next of UNITS) {
    if (amount < 1024) break;
    amount /= 1024;
    unit = next;
  }
  // A limit of a byte less than 1 GiB is not to be told as 1 GiB: a size that breaks it looks the same.
  const text = amount >= 100 ? amount.toFixed(0) : amount.toFixed(1).replace(/\.0$/, '');
  const isExact = Number(text) * 1024 ** (UNITS.indexOf(unit as (typeof UNITS)[number]) + 1) === bytes;
  return isExact ? `${text} ${unit}` : `${text} ${unit} (${bytes} bytes)`;
}
