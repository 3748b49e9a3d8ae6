/**
 * A Flux job id (RFC 19): 64 bits, written in decimal by JSON and as `ƒ` and base 58 by and for people. Kept in the
 * latter form; `f` stands for `ƒ` where the locale has none. Pure.
 */
const DIGITS = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** From decimal digits. */
export function jobIdOf(decimal: string): string {
  let rest = BigInt(decimal);
  let text = '';
  do {
    text = DIGITS[Number(rest % 58n)]! + text;
    rest /= 58n;
  } while (rest > 0n);
  return `ƒ${text}`;
}

/** What `flux job submit` prints; null where it is no id. */
export function readJobId(stdout: string): string | null {
  const found = /^[ƒf]([1-9A-HJ-NP-Za-km-z]{1,12})$/m.exec(stdout.trim());
  return found === null ? null : `ƒ${found[1]}`;
}
