/** What a native job's name says, however a runner writes it; and of all that is listed what is ours, by key. Pure. */
import { keyText, type JobKey } from '../runner.ts';

export interface NativeName extends JobKey {
  /** 8 hexadecimal digits: whose, this cluster as this server knows it. */
  readonly realm: string;
  /** 12 hexadecimal digits, new with every submission. */
  readonly nonce: string;
}

/** From the parts of a name; null where it is none of ours. */
export function nameOf(found: RegExpExecArray | null): NativeName | null {
  if (found === null) return null;
  return { jobId: found[1]!, epoch: Number(found[2]), realm: found[3]!, nonce: found[4]! };
}

export interface Found<R> {
  readonly name: NativeName;
  readonly record: R;
}

/** By `ID.EPOCH`. */
export function oursAmong<R extends { readonly name: string }>(
  records: readonly R[],
  realm: string,
  read: (name: string) => NativeName | null,
): ReadonlyMap<string, readonly Found<R>[]> {
  const byKey = new Map<string, Found<R>[]>();
  for (const record of records) {
    const name = read(record.name);
    if (name === null || name.realm !== realm) continue;
    const there = byKey.get(keyText(name));
    if (there === undefined) byKey.set(keyText(name), [{ name, record }]);
    else there.push({ name, record });
  }
  return byKey;
}
