/**
 * Units of pools: B, kB … PB and KiB … PiB convert into bytes; any other unit only equals itself. Where one side
 * names no unit its numbers are taken as they stand.
 */
const factors: ReadonlyMap<string, number> = new Map(
  ['k', 'M', 'G', 'T', 'P'].flatMap((prefix, i): [string, number][] => [
    [`${prefix}B`, 1000 ** (i + 1)],
    [`${prefix.toUpperCase()}B`, 1000 ** (i + 1)],
    [`${prefix.toUpperCase()}iB`, 1024 ** (i + 1)],
  ]),
).set('B', 1);

/** Bytes in one of it, or null where it is no unit of bytes. */
export function bytesIn(unit: string): number | null {
  return factors.get(unit) ?? null;
}

/** The next smaller one of the same kind: of one TiB 1024 GiB, of one GB 1000 MB. Null: there is none. */
export function smallerUnit(unit: string): { readonly unit: string; readonly times: number } | null {
  const [, prefix = '', i = ''] = /^([kKMGTP])(i?)B$/.exec(unit) ?? [];
  const place = 'KMGTP'.indexOf(prefix.toUpperCase());
  if (prefix === '' || place < 1) return null;
  const smaller = 'KMGTP'.charAt(place - 1);
  return { unit: `${smaller === 'K' && i === '' ? 'k' : smaller}${i}B`, times: i === '' ? 1000 : 1024 };
}

/** How a request counts: its basis ('byte', '' or the unit itself) and how much of the basis one of it is. */
export function basisOf(unit: string): { basis: string; factor: number } {
  const bytes = bytesIn(unit);
  return bytes === null ? { basis: unit, factor: 1 } : { basis: 'byte', factor: bytes };
}

/**
 * How much of the request's basis one unit of a vertex is; 0 where the two do not go together.
 * `factor` is the request's own: what a vertex without a unit counts as.
 */
export function worth(vertexUnit: string, basis: string, factor: number): number {
  if (basis === '') return 1;
  if (vertexUnit === '') return factor;
  if (basis === 'byte') return bytesIn(vertexUnit) ?? 0;
  return vertexUnit === basis ? 1 : 0;
}

/** A quantity without the noise that fractions leave when they are added up: whole bytes, else billionths. */
export function tidy(quantity: number, basis: string): number {
  if (Number.isInteger(quantity)) return quantity;
  return basis === 'byte' ? Math.round(quantity) : Math.round(quantity * 1e9) / 1e9;
}

/** How many whole grains are in a quantity that is tidy: but for the last places of a division nothing is forgiven. */
export function wholes(quantity: number, grain: number): number {
  const ratio = quantity / grain;
  const near = Math.round(ratio);
  return Math.abs(ratio - near) <= near * 2 ** -45 ? near : Math.floor(ratio);
}

/** The greatest common divisor; of fractions, too: what is below a millionth is the noise of having added them up. */
export function divisor(a: number, b: number): number {
  let [left, right] = [a, b];
  while (right > 1e-6) [left, right] = [right, left % right];
  return left;
}
